// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/plot_style.h"

#include "widgets/figures.h"
#include "widgets/theme.h"

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

// One unit and one number of decimals for all labels of an axis.
class LinearTicker : public QCPAxisTicker {
protected:
    double getTickStep(const QCPRange& range) override {
        step_ = QCPAxisTicker::getTickStep(range);
        const double most = std::max(std::abs(range.lower), std::abs(range.upper));
        unit_ = most >= 1e7 ? 1e6 : most >= 1e4 ? 1e3 : 1;
        decimals_ = 0;
        // Steps are 1, 2, 2.5 or 5 × a power of ten: as many decimals as write one in full.
        for (double rest = step_ / unit_; decimals_ < 6 && std::abs(rest - std::round(rest)) > 1e-6 * rest;
             rest *= 10)
            ++decimals_;
        return step_;
    }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override {
        if (std::abs(tick) < step_ * 1e-6) return QStringLiteral("0");
        if (step_ < 1e-6) return figure(tick);
        return fixed(tick / unit_, decimals_) + (unit_ == 1e6   ? QStringLiteral("M")
                                                 : unit_ == 1e3 ? QStringLiteral("k")
                                                                : QString());
    }
    int getSubTickCount(double) override { return 0; }

private:
    double step_ = 0, unit_ = 1;
    int decimals_ = 0;
};

class IndexTicker : public QCPAxisTicker {
protected:
    double getTickStep(const QCPRange& range) override {
        const double step = std::max(1.0, QCPAxisTicker::getTickStep(range));
        return step == 2.5 ? 2.0 : step; // between two indices there is none
    }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override {
        return grouped(static_cast<std::int64_t>(std::llround(tick)));
    }
    int getSubTickCount(double) override { return 0; }
};

class LogTicker : public QCPAxisTicker {
protected:
    QVector<double> createTickVector(double step, const QCPRange& range) override {
        const double low = std::log10(std::max(range.lower, 1e-300)),
                     high = std::log10(std::max(range.upper, 1e-300));
        narrow_ = high - low < 0.4; // steps that a rounded figure would not tell apart
        if (narrow_) return QCPAxisTicker::createTickVector(step, range);
        const bool fine = high - low < 2.6;
        const int every = std::max(1, static_cast<int>(std::ceil((high - low) / 7)));
        QVector<double> ticks;
        for (int decade = static_cast<int>(std::floor(low)); decade <= static_cast<int>(std::ceil(high));
             ++decade) {
            if (!fine && decade % every != 0) continue;
            for (const double part : {1.0, 2.0, 5.0})
                if (part == 1.0 || fine) ticks.append(part * std::pow(10.0, decade));
        }
        return ticks;
    }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override {
        return narrow_ && std::abs(tick) < 1 ? QString::number(tick, 'g', 4) : figure(tick);
    }
    int getSubTickCount(double) override { return 0; }

private:
    bool narrow_ = false;
};

} // namespace

void styleAxis(QCPAxis& axis, bool line) {
    const Theme& theme = Theme::current();
    axis.setBasePen(line ? QPen(theme.border) : QPen(Qt::NoPen));
    axis.setTickPen(Qt::NoPen);
    axis.setSubTickPen(Qt::NoPen);
    axis.setTickLength(0, 0);
    axis.setTickLabelFont(theme.small());
    axis.setTickLabelColor(theme.muted);
    axis.setTickLabelPadding(5);
    axis.setLabelFont(theme.small());
    axis.setLabelColor(theme.muted);
    axis.setLabelPadding(2);
    axis.grid()->setPen(QPen(theme.grid));
    axis.grid()->setZeroLinePen(QPen(theme.grid));
    axis.grid()->setSubGridVisible(false);
}

void stylePlot(QCustomPlot& plot) {
    const Theme& theme = Theme::current();
    plot.setBackground(QBrush(theme.surface));
    plot.axisRect()->setBackground(Qt::NoBrush);
    plot.setFont(theme.small());
    plot.setMinimumSize(1, 1); // squeezed to nothing it would have no buffer to paint on, and complain
    for (QCPAxis* axis : {plot.xAxis, plot.yAxis})
        styleAxis(*axis, axis == plot.xAxis);
    plot.xAxis->grid()->setVisible(false);
}

void useLinearTicks(QCPAxis& axis, int about) {
    auto ticker = QSharedPointer<LinearTicker>::create();
    ticker->setTickCount(about);
    axis.setScaleType(QCPAxis::stLinear);
    axis.setTicker(ticker);
}

void useLogTicks(QCPAxis& axis) {
    axis.setScaleType(QCPAxis::stLogarithmic);
    axis.setTicker(QSharedPointer<LogTicker>::create());
}

void useIndexTicks(QCPAxis& axis, int about) {
    auto ticker = QSharedPointer<IndexTicker>::create();
    ticker->setTickCount(about);
    axis.setScaleType(QCPAxis::stLinear);
    axis.setTicker(ticker);
}

} // namespace kurtoscope
