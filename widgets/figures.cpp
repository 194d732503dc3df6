// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/figures.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>

namespace kurtoscope {
namespace {

const QChar minus(0x2212);

QString withTrueMinus(QString text) {
    if (text.startsWith('-')) text[0] = minus;
    return text;
}

} // namespace

QString figure(double value, int digits) {
    if (std::isnan(value)) return QStringLiteral("–");
    if (std::isinf(value)) return value > 0 ? QStringLiteral("∞") : QString(minus) + QStringLiteral("∞");
    if (value == 0) return QStringLiteral("0");
    static const struct {
        double unit;
        const char* suffix;
    } scales[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
    const double size = std::abs(value);
    if (size < 1e-3) return withTrueMinus(QString::number(value, 'g', std::max(1, digits - 1)));
    for (const auto& [unit, suffix] : scales) {
        // 999.7 must become "1k", not "1000".
        if (size < unit * (1 - 0.5 * std::pow(10, -digits)) && unit > 1) continue;
        const double scaled = value / unit;
        const int whole = std::max(1, static_cast<int>(std::floor(std::log10(std::abs(scaled)) + 1e-12)) + 1);
        QString text = QString::number(scaled, 'f', std::max(0, digits - (std::abs(scaled) < 1 ? 0 : whole)));
        if (text.contains('.')) {
            while (text.endsWith('0'))
                text.chop(1);
            if (text.endsWith('.')) text.chop(1);
        }
        return withTrueMinus(text) + QLatin1String(suffix);
    }
    return {};
}

QString fixed(double value, int decimals) {
    if (std::isnan(value)) return QStringLiteral("–");
    if (std::isinf(value)) return figure(value);
    QString text = QString::number(value, 'f', decimals);
    if (text.startsWith('-') && text.toDouble() == 0) text.remove(0, 1);
    return withTrueMinus(text);
}

QString signedFixed(double value, int decimals) {
    const QString text = fixed(value, decimals);
    return value > 0 && text.toDouble() != 0 ? "+" + text : text;
}

QString grouped(std::int64_t value) {
    QString digits = QString::number(std::abs(value));
    for (qsizetype at = digits.size() - 3; at > 0; at -= 3)
        digits.insert(at, ',');
    return value < 0 ? QString(minus) + digits : digits;
}

QString percent(double share, int decimals) {
    return fixed(share * 100, decimals) + QStringLiteral(" %");
}

QString bytes(std::int64_t count) {
    if (count >= 1'000'000'000) return fixed(static_cast<double>(count) / 1e9, 2) + " GB";
    if (count >= 1'000'000)
        return fixed(static_cast<double>(count) / 1e6, count < 10'000'000 ? 1 : 0) + " MB";
    if (count >= 1'000) return fixed(static_cast<double>(count) / 1e3, 0) + " kB";
    return QString::number(count) + " B";
}

QString placeText(Place place) {
    const auto name = placeName(place);
    return QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size()));
}

QString siteText(const Site& site) {
    return QString::fromStdString(site.name());
}

QString tokenText(const std::string& token) {
    QString text = QString::fromStdString(token);
    text.replace('\n', QChar(0x23CE)).replace('\t', QChar(0x21E5));
    const QString bare = text.trimmed();
    return bare.isEmpty() ? QString(QChar(0x2423)) : bare;
}

int severity(const SiteStats& stats) {
    const auto level = [](double value, double some, double much, double extreme) {
        return value >= extreme ? 3 : value >= much ? 2 : value >= some ? 1 : 0;
    };
    return std::max(level(stats.siteKurtosis, 10, 50, 500), level(stats.maxToMedian, 6, 20, 100));
}

QString kurtosisHelp() {
    return QCoreApplication::translate(
        "Figures", "Kurtosis, Pearson's: E[(x − μ)⁴] / E[(x − μ)²]².\n"
                   "How heavy the tails are; a Gaussian has 3, rare huge values drive it up.");
}
QString energyHelp() {
    return QCoreApplication::translate(
        "Figures",
        "Energy in the top 1 %: Σ x² of the 1 % of channels with most energy / Σ x² of all channels.\n"
        "Evenly spread energy would give 1 %.");
}
QString ratioHelp() {
    return QCoreApplication::translate(
        "Figures", "Max / median: the largest channel's absmax over the median channel's absmax.\n"
                   "A per-tensor 8-bit range leaves the median channel about 255 / ratio levels.");
}
QString absmaxHelp() {
    return QCoreApplication::translate("Figures",
                                       "absmax: the largest |x| of a channel over all tokens seen.");
}

} // namespace kurtoscope
