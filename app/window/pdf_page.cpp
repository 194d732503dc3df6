// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pdf_page.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"

#include <QBuffer>
#include <QGuiApplication>
#include <QPageSize>
#include <QPdfWriter>
#include <QTextDocument>

#include <memory>

namespace kurtoscope {

void writePdfPage(const std::string& html, const std::string& path) {
    std::unique_ptr<QGuiApplication> application; // fonts need one
    static int count = 1;
    static char name[] = "kurtoscope";
    static char* arguments[] = {name, nullptr};
    if (!QCoreApplication::instance()) {
        qputenv("QT_QPA_PLATFORM", "offscreen");
        application = std::make_unique<QGuiApplication>(count, arguments);
    }
    QBuffer pdf;
    pdf.open(QIODevice::WriteOnly);
    {
        QPdfWriter writer(&pdf);
        writer.setPageSize(QPageSize(QPageSize::A4));
        writer.setPageOrientation(QPageLayout::Landscape); // a table of eight recipes is wide
        writer.setPageMargins(QMarginsF(14, 14, 14, 14), QPageLayout::Millimeter);
        writer.setResolution(96); // what the page's sizes are written for
        writer.setCreator("Kurtoscope");
        QTextDocument document;
        document.setDocumentMargin(0);
        document.setHtml(QString::fromStdString(html));
        document.setPageSize(writer.pageLayout().paintRectPixels(writer.resolution()).size());
        document.print(&writer);
    }
    if (pdf.size() == 0) throw Error("the PDF came out empty", path, "Write the report as .html");
    writeFileAtomically(path, std::string_view(pdf.data().constData(), static_cast<std::size_t>(pdf.size())));
}

} // namespace kurtoscope
