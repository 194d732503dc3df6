// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDir>
#include <QTemporaryDir>

#include "core/workbench.h"
#include "tests/support/opened_models.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <string>

namespace kurtoscope::test {

// A place for exports that goes with the object.
class ExportPlace {
public:
    std::string path(const std::string& name = "made") const {
        return place_.filePath(QString::fromStdString(name)).toStdString();
    }
    QStringList entries() const {
        return QDir(place_.path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot);
    }
    std::string read(const std::string& name, const std::string& folder = "made") const {
        std::ifstream in(path(folder) + "/" + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    nlohmann::json json(const std::string& name, const std::string& folder = "made") const {
        return nlohmann::json::parse(read(name, folder));
    }
    void write(const std::string& name, const std::string& bytes, const std::string& folder = "made") const {
        std::ofstream(path(folder) + "/" + name, std::ios::binary) << bytes;
    }

private:
    QTemporaryDir place_;
};

// What a check found, in a line.
inline QString figuresOf(const CheckResult& result) {
    QString line = QStringLiteral("%1: off by %2 of the answers' size, %3 at most, allowed %4 (%5)")
                       .arg(QString::fromStdString(result.check.way))
                       .arg(result.difference)
                       .arg(result.largest)
                       .arg(result.check.tolerance)
                       .arg(QString::fromStdString(result.skipped));
    if (result.byLibTorch) line += QStringLiteral("; by LibTorch's operators %1").arg(*result.byLibTorch);
    if (result.steps)
        line += QStringLiteral("; layer by layer %1 at most in %2 tensors (%3), %4 of %5 values tipped")
                    .arg(result.steps->difference)
                    .arg(result.steps->tensors)
                    .arg(QString::fromStdString(result.steps->where))
                    .arg(result.steps->tipped)
                    .arg(result.steps->rounded);
    return line;
}

inline ExportRequest exportRequest(const std::string& model, const std::string& recipe,
                                   const std::string& format, const ExportPlace& place,
                                   const std::string& folder = "made") {
    ExportRequest request;
    request.recipe = Recipe::parse(recipe);
    request.format = exportFormatFromText(format);
    request.folder = place.path(folder);
    request.calibration = textOf(model);
    return request;
}

} // namespace kurtoscope::test
