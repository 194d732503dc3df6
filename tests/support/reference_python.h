// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QFile>

#include <string>

namespace kurtoscope::test {

// The Python that has the software which exports are for: $KURTOSCOPE_REFERENCE_PYTHON, else the one that
// ./test sets up; empty for none.
inline std::string referencePython() {
    const QByteArray given = qgetenv("KURTOSCOPE_REFERENCE_PYTHON");
    if (!given.isEmpty()) return given.toStdString();
    const std::string made = KURTOSCOPE_SOURCE_DIR "/build/reference-venv/bin/python";
    return QFile::exists(QString::fromStdString(made)) ? made : "";
}

// One with llm-compressor, which wants other versions of the rest: $KURTOSCOPE_COMPRESSOR_PYTHON, or none.
inline std::string compressorPython() {
    return qgetenv("KURTOSCOPE_COMPRESSOR_PYTHON").toStdString();
}

// One with vLLM for CPUs: $KURTOSCOPE_VLLM_PYTHON, or none.
inline std::string vllmPython() {
    return qgetenv("KURTOSCOPE_VLLM_PYTHON").toStdString();
}

// One with Model Explorer and its ONNX adapter: $KURTOSCOPE_MODEL_EXPLORER_PYTHON, or none.
inline std::string modelExplorerPython() {
    return qgetenv("KURTOSCOPE_MODEL_EXPLORER_PYTHON").toStdString();
}

} // namespace kurtoscope::test
