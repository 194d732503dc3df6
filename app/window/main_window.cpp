// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/main_window.h"

#include "app/window/beside.h"
#include "app/window/session.h"
#include "app/window/status_text.h"
#include "app/window/view_docks.h"
#include "app/window/view_turns.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QAction>
#include <QApplication>
#include <QLabel>
#include <QPainter>
#include <QSaveFile>
#include <QStatusBar>
#include <QStyle>

#include <algorithm>
#include <memory>

namespace kurtoscope {
namespace {

constexpr QSize firstSize(1680, 1040);

// A sentence of the status line: what does not fit is elided, and said in full by its tooltip.
class Sentence : public QLabel {
public:
    using QLabel::QLabel;
    QSize minimumSizeHint() const override { return {60, QLabel::minimumSizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent*) override {
        QPainter painter(this);
        const QString shown = fontMetrics().elidedText(text(), Qt::ElideRight, contentsRect().width());
        painter.setPen(palette().color(foregroundRole()));
        painter.drawText(contentsRect(), Qt::AlignVCenter | Qt::AlignLeft, shown);
        setToolTip(shown == text() ? QString() : text());
    }
};

std::vector<const ViewFactory*> factories() {
    std::vector<const ViewFactory*> all;
    for (const auto& member : Registry<ViewFactory>::instance().members())
        all.push_back(member.get());
    std::ranges::stable_sort(all, {}, &ViewFactory::order);
    return all;
}

} // namespace

MainWindow::MainWindow(Session& session, const QString& settingsFile, const QString& theme)
    : MainWindow(session, settingsFile, theme, nullptr) {}

MainWindow::MainWindow(Session& session, MainWindow& first)
    : MainWindow(session, first.settings_.file(), first.theme_, &first) {}

MainWindow::MainWindow(Session& session, const QString& settingsFile, const QString& theme, MainWindow* first)
    : session_(session),
      first_(first),
      settings_(settingsFile),
      file_(session, first ? QString() : settings_.dataFolder()) {
    setObjectName("window");
    setWindowTitle("Kurtoscope");
    setAcceptDrops(true);
    systemIsDark_ = QApplication::palette().color(QPalette::Window).lightness() < 128;
    useTheme(theme.isEmpty() ? settings_.theme() : theme);
    makePanels();
    makeViews();
    makeStatusLine();
    makeMenus();
    connect(&session_, &Session::changed, this, &MainWindow::follow);
    connect(&session_, &Session::failed, this, &MainWindow::showMessage);
    connect(&session_, &Session::noticed, this,
            [this](const QString& text) { statusBar()->showMessage(text, 8000); });
    connectFiles();
    if (!first_) beside_ = new Beside(session_, *this);
    resize(firstSize);
    if (!settings_.geometry().isEmpty()) restoreGeometry(settings_.geometry());
    follow(Change::everything);
}

View* MainWindow::view(const char* id) const {
    for (View* view : views_)
        if (view->objectName() == QLatin1String(id)) return view;
    return nullptr;
}

void MainWindow::bringForward(const char* id) {
    docks_->bringForward(view(id));
}

void MainWindow::makeViews() {
    docks_ = new ViewDocks(*this);
    turns_ = new ViewTurns(this);
    for (const ViewFactory* factory : factories()) {
        View* view = factory->make(this);
        view->setObjectName(factory->id());
        views_.push_back(view);
        connectView(view);
        docks_->add(view, *factory);
        turns_->add(view);
    }
    docks_->arrange();
}

void MainWindow::connectView(View* view) {
    connect(view, &View::siteSelected, &session_, &Session::selectSite);
    connect(view, &View::channelSelected, &session_, &Session::selectChannel);
    connect(view, &View::tokenSelected, &session_, &Session::selectToken);
    connect(view, &View::channelsToggled, &session_, &Session::toggleChannels);
    connect(view, &View::blockToggled, &session_, &Session::toggleBlock);
    connect(view, &View::columnActivated, &session_, &Session::activateColumn);
    connect(view, &View::columnAsked, &session_, &Session::addColumn);
    connect(view, &View::columnDuplicated, &session_, &Session::duplicateColumn);
    connect(view, &View::columnRemoved, &session_, &Session::removeColumn);
    connect(view, &View::columnMoved, &session_, &Session::moveColumn);
    connect(view, &View::columnPinned, &session_, &Session::pinColumn);
    connect(view, &View::keptCopied, &session_, &Session::copyKept);
    connect(view, &View::textTyped, &session_, &Session::typeText);
    connect(view, &View::sensitivityAsked, &session_, &Session::askSensitivity);
    // Once the session has heard of it: the view that a person acts on answers at once, the others in turn.
    connect(view, &View::siteSelected, view, &View::drawNow);
    connect(view, &View::channelSelected, view, &View::drawNow);
    connect(view, &View::tokenSelected, view, &View::drawNow);
    connect(view, &View::channelsToggled, view, &View::drawNow);
    connect(view, &View::blockToggled, view, &View::drawNow);
    connect(view, &View::columnActivated, view, &View::drawNow);
    connect(view, &View::failed, this, &MainWindow::showMessage);
    // Queued: views hide one by one while the window is taken down, when it must not ask any of them.
    connect(
        view, &View::needsChanged, this,
        [this] {
            Needs needs;
            for (const View* one : views_)
                if (one->isInSight()) needs |= one->needs();
            session_.setNeeds(needs);
        },
        Qt::QueuedConnection);
    connect(view, &View::message, this,
            [this](const QString& sentence) { statusBar()->showMessage(sentence); });
}

void MainWindow::makeStatusLine() {
    selection_ = new Sentence(this);
    selection_->setObjectName("selection");
    kept_ = new Sentence(this);
    kept_->setObjectName("kept");
    saved_ = new QLabel(this);
    saved_->setObjectName("saved");
    saved_->setContentsMargins(2 * Theme::current().spacing, 0, 2 * Theme::current().spacing, 0);
    auto* help = new QLabel(tr("? shortcuts"), this);
    selection_->setContentsMargins(Theme::current().spacing, 0, 2 * Theme::current().spacing, 0);
    statusBar()->setSizeGripEnabled(false);
    statusBar()->addWidget(selection_);
    statusBar()->addWidget(kept_, 1);
    help->setContentsMargins(0, 0, Theme::current().spacing, 0);
    statusBar()->addPermanentWidget(saved_);
    statusBar()->addPermanentWidget(help);
}

void MainWindow::follow(Changes what) {
    const Workspace& workspace = session_.workspace();
    turns_->show(workspace, what);
    selection_->setText(selectionText(workspace));
    kept_->setText(keptText(workspace));
    followPanels(what);
    followActions();
    if (what & Change::model) followFile();
    if (what & (Change::model | Change::data)) followTask();
}

void MainWindow::useTheme(const QString& name) {
    theme_ = name;
    const bool dark = name == "dark" || (name == "system" && systemIsDark_);
    Theme theme = Theme::load(dark ? "dark" : "light");
    if (settings_.projector()) { // readable at the back of a room
        theme.fontSize = theme.fontSize * 7 / 5;
        theme.smallSize = theme.smallSize * 7 / 5;
        theme.spacing = theme.spacing * 5 / 4;
    }
    Theme::use(theme, *qApp);
    for (QWidget* top : QApplication::topLevelWidgets()) // all share one theme
        if (auto* window = qobject_cast<MainWindow*>(top)) {
            window->theme_ = name;
            window->takeTheme();
        }
}

void MainWindow::takeTheme() {
    const Theme& theme = Theme::current();
    statusBar()->setMinimumHeight(QFontMetrics(theme.body()).height() + theme.spacing);
    for (QWidget* widget : findChildren<QWidget*>()) { // which take their own type when their colours change
        QEvent again(QEvent::PaletteChange);
        QApplication::sendEvent(widget, &again);
    }
    if (auto* name = findChild<QAction*>(settings_.theme())) name->setChecked(true);
    if (auto* projector = findChild<QAction*>("projector")) projector->setChecked(settings_.projector());
    session_.repaint(Change::theme);
}

bool MainWindow::saveScreenshot(const QString& path, QString* whyNot) {
    for (View* view : views_)
        view->drawWhole();
    QSaveFile file(path);
    if (file.open(QIODevice::WriteOnly) && grab().save(&file, "PNG") && file.commit()) return true;
    *whyNot = file.errorString();
    return false;
}

void MainWindow::showEvent(QShowEvent* event) {
    QMainWindow::showEvent(event);
    if (std::exchange(arranged_, true)) return;
    const QByteArray docks = settings_.dockState();
    if (docks.isEmpty() || !restoreState(docks, Settings::layoutVersion)) docks_->arrange();
    docks_->follow();
    if (View* map = view("channel-map")) map->setFocus(); // arrows and Space work there from the start
}

} // namespace kurtoscope
