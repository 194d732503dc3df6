// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"
#include "core/data/reading.h"
#include "core/data/recipe.h"
#include "tests/support/failure.h"

#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>
#include <nlohmann/json.hpp>

using namespace kurtoscope;
using test::failure;

namespace {

Recipe fullRecipe() {
    Recipe recipe;
    recipe.scheme = "w8a8";
    recipe.parameters = {{"activation", "per-token"}, {"weight_bits", "4"}};
    recipe.with = {{"smoothquant", {{"alpha", "0.5"}}}};
    recipe.bits = {{{1, Place::mlp_output}, 4}};
    recipe.ranges = {{{0, Place::attn_input}, {-1.3F, 0.1F}}, {{0, Place::mlp_hidden}, {0, 3e-7F}}};
    recipe.samples = 32;
    recipe.sampleSeed = 7;
    recipe.scope = Scope::all_activations;
    recipe.keep = "ratio:20";
    recipe.kept = {{{0, Place::attn_input}, {1, 2, 507}}, {{-1, Place::logits}, {0}}};
    recipe.highPrecision = {{-1, Place::embedding}, {11, Place::mlp_output}};
    return recipe;
}

} // namespace

class TestRecipe : public QObject {
    Q_OBJECT
private slots:
    void parses_data();
    void parses();
    void textComesBack_data();
    void textComesBack();
    void badTextNamesThePiece_data();
    void badTextNamesThePiece();
    void keepsFromFile();
    void recipeFileByItsName();
    void jsonComesBack();
    void jsonIsStable();
    void jsonDefaults();
    void badJsonNamesTheKey_data();
    void badJsonNamesTheKey();
    void schemaKnowsEveryKey();
    void schemaPatternsMatchTheReader();
    void hashFollowsEquality();
    void setKeptLeavesNoEmptySets();
    void kernelTagsHaveNames();
};

void TestRecipe::parses_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<Recipe>("expected");
    Recipe recipe;
    QTest::newRow("scheme alone") << QByteArray("fp32") << recipe;
    recipe.scheme = "w8a8";
    recipe.parameters = {{"activation", "per-token"}, {"weight", "per-channel"}};
    recipe.keep = "auto";
    QTest::newRow("parameters and keep")
        << QByteArray("w8a8:activation=per-token,weight=per-channel,keep=auto") << recipe;
    QTest::newRow("any order") << QByteArray("w8a8:keep=auto,weight=per-channel,activation=per-token")
                               << recipe;
    recipe.parameters = {{"activation_bits", "6"}};
    recipe.keep = "magnitude:6";
    recipe.scope = Scope::all_activations;
    QTest::newRow("scope") << QByteArray("w8a8:scope=all-activations,keep=magnitude:6.0,activation_bits=6")
                           << recipe;
    recipe = {};
    recipe.scheme = "w8a8";
    QTest::newRow("default scope leaves no trace") << QByteArray("w8a8:scope=linear-inputs") << recipe;
    recipe.with = {{"rotation", {}}, {"gptq", {{"bits", "4"}}}};
    recipe.keep = "top:4";
    recipe.parameters = {{"sites", "mlp_output/layers.1.key"}};
    QTest::newRow("several schemes")
        << QByteArray("w8a8:sites=mlp_output/layers.1.key+rotation+gptq:keep=top:4,bits=4") << recipe;
}

void TestRecipe::parses() {
    QFETCH(QByteArray, text);
    QFETCH(Recipe, expected);
    QVERIFY(Recipe::parse(text.toStdString()) == expected);
}

void TestRecipe::textComesBack_data() {
    QTest::addColumn<QByteArray>("text");
    for (const char* text : {"fp32", "w8a8", "w8a8:activation=per-token", "w8a8:scope=all-activations",
                             "w8a8:activation=per-token,weight=per-channel,scope=all-activations,keep=top:4",
                             "gptq:bits=4,samples=32+kv-cache", "w8a8:samples=8,sample_seed=3"})
        QTest::newRow(text) << QByteArray(text);
}

void TestRecipe::textComesBack() {
    QFETCH(QByteArray, text);
    QCOMPARE(QByteArray::fromStdString(Recipe::parse(text.toStdString()).text()), text);
}

void TestRecipe::badTextNamesThePiece_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("expected");
    QTest::newRow("nothing") << QByteArray("") << QByteArray("begins with a scheme's id");
    QTest::newRow("no scheme") << QByteArray(":keep=auto") << QByteArray("begins with a scheme's id");
    QTest::newRow("colon alone") << QByteArray("w8a8:") << QByteArray("\"\": a recipe needs key=value");
    QTest::newRow("no value") << QByteArray("w8a8:weight")
                              << QByteArray("\"weight\": a recipe needs key=value");
    QTest::newRow("empty value") << QByteArray("w8a8:weight=") << QByteArray("\"weight=\"");
    QTest::newRow("no key") << QByteArray("w8a8:=4") << QByteArray("\"=4\"");
    QTest::newRow("comma at the end") << QByteArray("w8a8:weight=a,") << QByteArray("\"\": a recipe needs");
    QTest::newRow("twice") << QByteArray("w8a8:weight=a,weight=b") << QByteArray("weight is given twice");
    QTest::newRow("scope") << QByteArray("w8a8:scope=everything")
                           << QByteArray("no scope is called everything");
    QTest::newRow("keep") << QByteArray("w8a8:keep=most")
                          << QByteArray("keep=most: unknown outlier criterion \"most\"");
    QTest::newRow("keep's number") << QByteArray("w8a8:keep=top:x") << QByteArray("top:x");
    QTest::newRow("no file") << QByteArray("w8a8:keep=/nowhere/kept.json")
                             << QByteArray("/nowhere/kept.json");
    QTest::newRow("no recipe file") << QByteArray("/nowhere/recipe.json")
                                    << QByteArray("/nowhere/recipe.json");
    QTest::newRow("samples") << QByteArray("gptq:samples=none")
                             << QByteArray("\"samples=none\": samples is a number");
    QTest::newRow("sample seed") << QByteArray("w8a8:sample_seed=0")
                                 << QByteArray("\"sample_seed=0\": sample_seed is a number");
    QTest::newRow("odd signs") << QByteArray("w8a8:weight=a b") << QByteArray("\"weight=a b\"");
    QTest::newRow("path as scheme") << QByteArray("../w8a8") << QByteArray("\"../w8a8\"");
}

void TestRecipe::badTextNamesThePiece() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, expected);
    const std::string sentence = failure([&] { Recipe::parse(text.toStdString()); });
    QVERIFY2(QByteArray::fromStdString(sentence).contains(expected), sentence.c_str());
}

void TestRecipe::keepsFromFile() {
    const QTemporaryDir folder;
    const std::string bare = folder.filePath("kept.json").toStdString();
    writeFileAtomically(bare, R"({"layers.0.attn_input": [2, 1], "logits": []})");
    const Recipe recipe = Recipe::parse("w8a8:activation=per-token,keep=" + bare);
    QVERIFY(recipe.keep.empty());
    QCOMPARE(recipe.kept, (std::map<Site, std::set<int>>{{{0, Place::attn_input}, {1, 2}}}));
    const std::string whole = folder.filePath("any name").toStdString();
    writeFileAtomically(whole, fullRecipe().toJson());
    QCOMPARE(Recipe::parse("w8a8:keep=" + whole).kept, fullRecipe().kept);
    writeFileAtomically(bare, R"({"layers.0.nowhere": [2]})");
    const std::string sentence = failure([&] { Recipe::parse("w8a8:keep=" + bare); });
    QVERIFY2(sentence.starts_with(bare + ", layers.0.nowhere: no site"), sentence.c_str());
}

void TestRecipe::recipeFileByItsName() {
    const QTemporaryDir folder;
    const std::string file = folder.filePath("mine.json").toStdString();
    writeFileAtomically(file, fullRecipe().toJson());
    QVERIFY(Recipe::parse(file) == fullRecipe());
}

void TestRecipe::jsonComesBack() {
    QVERIFY(Recipe::fromJson(fullRecipe().toJson(), "memory") == fullRecipe());
    QVERIFY(Recipe::fromJson(Recipe().toJson(), "memory") == Recipe());
    Recipe odd;
    odd.parameters["note"] = "quotes \" and \\ and é";
    QVERIFY(Recipe::fromJson(odd.toJson(), "memory") == odd);
}

void TestRecipe::jsonIsStable() {
    QCOMPARE(QString::fromStdString(fullRecipe().toJson()), QStringLiteral(R"({
  "schema": 1,
  "scheme": "w8a8",
  "parameters": {"activation": "per-token", "weight_bits": "4"},
  "with": [
    {"scheme": "smoothquant", "parameters": {"alpha": "0.5"}}
  ],
  "scope": "all-activations",
  "keep": "ratio:20",
  "kept": {
    "logits": [0],
    "layers.0.attn_input": [1, 2, 507]
  },
  "high_precision": ["embedding", "layers.11.mlp_output"],
  "bits": {"layers.1.mlp_output": 4},
  "ranges": {
    "layers.0.attn_input": [-1.3, 0.1],
    "layers.0.mlp_hidden": [0, 3e-07]
  },
  "samples": 32,
  "sample_seed": 7
}
)"));
}

void TestRecipe::jsonDefaults() {
    Recipe expected;
    expected.scheme = "w8a8";
    QVERIFY(Recipe::fromJson(R"({"schema": 1, "scheme": "w8a8"})", "memory") == expected);
    QVERIFY(Recipe::fromJson(R"({"schema": 1, "scheme": "w8a8", "kept": {"logits": []}})", "memory") ==
            expected);
}

void TestRecipe::badJsonNamesTheKey_data() {
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char* name, const char* members, const char* expected) {
        QTest::newRow(name) << QByteArray("{\"schema\": 1, \"scheme\": \"w8a8\", ") + members + "}"
                            << QByteArray(expected);
    };
    QTest::newRow("not JSON") << QByteArray("{\n\"schema\": 1,\n oops}")
                              << QByteArray("r.json, line 3: not valid JSON");
    QTest::newRow("empty") << QByteArray("") << QByteArray("not valid JSON");
    QTest::newRow("a list") << QByteArray("[1]") << QByteArray("object was expected, got array");
    QTest::newRow("no schema") << QByteArray("{\"scheme\": \"fp32\"}") << QByteArray("\"schema\" is missing");
    QTest::newRow("later schema") << QByteArray("{\"schema\": 2}")
                                  << QByteArray("schema 1 was expected, got 2");
    QTest::newRow("no scheme") << QByteArray("{\"schema\": 1}") << QByteArray("\"scheme\" is missing");
    QTest::newRow("scheme's type") << QByteArray("{\"schema\": 1, \"scheme\": 8}")
                                   << QByteArray("r.json, scheme: text was expected, got number");
    row("a number beyond all", "\"keep\": 1e999", "r.json: a number is too large");
    QTest::newRow("nested without end")
        << QByteArray(1'000'000, '[') << QByteArray("nested more than 64 deep");
    row("unknown key", "\"kepd\": {}", "unknown key \"kepd\"");
    row("a key twice", "\"keep\": \"auto\", \"keep\": \"\"", "r.json, keep: a key is given twice");
    row("a site twice", "\"kept\": {\"logits\": [1], \"logits\": [2]}",
        "r.json, logits: a key is given twice");
    row("parameter's type", "\"parameters\": {\"weight_bits\": 4}",
        "r.json, parameters.weight_bits: text was expected");
    row("parameters' type", "\"parameters\": []", "r.json, parameters:");
    row("scope", "\"scope\": \"all\"",
        "r.json, scope: linear-inputs or all-activations was expected, got all");
    row("keep", "\"keep\": \"most\"", "r.json, keep: unknown outlier criterion");
    row("kept's type", "\"kept\": [1]", "r.json, kept: sites with lists");
    row("site", "\"kept\": {\"layers.x.key\": [1]}", "r.json, kept.layers.x.key: no site is called");
    row("channels' type", "\"kept\": {\"layers.0.key\": 5}",
        "r.json, kept.layers.0.key: a list of channel numbers");
    row("negative channel", "\"kept\": {\"layers.0.key\": [-1]}", "from 0 was expected, got -1");
    row("fraction", "\"kept\": {\"layers.0.key\": [1.5]}", "a channel number was expected, got 1.5");
    row("too large", "\"kept\": {\"layers.0.key\": [2147483648]}", "got 2147483648");
    row("channel twice", "\"kept\": {\"layers.0.key\": [3, 3]}", "channel 3 is given twice");
    row("whole sites", "\"high_precision\": {\"logits\": true}", "r.json, high_precision: a list of sites");
    row("further schemes", "\"with\": {}", "r.json, with: a list of further schemes");
    row("further scheme", "\"with\": [3]", "r.json, with[0]: a scheme with its parameters");
    row("further scheme's id", "\"with\": [{\"parameters\": {}}]",
        "r.json, with[0]: the key \"scheme\" is missing");
    row("further scheme's key", "\"with\": [{\"scheme\": \"a\", \"keep\": \"auto\"}]",
        "with[0]: unknown key \"keep\"");
    row("samples", "\"samples\": 0", "r.json, samples: a number of calibration windows");
    row("sample seed", "\"sample_seed\": \"a\"", "r.json, sample_seed: a seed from 1");
    row("bits", "\"bits\": {\"layers.0.key\": 9}", "r.json, bits.layers.0.key: bits from 2 to 8, or 16");
    row("ranges", "\"ranges\": [1, 2]", "r.json, ranges: sites with their ranges were expected");
    row("one end of a range", "\"ranges\": {\"layers.0.key\": [1]}",
        "r.json, ranges.layers.0.key: two numbers, lowest and highest");
    row("a range upside down", "\"ranges\": {\"layers.0.key\": [1, -1]}", "a lowest and a highest number");
    row("a range beyond floats", "\"ranges\": {\"layers.0.key\": [0, 1e39]}", "a lowest and a highest number");
    row("a range's site", "\"ranges\": {\"nowhere\": [0, 1]}", "r.json, ranges.nowhere: no site is called");
    row("bits' site", "\"bits\": {\"nowhere\": 4}", "r.json, bits.nowhere: no site is called");
    row("whole site", "\"high_precision\": [\"head\"]", "r.json, high_precision: no site is called \"head\"");
}

void TestRecipe::badJsonNamesTheKey() {
    QFETCH(QByteArray, json);
    QFETCH(QByteArray, expected);
    const std::string sentence = failure([&] { Recipe::fromJson(json.toStdString(), "r.json"); });
    QVERIFY2(QByteArray::fromStdString(sentence).contains(expected), sentence.c_str());
}

void TestRecipe::schemaKnowsEveryKey() {
    const auto schema =
        nlohmann::json::parse(readFile(KURTOSCOPE_SOURCE_DIR "/resources/recipe.schema.json"));
    const auto written = nlohmann::json::parse(fullRecipe().toJson());
    QVERIFY(schema["additionalProperties"] == false);
    for (const auto& [key, value] : written.items())
        QVERIFY2(schema["properties"].contains(key), key.c_str());
    QCOMPARE(schema["properties"].size(), written.size());
    QVERIFY(schema["properties"]["schema"]["const"] == written["schema"]);
}

void TestRecipe::schemaPatternsMatchTheReader() {
    const auto schema =
        nlohmann::json::parse(readFile(KURTOSCOPE_SOURCE_DIR "/resources/recipe.schema.json"));
    const auto matches = [](const nlohmann::json& pattern, const std::string& text) {
        return QRegularExpression(QString::fromStdString(pattern))
            .match(QString::fromStdString(text))
            .hasMatch();
    };
    const auto& site = schema["$defs"]["site"]["pattern"];
    for (const Place place : allPlaces()) {
        const Site one{isPerLayer(place) ? 12 : -1, place};
        QVERIFY2(matches(site, one.name()), one.name().c_str());
    }
    for (const char* wrong : {"layers.0.logits", "key", "layers..key", "layers.-1.key"})
        QVERIFY(!matches(site, wrong));
    const auto& keep = schema["properties"]["keep"]["pattern"];
    for (const char* right :
         {"", "auto", "ratio:20", "ratio:7.5", "top:4", "magnitude:6", "sigma:6", "sigma:1e+30"})
        QVERIFY2(matches(keep, right), right);
    for (const char* wrong : {"most", "top:1.5", "ratio:", "ratio:-1"})
        QVERIFY(!matches(keep, wrong));
}

void TestRecipe::hashFollowsEquality() {
    const Recipe full = fullRecipe();
    QCOMPARE(Recipe::fromJson(full.toJson(), "").hash(), full.hash());
    std::vector<Recipe> others(13, full);
    others[0].scheme = "w4a8";
    others[1].parameters["weight_bits"] = "5";
    others[2].scope = Scope::linear_inputs;
    others[3].keep = "";
    others[4].setKept({0, Place::attn_input}, 3, true);
    others[5].highPrecision.clear();
    others[6].kept.clear();
    others[7].with.clear();
    others[8].bits.begin()->second = 3;
    others[9].samples = 0;
    others[10].sampleSeed = 8;
    others[11].ranges.begin()->second.high = 0.2F;
    others[12].ranges.clear();
    for (const Recipe& other : others) {
        QVERIFY(!(other == full));
        QVERIFY(other.hash() != full.hash());
    }
}

void TestRecipe::setKeptLeavesNoEmptySets() {
    Recipe recipe;
    const Site site{2, Place::mlp_hidden};
    recipe.setKept(site, 7, true);
    recipe.setKept(site, 9, true);
    recipe.setKept(site, 9, true);
    QCOMPARE(recipe.keptCount(), std::size_t{2});
    QVERIFY(recipe.keeps(site, 7) && !recipe.keeps({3, Place::mlp_hidden}, 7));
    recipe.setKept(site, 7, false);
    recipe.setKept({3, Place::mlp_hidden}, 7, false);
    recipe.setKept(site, 9, false);
    QVERIFY(recipe == Recipe());
}

void TestRecipe::kernelTagsHaveNames() {
    QCOMPARE(kernelTagName(KernelTag::floating), std::string_view("float"));
    QCOMPARE(kernelTagName(KernelTag::simulated), std::string_view("simulated"));
    QCOMPARE(kernelTagName(KernelTag::integer), std::string_view("integer"));
}

QTEST_APPLESS_MAIN(TestRecipe)
#include "test_recipe.moc"
