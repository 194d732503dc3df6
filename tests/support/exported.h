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
