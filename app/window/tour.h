// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include <QPointer>

#include <vector>

class QFrame;
class QLabel;
class QPushButton;

namespace kurtoscope {

// The first-run tour: the window dimmed but for one part, and a few words about it. Deletes itself when it
// ends.
class Tour : public QWidget {
    Q_OBJECT
public:
    struct Step {
        QPointer<QWidget> about; // null: the whole window
        QString title, text;
    };
    Tour(std::vector<Step> steps, QWidget* window);

    int step() const { return step_; }
    int steps() const { return static_cast<int>(steps_.size()); }
    QString words() const;

public slots:
    void next(); // past the last one it ends
    void back();
    void skip();

signals:
    void ended();

protected:
    void paintEvent(QPaintEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override; // what lies below is not meant
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void show(int step);
    QRect lit() const; // what the step is about, in this widget's coordinates

    std::vector<Step> steps_;
    int step_ = 0;
    QFrame* card_ = nullptr;
    QLabel *title_ = nullptr, *text_ = nullptr, *count_ = nullptr;
    QPushButton *skip_ = nullptr, *back_ = nullptr, *next_ = nullptr;
};

} // namespace kurtoscope
