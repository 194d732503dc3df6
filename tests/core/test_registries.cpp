// SPDX-License-Identifier: GPL-3.0-or-later
// A member registers itself in a file of its own: a lost registration shows as a file without a member.
#include <QTest>

#include "core/training_lab.h"
#include "core/workbench.h"

#include <filesystem>
#include <set>

using namespace kurtoscope;

namespace {

int filesIn(const char* folder) {
    int count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(KURTOSCOPE_SOURCE_DIR "/core/") + folder))
        count += entry.path().extension() == ".cpp";
    return count;
}

} // namespace

class RegistriesTest : public QObject {
    Q_OBJECT

private slots:
    void everyFileHasItsMember() {
        QCOMPARE(static_cast<int>(Workbench::schemes().size()), filesIn("quantization/schemes"));
        QCOMPARE(static_cast<int>(Workbench::tasks().size()), filesIn("evaluation/tasks"));
        QCOMPARE(static_cast<int>(Workbench::architectures().size()), filesIn("engine/arch"));
        QCOMPARE(static_cast<int>(Workbench::exportFormats().size()), filesIn("export/formats"));
        QCOMPARE(static_cast<int>(TrainingLab::regularizers().size()), filesIn("training/regularizers"));
    }

    void everyMemberCanBeListed() {
        std::set<std::string> ids;
        auto all = Workbench::tasks();
        for (const auto& family : Workbench::architectures())
            all.push_back(family);
        for (const auto& scheme : Workbench::schemes())
            all.push_back({scheme.id, scheme.title, scheme.summary});
        for (const auto& format : Workbench::exportFormats())
            all.push_back({format.id, format.title, format.summary});
        for (const auto& regularizer : TrainingLab::regularizers())
            all.push_back({regularizer.id, regularizer.title, regularizer.summary});
        for (const auto& member : all) {
            QVERIFY2(ids.insert(member.id).second, member.id.c_str());
            QVERIFY2(!member.title.empty() && !member.summary.empty(), member.id.c_str());
            QVERIFY2(!member.summary.ends_with('.'), member.id.c_str());
        }
    }

    void everyParameterHasADefaultThatItAllows() {
        std::vector<SchemeInfo> all = Workbench::schemes();
        for (const auto& format : Workbench::exportFormats())
            all.push_back(format);
        for (const auto& regularizer : TrainingLab::regularizers())
            all.push_back(regularizer);
        for (const auto& member : all)
            for (const auto& parameter : member.parameters) {
                QVERIFY2(!parameter.help.empty(), parameter.id.c_str());
                const auto& choices = parameter.choices;
                QVERIFY2(choices.empty() || std::find(choices.begin(), choices.end(),
                                                      parameter.defaultValue) != choices.end(),
                         parameter.id.c_str());
            }
    }
};

QTEST_APPLESS_MAIN(RegistriesTest)
#include "test_registries.moc"
