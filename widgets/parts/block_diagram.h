// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/parts/block_plan.h"

#include <QWidget>

#include <map>
#include <optional>

class QPainter;

namespace kurtoscope {

// One layer as a drawing: the residual stream runs through, attention and feed-forward branch off and are
// added, and every tensor that can be looked at is a dot on its wire with a figure at the right. Click,
// arrows, Home and End choose one.
class KURTOSCOPE_WIDGETS_API BlockDiagram : public QWidget {
    Q_OBJECT
public:
    struct Tap {
        QString figure, tip;
        int severity = 0; // 0…3
        bool known = false;
    };
    explicit BlockDiagram(QWidget* parent = nullptr);

    void setPlan(std::vector<BlockStep> plan);
    void setLayer(int layer, int layers, int severityBefore); // of the stream that enters it; −1: unknown
    void setTaps(std::map<Place, Tap> taps);
    void setCurrent(std::optional<Place> place);
    const std::vector<Place>& places() const { return places_; } // from top to bottom
    const std::map<Place, Tap>& taps() const { return taps_; }
    std::optional<Place> current() const { return current_; }
    QRect rectOf(Place place) const;  // of its row
    QPointF dotOf(Place place) const; // on its wire
    bool isOnStream(Place place) const;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return {150, sizeHint().height()}; }

signals:
    void placeChosen(kurtoscope::Place place);
    void currentShown(QRect area); // for a scroll area to bring into view

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    bool event(QEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    struct Row {
        double top = 0, height = 0;
        double centre() const { return top + height / 2; }
    };
    void layOut();
    double heightOf(const BlockStep& step) const;
    double xOf(BlockStep::Track track) const;
    int stepOf(Place place) const;
    int severityOf(Place place) const; // −1: not known
    QString gapWords(BlockStep::Kind kind) const;
    std::optional<Place> placeAt(int y) const;
    void choose(std::optional<Place> place);
    void paintBoxes(QPainter& painter) const;
    void paintBands(QPainter& painter) const;
    void paintStream(QPainter& painter) const;
    void paintBranches(QPainter& painter) const;
    void paintSteps(QPainter& painter) const;
    void paintTap(QPainter& painter, int step, double figures) const;

    std::vector<BlockStep> plan_;
    std::vector<Row> rows_; // of the steps
    std::vector<Place> places_;
    std::map<Place, Tap> taps_;
    std::optional<Place> current_, hovered_;
    int layer_ = 0, layers_ = 1, severityBefore_ = -1;
};

} // namespace kurtoscope
