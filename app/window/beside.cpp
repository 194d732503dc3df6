// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/beside.h"

#include "app/window/main_window.h"
#include "app/window/same_shape.h"
#include "app/window/session.h"

#include <QFileInfo>
#include <QScopedValueRollback>
#include <QScreen>

namespace kurtoscope {

Beside::Beside(Session& first, MainWindow& window) : QObject(&window), firstSession_(first), first_(window) {
    connect(&firstSession_, &Session::changed, this, [this](Changes what) {
        if (session_) carry(firstSession_, *session_, what);
    });
}

Beside::~Beside() = default;

void Beside::open(const QString& checkpoint, bool stands) {
    if (window_ && !window_->isVisible()) end(); // it was closed a moment ago
    if (!window_) make(stands);
    run_ = QFileInfo(checkpoint).absolutePath();
    session_->exchangeModel(checkpoint);
    window_->raise();
}

void Beside::follow(const QString& checkpoint) {
    if (window_ && window_->isVisible() && QFileInfo(checkpoint).absolutePath() == run_)
        session_->exchangeModel(checkpoint);
}

bool Beside::close() {
    return !window_ || !window_->isVisible() || window_->close();
}

void Beside::make(bool stands) {
    session_ = std::make_unique<Session>(firstSession_.options(),
                                         stands ? firstSession_.askedChoice() : firstSession_.firstChoice());
    session_->setDefaultData(firstSession_.data());
    session_->setSkipFirstToken(firstSession_.workspace().skipFirstToken);
    connect(session_.get(), &Session::changed, this, [this](Changes what) {
        // A model that has just opened looks where the first window looks; from then on either leads.
        if (what & Change::model)
            carry(firstSession_, *session_, Change::everything);
        else if (firstSession_.workspace().channel >= 0)
            carry(*session_, firstSession_, what);
    });
    window_ = std::make_unique<MainWindow>(*session_, first_);
    window_->setObjectName("beside");
    connect(window_.get(), &MainWindow::closed, this, [this] {
        if (first_.size() == made_) first_.restoreGeometry(geometry_); // else the person has moved on
        QMetaObject::invokeMethod(
            this,
            [this] {
                if (window_ && !window_->isVisible()) end();
            },
            Qt::QueuedConnection);
    });
    place();
    window_->show();
    window_->restoreState(first_.saveState(Settings::layoutVersion), Settings::layoutVersion);
}

// Half of the screen for each, where a window has room in that.
void Beside::place() {
    geometry_ = first_.saveGeometry();
    made_ = {};
    const QRect room = first_.screen()->availableGeometry();
    const QSize frame = first_.frameGeometry().size() - first_.size();
    const QSize half = QSize(room.width() / 2, room.height()) - frame;
    if (half.width() < first_.minimumSizeHint().width() ||
        half.height() < first_.minimumSizeHint().height()) {
        window_->resize(first_.size());
        return;
    }
    if (first_.isMaximized() || first_.isFullScreen()) first_.showNormal();
    for (MainWindow* window : {&first_, window_.get()})
        window->resize(half);
    first_.move(room.topLeft());
    window_->move(room.left() + room.width() / 2, room.top());
    made_ = first_.size();
}

void Beside::end() {
    window_.reset();
    session_.reset();
    firstSession_.showBeside(nullptr);
}

void Beside::carry(Session& from, Session& to, Changes what) {
    // What `to` is told it says again, when not everything was carried yet.
    if (carrying_) return;
    const QScopedValueRollback once(carrying_, true);
    const Workspace &is = from.workspace(), &other = to.workspace();
    if (!is.model || !other.model || !sameShape(*is.model, *other.model)) {
        from.showBeside(nullptr);
        to.showBeside(nullptr);
        return;
    }
    // While a model that was just exchanged is observed, the one before lends its colours.
    if (const auto seen = is.columns.front().observation) to.showBeside(seen);
    if (const auto seen = other.columns.front().observation) from.showBeside(seen);
    if (what & Change::data && from.data() != to.data()) to.requestData(from.data());
    if (!(what & Change::selection)) return;
    if (is.channel >= 0) to.selectChannel(is.site, is.channel);
    to.selectToken(is.token);
    to.setSkipFirstToken(is.skipFirstToken);
}

} // namespace kurtoscope
