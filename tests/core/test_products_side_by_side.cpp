// SPDX-License-Identifier: GPL-3.0-or-later
// Query, key and value in one go have the bits that each has alone, whatever their widths, numbers and
// threads.
#include "core/engine/kernels/bf16_product.h"
#include "core/engine/kernels/float_product.h"
#include "core/quantization/kernels/integer_product.h"
#include "core/workbench.h"
#include "tests/support/failure.h"
#include "tests/support/opened_models.h"
#include "tests/support/tensor_table.h"

#include <QtTest>

#include <bit>
#include <functional>
#include <random>

#include <omp.h>

using namespace kurtoscope;
using namespace kurtoscope::test;

namespace {

using Floats = std::vector<float>;

Floats normals(std::int64_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    Floats values(static_cast<std::size_t>(count));
    for (float& value : values)
        value = normal(random);
    return values;
}

std::vector<std::uint16_t> halves(const Floats& values) {
    std::vector<std::uint16_t> made;
    for (const float value : values)
        made.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
    return made;
}

// A weight for `inputs` numbers, of which the first `kept` are multiplied as they are, behind what it reads.
PackedWeight weightOf(std::int64_t outputs, std::int64_t inputs, std::int64_t kept, bool bias,
                      unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::int8_t> q;
    for (std::int64_t i = 0; i < outputs * inputs; ++i)
        q.push_back(i % inputs < kept ? std::int8_t(0) : static_cast<std::int8_t>(int(random() % 255) - 127));
    Floats scales = normals(outputs, seed + 1);
    for (float& scale : scales)
        scale = 0.01F * std::abs(scale);
    std::vector<int> places;
    for (std::int64_t k = 0; k < kept; ++k)
        places.push_back(int(k));
    const Floats terms = normals(outputs, seed + 2);
    return {q.data(),
            outputs,
            inputs,
            scales,
            bias ? terms.data() : nullptr,
            places,
            normals(kept * outputs, seed + 3)};
}

IntegerRows rowsOf(std::int64_t rows, std::int64_t inputs, std::int64_t kept, unsigned seed) {
    std::mt19937 random(seed);
    IntegerRows x;
    x.rows = rows, x.channels = inputs;
    x.stride = (inputs + IntegerRows::whole - 1) / IntegerRows::whole * IntegerRows::whole;
    x.values = AlignedBytes(std::size_t(rows * x.stride));
    for (std::int64_t row = 0; row < rows; ++row) {
        std::int32_t sum = 0;
        for (std::int64_t input = 0; input < inputs; ++input)
            sum += x.values.as<std::int8_t>()[row * x.stride + input] =
                static_cast<std::int8_t>(int(random() % 256) - 128);
        x.sums.push_back(sum), x.zeros.push_back(int(random() % 200) - 100);
        x.scales.push_back(0.01F * float(1 + random() % 30));
    }
    x.keptCount = kept, x.kept = normals(rows * kept, seed + 1);
    return x;
}

// Columns of each of the tables, which are shared out together.
const std::vector<std::vector<std::int64_t>> widths = {{64, 64, 64}, {576, 192, 192}, {96, 32, 32},
                                                       {75, 13, 1},  {384},           {33, 500}};

void sizes() {
    QTest::addColumn<int>("rows");
    QTest::addColumn<int>("inputs");
    QTest::addColumn<int>("which");
    const auto add = [](int rows, int inputs, std::size_t which) {
        QTest::addRow("%d rows, %d inputs, %d products, the first of %d", rows, inputs,
                      int(widths[which].size()), int(widths[which][0]))
            << rows << inputs << int(which);
    };
    for (const int rows : {1, 16, 29, 33, 130}) {
        for (std::size_t which = 0; which < widths.size(); ++which)
            add(rows, 75, which);
        for (const int inputs : {32, 1030, 2060}) // the latter two in several blocks
            add(rows, inputs, 3);
    }
}

// What `together` writes into the tables on any number of threads is what they are `alone`, and nothing
// behind.
void sameAlone(const std::vector<Floats>& alone, const std::function<void(std::vector<Floats>&)>& together) {
    const int usual = omp_get_max_threads();
    for (const int threads : {1, 2, 3, 7}) {
        const std::size_t behind = 64;
        std::vector<Floats> made, expected = alone;
        for (Floats& table : expected) {
            made.emplace_back(table.size() + behind, -7.0F);
            table.resize(table.size() + behind, -7.0F);
        }
        omp_set_num_threads(threads);
        together(made);
        omp_set_num_threads(usual);
        QVERIFY2(made == expected, qPrintable(QString("%1 threads").arg(threads)));
    }
}

// What is seen of a place in a plain pass.
Floats seen(const std::string& model, Site site, const std::string& recipe = "fp32") {
    return opened(model).sample(site, textOf(model), "", Recipe::parse(recipe), 100'000).values;
}

} // namespace

class ProductsSideBySideTest : public QObject {
    Q_OBJECT

private slots:
    void integers_data() { sizes(); }
    void integers() {
        QFETCH(int, rows);
        QFETCH(int, inputs);
        QFETCH(int, which);
        for (const int parts : {1, 4}) // a range for each group of channels: sums of several products
            for (const int kept : parts == 1 ? std::set<int>{0, 3} : std::set<int>{3}) {
                std::vector<IntegerRows> x;
                std::vector<std::vector<PackedWeight>> weights;
                for (int part = 0; part < parts; ++part)
                    x.push_back(rowsOf(rows, inputs, kept, unsigned(part)));
                for (const std::int64_t outputs : widths[std::size_t(which)])
                    for (int part = 0; part < parts; ++part) {
                        if (part == 0) weights.emplace_back();
                        weights.back().push_back(weightOf(outputs, inputs, kept, part + outputs % 2 == 0,
                                                          unsigned(outputs + part)));
                    }
                const auto sumsOf = [&](std::vector<Floats>& tables) {
                    std::vector<PackedWeight::Sum> sums;
                    for (std::size_t i = 0; i < weights.size(); ++i) {
                        sums.push_back({{}, tables[i].data()});
                        for (std::size_t part = 0; part < x.size(); ++part)
                            sums.back().terms.push_back({&x[part], &weights[i][part]});
                    }
                    return sums;
                };
                for (const IntegerKernel* kernel : integerKernels()) {
                    if (kernel == &portableKernel && rows > 33) continue; // slow
                    std::vector<Floats> alone;
                    for (const auto& parts : weights)
                        alone.emplace_back(std::size_t(rows * parts.front().outputs()), -1.0F);
                    for (const PackedWeight::Sum& sum : sumsOf(alone))
                        PackedWeight::multiplyTogether(*kernel, sum.terms, sum.out, 0, {}, false);
                    sameAlone(alone, [&](std::vector<Floats>& made) {
                        PackedWeight::multiplyEach(*kernel, sumsOf(made));
                    });
                    if (parts > 1) continue;
                    Floats plain(alone.front().size());
                    weights.front().front().multiplyPlainly(x.front(), plain.data());
                    QVERIFY(plain == alone.front());
                }
            }
    }

    void bf16_data() { sizes(); }
    void bf16() {
        if (!hasBf16Products()) QSKIP("this processor multiplies no bfloat16: it is simulated here");
        QFETCH(int, rows);
        QFETCH(int, inputs);
        QFETCH(int, which);
        Bf16Rows x;
        bf16Rows(normals(std::int64_t{rows} * inputs, 1).data(), rows, inputs, x);
        std::vector<PackedBf16> weights;
        std::vector<Floats> biases, alone;
        for (const std::int64_t outputs : widths[std::size_t(which)]) {
            weights.emplace_back(halves(normals(outputs * inputs, unsigned(outputs))).data(), outputs,
                                 inputs);
            biases.push_back(outputs % 2 ? Floats() : normals(outputs, 2));
            alone.emplace_back(std::size_t(rows * outputs), -1.0F);
        }
        const auto productsInto = [&](std::vector<Floats>& tables) {
            std::vector<PackedBf16::Product> products;
            for (std::size_t i = 0; i < weights.size(); ++i)
                products.push_back({weights[i], biases[i].empty() ? nullptr : biases[i].data(),
                                    tables[i].data(), weights[i].outputs()});
            return products;
        };
        for (const PackedBf16::Product& p : productsInto(alone))
            p.weight.multiply(x, p.bias, p.out, p.stride);
        sameAlone(alone, [&](std::vector<Floats>& made) { PackedBf16::multiplyEach(x, productsInto(made)); });
    }

    void floats_data() { sizes(); }
    void floats() {
        if (!hasFloatKernels()) QSKIP("this processor has no AVX2: LibTorch multiplies here");
        QFETCH(int, rows);
        QFETCH(int, inputs);
        QFETCH(int, which);
        const Floats x = normals(std::int64_t{rows} * inputs, 1);
        std::vector<Floats> weights, biases, alone;
        for (const std::int64_t outputs : widths[std::size_t(which)]) {
            weights.push_back(normals(outputs * inputs, unsigned(outputs)));
            biases.push_back(outputs % 2 ? Floats() : normals(outputs, 2));
            alone.emplace_back(std::size_t(rows * outputs), -1.0F);
        }
        // The last is changed by whoever looks at it, once and only when it is there.
        const auto productsInto = [&](std::vector<Floats>& tables) {
            std::vector<FloatProduct> products;
            for (std::size_t i = 0; i < weights.size(); ++i) {
                const std::int64_t outputs = widths[std::size_t(which)][i];
                products.push_back({weights[i].data(), outputs,
                                    biases[i].empty() ? nullptr : biases[i].data(), tables[i].data(),
                                    outputs});
            }
            FloatProduct& last = products.back();
            last.after = [out = last.out, stride = last.stride](std::int64_t row, std::int64_t lastRow,
                                                                std::int64_t first, std::int64_t end) {
                for (; row < lastRow; ++row)
                    for (std::int64_t column = first; column < end; ++column)
                        out[row * stride + column] *= 3;
            };
            return products;
        };
        for (const FloatProduct& p : productsInto(alone))
            multiplyFloats(x.data(), rows, inputs, p.w, p.outputs, p.bias, p.out, p.stride, p.after);
        sameAlone(alone, [&](std::vector<Floats>& made) {
            multiplyFloats(x.data(), rows, inputs, productsInto(made));
        });
    }

    // In a model: what each layer makes is the product of its own weight, as the file has it.
    void modelsMultiplyTheirOwnWeights_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("layer");
        QTest::newRow("with biases") << "tiny-bert"
                                     << "encoder.layer.1.attention.self.";
        QTest::newRow("narrower keys and values") << "tiny-llama"
                                                  << "model.layers.1.self_attn.";
    }
    void modelsMultiplyTheirOwnWeights() {
        if (!hasFloatKernels()) QSKIP("this processor has no AVX2: LibTorch multiplies here");
        QFETCH(QString, model);
        QFETCH(QString, layer);
        const std::string name = model.toStdString();
        const bool bert = name == "tiny-bert";
        const TensorTable file(golden(name + "/model.safetensors"));
        const auto channels = std::int64_t(opened(name).model().hidden);
        const Floats x = seen(name, {1, Place::attn_input});
        const std::int64_t rows = std::int64_t(x.size()) / channels;
        const std::pair<Place, const char*> layers[] = {{Place::query, bert ? "query" : "q_proj"},
                                                        {Place::key, bert ? "key" : "k_proj"},
                                                        {Place::value, bert ? "value" : "v_proj"}};
        for (const auto& [place, part] : layers) {
            const std::string tensor = layer.toStdString() + part;
            const Floats w = file.floats(tensor + ".weight"),
                         bias = file.has(tensor + ".bias") ? file.floats(tensor + ".bias") : Floats();
            QCOMPARE(bias.empty(), !bert);
            const std::int64_t outputs = std::int64_t(w.size()) / channels;
            Floats y(std::size_t(rows * outputs));
            multiplyFloats(x.data(), rows, channels, w.data(), outputs, bias.empty() ? nullptr : bias.data(),
                           y.data(), outputs);
            QVERIFY(rows > 4 && y == seen(name, {1, place}));
        }
    }

    // With all linear inputs in the recipe's numbers, and with those of one attention left in float32.
    void recipesAreTheSameOnAnyThreads_data() {
        QTest::addColumn<QString>("recipe");
        QTest::addColumn<bool>("real");
        for (const char* recipe : {"bf16:keep=top:3", "w8a8", "w8a8:activation=per-token,keep=top:3",
                                   "peg:groups=4", "w4a8:weight_group=32"})
            QTest::addRow("%s", recipe) << recipe << true;
        QTest::newRow("w8a8, simulated") << "w8a8" << false;
    }
    void recipesAreTheSameOnAnyThreads() {
        QFETCH(QString, recipe);
        QFETCH(bool, real);
        const std::string model = KURTOSCOPE_SOURCE_DIR "/sample_models/tiny-llama";
        std::vector<std::vector<double>> made;
        for (const int threads : {1, 2, 5}) {
            Workbench workbench(WorkbenchOptions{DeviceKind::cpu, threads, 1});
            workbench.open(model);
            EvaluateRequest request;
            request.data = textOf(model);
            request.data.path = model + "/heldout.txt";
            request.data.length = 40;
            request.recipes = {2, Recipe::parse(recipe.toStdString())};
            request.recipes.back().highPrecision.insert({1, Place::attn_input});
            request.kernels = {2, real ? KernelChoice::automatic : KernelChoice::simulated};
            request.latency = false;
            made.emplace_back();
            for (const Reading& reading : workbench.evaluate(request)) {
                if (real && hasFastIntegers() && hasBf16Products())
                    QVERIFY(reading.kernels != KernelTag::simulated);
                QVERIFY(*reading.klMean > 0);
                made.back().push_back(*reading.klMean);
            }
        }
        QVERIFY(made[0][0] != made[0][1]);
        QCOMPARE(made[1], made[0]); // to the last bit
        QCOMPARE(made[2], made[0]);
    }
};

QTEST_GUILESS_MAIN(ProductsSideBySideTest)
#include "test_products_side_by_side.moc"
