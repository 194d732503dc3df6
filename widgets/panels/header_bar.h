// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QWidget>

class QAction;
class QLabel;
class QProgressBar;
class QPushButton;
class QToolButton;

namespace kurtoscope {

class Chip;

// The window's top line: what is open and where it runs, what is being computed and for how long, and the
// main actions. Says what was pressed, decides nothing.
class KURTOSCOPE_WIDGETS_API HeaderBar : public QWidget {
    Q_OBJECT
public:
    explicit HeaderBar(QWidget* parent = nullptr);

    // "SmolLM2-135M-Instruct", "LLaMA · 30 × 576 · stored Q4_1", and a sentence for the tooltip.
    void setModel(const QString& name, const QString& details, const QString& help = {});
    void setData(const QString& name, const QString& details);
    void setDevice(const QString& name, const QString& details = {});
    void setProgress(const QString& text, double fraction, double secondsLeft = -1); // fraction < 0: unknown
    void setIdle();                                    // no progress, Stop disabled
    void setUndo(bool available, const QString& what); // "keep channel 247": into the tooltip
    void setRedo(bool available, const QString& what);
    void setKeepOutliersEnabled(bool on);
    void setExportEnabled(bool on);
    QString progressText() const;
    // What is said while something runs must not widen the window: the chips and the bar give way to it.
    QSize minimumSizeHint() const override { return {640, sizeHint().height()}; }

signals:
    void openModelAsked();
    void openDataAsked();
    void deviceAsked();
    void stopAsked();
    void undoAsked();
    void redoAsked();
    void keepOutliersAsked();
    void exportAsked();

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override; // a new theme
    void showEvent(QShowEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void applyTheme();
    void fit();

    QLabel* name_ = nullptr;
    Chip* model_ = nullptr;
    Chip* data_ = nullptr;
    Chip* device_ = nullptr;
    QLabel* progress_ = nullptr;
    QString said_; // in full, where the label has no room for it
    QProgressBar* bar_ = nullptr;
    QPushButton* stop_ = nullptr;
    QToolButton* undo_ = nullptr;
    QToolButton* redo_ = nullptr;
    QPushButton *keep_ = nullptr, *export_ = nullptr;
};

} // namespace kurtoscope
