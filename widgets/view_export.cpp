// SPDX-License-Identifier: GPL-3.0-or-later
// The half of View that copies and saves: the picture without its controls, or its numbers.
#include "widgets/view.h"

#include "core/base/error.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/sections.h"
#include "widgets/parts/view_menu.h"
#include "widgets/plot/vector_picture.h"
#include "widgets/theme.h"

#include <QBuffer>
#include <QClipboard>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QMenu>
#include <QMimeData>
#include <QPageSize>
#include <QPdfWriter>
#include <QSaveFile>
#include <QScopeGuard>
#include <QScrollArea>
#include <QStackedWidget>
#include <QSvgGenerator>

namespace kurtoscope {
namespace {

constexpr int headingHeight = 30, margin = 12;
constexpr double pixelsPerInch = 96;

} // namespace

void View::makeMenu() {
    auto* menu = new ViewMenu(this);
    heading_->addControl(menu, true);
    const auto add = [&](const QString& text, const char* name, const std::function<void()>& act) {
        QAction* action = menu->menu()->addAction(text);
        action->setObjectName(name);
        connect(action, &QAction::triggered, this, act);
    };
    add(tr("&Copy picture"), "copyPicture", [this] {
        QImage image;
        image.loadFromData(exported(QStringLiteral("png")), "PNG");
        QGuiApplication::clipboard()->setImage(image);
        emit message(tr("The picture of %1 is on the clipboard").arg(heading_->title()));
    });
    add(tr("Copy &numbers"), "copyNumbers", [this] {
        drawWhole();
        QGuiApplication::clipboard()->setText(table().toTabs());
        emit message(tr("The numbers of %1 are on the clipboard").arg(heading_->title()));
    });
    menu->menu()->addSeparator();
    add(tr("Save as &PNG…"), "savePng", [this] { askWhere(QStringLiteral("png")); });
    add(tr("Save as &SVG…"), "saveSvg", [this] { askWhere(QStringLiteral("svg")); });
    add(tr("Save as P&DF…"), "savePdf", [this] { askWhere(QStringLiteral("pdf")); });
    add(tr("Save the numbers as CS&V…"), "saveCsv", [this] { askWhere(QStringLiteral("csv")); });
}

void View::askWhere(const QString& format) {
    const QString start = (objectName().isEmpty() ? QStringLiteral("view") : objectName()) + u'.' + format;
    QString path = QFileDialog::getSaveFileName(this, tr("Save %1").arg(heading_->title()), start,
                                                QStringLiteral("%1 (*.%2)").arg(format.toUpper(), format));
    if (path.isEmpty()) return;
    if (QFileInfo(path).suffix().compare(format, Qt::CaseInsensitive) != 0) path += u'.' + format;
    saveTo(path);
}

QWidget* View::pictured() const {
    QWidget* body = pages_->currentWidget();
    const auto* scroll = qobject_cast<QScrollArea*>(body);
    return scroll && scroll->widget() ? scroll->widget() : body;
}

QSize View::pictureSize() const {
    return pictured()->size() + QSize(2 * margin, headingHeight + 2 * margin);
}

void View::paintPicture(QPaintDevice& device, double scale) {
    const QSize size = pictureSize();
    const auto background = [&](QPainter& painter) {
        const Theme& theme = Theme::current();
        painter.fillRect(QRect(QPoint(), size), theme.surface);
        const QRect line(margin, margin / 2, size.width() - 2 * margin, headingHeight);
        painter.setFont(theme.strong());
        painter.setPen(theme.text);
        painter.drawText(line, Qt::AlignVCenter | Qt::AlignLeft, heading_->title());
        const int after = QFontMetrics(theme.strong()).horizontalAdvance(heading_->title()) + 10;
        painter.setFont(theme.small());
        painter.setPen(theme.muted);
        painter.drawText(
            line.adjusted(after, 1, 0, 0), Qt::AlignVCenter | Qt::AlignLeft,
            QFontMetrics(theme.small()).elidedText(heading_->help(), Qt::ElideRight, line.width() - after));
    };
    paintVectors(*pictured(), device, scale, background, {margin, headingHeight + margin});
}

QByteArray View::exported(const QString& format) {
    drawWhole();
    auto* sections = qobject_cast<Sections*>(pages_->currentWidget());
    if (sections) sections->setWhole(true); // what stands behind tabs belongs to the picture
    const auto back = qScopeGuard([sections] {
        if (sections) sections->setWhole(false);
    });
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    const QSize size = pictureSize();
    if (format == QLatin1String("csv")) return table().toCsv();
    if (format == QLatin1String("png")) {
        QImage image(size * 2, QImage::Format_RGB32);
        paintPicture(image, 2);
        image.save(&buffer, "PNG");
    } else if (format == QLatin1String("svg")) {
        QSvgGenerator svg;
        svg.setOutputDevice(&buffer);
        svg.setSize(size);
        svg.setViewBox(QRect(QPoint(), size));
        svg.setResolution(static_cast<int>(pixelsPerInch));
        svg.setTitle(heading_->title());
        svg.setDescription(heading_->help());
        paintPicture(svg, 1);
    } else if (format == QLatin1String("pdf")) {
        QPdfWriter pdf(&buffer);
        pdf.setResolution(1200);
        pdf.setTitle(heading_->title());
        pdf.setCreator(QStringLiteral("Kurtoscope"));
        pdf.setPageSize(QPageSize(QSizeF(size) * (72 / pixelsPerInch), QPageSize::Point, QString(),
                                  QPageSize::ExactMatch));
        pdf.setPageMargins({});
        paintPicture(pdf, 1200 / pixelsPerInch);
    } else {
        throw Error("cannot write a view as \"" + format.toStdString() + '"', "",
                    "Give a name that ends in .png, .svg, .pdf or .csv");
    }
    return bytes;
}

void View::saveTo(const QString& path) {
    try {
        const QByteArray bytes = exported(QFileInfo(path).suffix().toLower());
        QSaveFile file(path); // written aside and renamed: a full disk leaves what was there
        if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit())
            throw Error(heading_->title().toStdString() +
                            " was not saved: " + file.errorString().toStdString(),
                        path.toStdString(), "Choose another place");
        emit message(tr("Saved %1").arg(path));
    } catch (const Error& error) {
        emit failed(QString::fromStdString(error.message()), QString::fromStdString(error.where()),
                    QString::fromStdString(error.hint()));
    }
}

} // namespace kurtoscope
