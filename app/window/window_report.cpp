// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/window_report.h"

#include "app/window/session.h"
#include "widgets/parts/heading.h"
#include "widgets/parts/sections.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QBuffer>
#include <QCoreApplication>
#include <QEvent>
#include <QImage>

namespace kurtoscope {
namespace {

QImage pictureOf(View& view) {
    auto* sections = view.findChild<Sections*>();
    if (sections && !view.isVisible()) view.grab(); // lays out what is hidden, which nothing else does
    if (sections) sections->setWhole(true);         // paper has no tabs
    QWidget& drawn = sections ? *sections->widget() : view;
    const int margin = sections ? Theme::current().spacing : 0;
    QImage picture((drawn.size() + QSize(margin, margin) * 2) * 2, QImage::Format_RGB32);
    picture.setDevicePixelRatio(2); // sharp on paper, whatever the screen
    picture.fill(Theme::current().surface);
    drawn.render(&picture, QPoint(margin, margin));
    if (sections) sections->setWhole(false);
    return picture;
}

std::string pngOf(const QImage& picture) {
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    picture.save(&buffer, "PNG");
    return bytes.toStdString();
}

} // namespace

commands::Report windowReport(const Session& session, const std::vector<View*>& views) {
    const Workspace& workspace = session.workspace();
    const SavedSession saved = session.saved();
    commands::Report report;
    if (workspace.model) report.model = *workspace.model;
    report.data.name = workspace.dataName.toStdString();
    report.data.summary = workspace.dataSummary.toStdString();
    report.data.task = workspace.task.toStdString();
    bool fromFile = false;
    for (const auto& column : workspace.columns) {
        if (!column.reading || column.stale || !column.reading->complete()) continue; // never half a number
        commands::ReportColumn shown{column.name.toStdString(), column.recipe, {}, *column.reading};
        if (column.observation) shown.observation = *column.observation;
        fromFile = fromFile || column.fromFile;
        report.columns.push_back(std::move(shown));
    }
    if (report.columns.size() < workspace.columns.size())
        report.note = "Columns that are not measured yet are left out.";
    if (fromFile) report.note += " Numbers of the session file, taken " + saved.results.taken + ".";
    const auto& data = session.data();
    report.settings = {
        {"Data", report.data.name + ", " + report.data.summary},
        {"Task", report.data.task},
        {"Window length", std::to_string(data.length) + " tokens"},
        {"Calibration", data.calibrationPath.empty()
                            ? std::to_string(data.calibrationWindows) + " windows after those run"
                            : data.calibrationPath},
        {"Seed", std::to_string(saved.results.seed)},
        {"Hardware", saved.results.device},
        {"Kurtoscope", saved.results.version},
        {"Model fingerprint", saved.results.modelPrint},
        {"Data fingerprint", saved.results.dataPrint},
        {"Date", commands::nowForPeople()}};
    for (View* view : views) {
        view->drawWhole();
        if (!view->hasPicture() || view->table().rows.isEmpty()) continue; // it only says what to do
        const QSize size = view->size();
        if (!view->isInSight()) view->resize(900, 512); // behind a tab that was never opened it has none yet
        QCoreApplication::sendPostedEvents(nullptr, QEvent::LayoutRequest);
        const QImage picture = pictureOf(*view);
        view->resize(size);
        report.pictures.push_back({view->heading()->title().toStdString(),
                                   view->heading()->help().toStdString(), pngOf(picture), picture.width() / 2,
                                   picture.height() / 2});
    }
    return report;
}

} // namespace kurtoscope
