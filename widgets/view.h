// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/registry.h"
#include "widgets/export.h"
#include "widgets/view_table.h"
#include "widgets/workspace.h"

#include <QWidget>

class QLabel;
class QStackedWidget;

namespace kurtoscope {

class Heading;

// One picture in the window. GUI thread only. Told of changes by show() or note(); a hidden view only notes
// that it is out of date and draws when it is shown. It changes nothing itself: what the person does leaves
// as a signal to the session.
class KURTOSCOPE_WIDGETS_API View : public QWidget {
    Q_OBJECT
public:
    explicit View(QWidget* parent = nullptr);

    void show(const Workspace& workspace, Changes what); // keeps a pointer: the session outlives its views
    using QWidget::show;
    void note(const Workspace& workspace, Changes what); // the same, but whoever calls has it drawn soon
    void drawNow();                                      // what is pending, also while hidden
    void drawWhole();                                    // and what it computes aside for it
    bool isBehind() const { return isInSight() && workspace_ && pending_; } // of what it was told
    // Of one that is visible to Qt but stands behind another tab: false, and it draws nothing.
    void setInSight(bool inSight);
    bool isInSight() const { return inSight_ && isVisible(); }
    void takeFocus();                              // the first control of its picture that takes keys
    bool hasPicture() const { return !isEmpty(); } // rather than a sentence that says what to do

    // Title and grey help, at the view's top. A dock may take it as its title bar (setTitleBarWidget).
    Heading* heading() const { return heading_; }

    // What is drawn, as text a test can assert: "30 × 576, attn_input, absmax 0.5…12, 47 kept", or the empty
    // state. One that is behind is drawn first, whole.
    QString describe();
    // The numbers behind the picture, in full; likewise.
    ViewTable table();
    // What it draws and nobody computes unasked. Counts while the view is visible.
    virtual Needs needs() const { return {}; }

    // The picture ("png" at twice the size, "svg", "pdf"), or its table ("csv"). Throws Error for others.
    QByteArray exported(const QString& format);
    void saveTo(const QString& path); // by its ending; says by message() or failed() how it went

signals:
    void siteSelected(kurtoscope::Site site);
    void channelSelected(kurtoscope::Site site, int channel);
    void tokenSelected(int token);
    void channelsToggled(kurtoscope::Site site, QList<int> channels); // each one's mark flips
    void blockToggled(QList<kurtoscope::Site> sites, QList<int> channels,
                      bool keep); // a rubber band over layers
    void columnActivated(int column);
    void columnAsked(QString name, kurtoscope::Recipe recipe); // a new one
    void columnDuplicated(int column);
    void columnRemoved(int column);
    void columnMoved(int column, int to);
    void columnPinned(int column); // as what the others are compared with; once more: no longer
    void keptCopied(int from, int to);
    void textTyped(QString text);    // a person's own text, to be run through the model
    void sensitivityAsked(bool run); // of the active recipe; false: stop
    void needsChanged();
    void failed(QString what, QString where, QString hint);
    void message(QString sentence); // for the status line

protected:
    virtual QString description() const = 0; // for describe()
    virtual ViewTable numbers() const = 0;   // for table()
    virtual void finish() {}                 // waits for what it computes aside
    virtual void refresh(Changes what) = 0;  // called only while visible (or grabbed), with workspace() set
    const Workspace& workspace() const { return *workspace_; }
    bool hasWorkspace() const { return workspace_ != nullptr; }
    // What is drawn when there is something to draw. Takes over the focus where the view has it.
    void setBody(QWidget* body);
    void setEmpty(const QString& sentence); // what to do instead; "" shows the body
    bool isEmpty() const;
    QString emptyText() const;
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void makeMenu();
    void askWhere(const QString& format);
    QSize pictureSize() const;
    void paintPicture(QPaintDevice& device, double scale);
    QWidget* pictured() const; // what a scroll area holds, not what of it is in sight

    const Workspace* workspace_ = nullptr;
    Changes pending_;
    bool inSight_ = true;
    Heading* heading_ = nullptr;
    QLabel* empty_ = nullptr;
    QStackedWidget* pages_ = nullptr;
};

// A kind of view: where it stands at first and how to make one. Registered on the last line of its file.
struct KURTOSCOPE_WIDGETS_API ViewFactory {
    virtual ~ViewFactory() = default;
    virtual const char* id() const = 0;
    virtual QString title() const = 0;
    virtual QString summary() const = 0; // one line of help under the title
    virtual Qt::DockWidgetArea area() const = 0;
    virtual int order() const = 0; // within the area, small first
    virtual View* make(QWidget* parent) const = 0;
};

template <>
KURTOSCOPE_WIDGETS_API Registry<ViewFactory>& Registry<ViewFactory>::instance();

} // namespace kurtoscope
