// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/heading.h"
#include "widgets/parts/history_model.h"
#include "widgets/parts/quiet_choice.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QCoreApplication>
#include <QHeaderView>
#include <QTableView>

namespace kurtoscope {
namespace {

// What ran and how long, what was said, warnings and errors: newest first.
class History : public View {
    Q_DECLARE_TR_FUNCTIONS(History)
public:
    explicit History(QWidget* parent) : View(parent) {
        model_ = new HistoryModel(this);
        table_ = new QTableView(this);
        table_->setObjectName("history-table");
        table_->setAccessibleName(tr("Messages and history"));
        table_->setModel(model_);
        table_->setShowGrid(false);
        table_->setFrameShape(QFrame::NoFrame);
        table_->verticalHeader()->hide();
        table_->setWordWrap(false);
        table_->setSelectionBehavior(QAbstractItemView::SelectRows);
        table_->setSelectionMode(QAbstractItemView::SingleSelection);
        table_->setEditTriggers(QAbstractItemView::NoEditTriggers);
        table_->horizontalHeader()->setSectionResizeMode(HistoryModel::when, QHeaderView::ResizeToContents);
        table_->horizontalHeader()->setSectionResizeMode(HistoryModel::what, QHeaderView::Stretch);
        table_->horizontalHeader()->setSectionResizeMode(HistoryModel::took, QHeaderView::ResizeToContents);
        table_->horizontalHeader()->setHighlightSections(false);
        table_->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
        setBody(table_);
        shown_ = new QuietChoice(
            {tr("everything"), tr("warnings and errors")}, tr("Lines"),
            tr("everything: what ran, and how long.\nwarnings and errors: what you should know."), this);
        heading()->addControl(shown_);
        connect(shown_, &QComboBox::currentIndexChanged, this, [this] {
            if (hasWorkspace()) refresh(Change::everything);
        });
        connect(table_, &QTableView::clicked, this, [this](const QModelIndex& at) {
            emit message(at.data(Qt::ToolTipRole).toString().replace(u'\n', QStringLiteral(" – ")));
        });
    }

    QString description() const override {
        if (isEmpty()) return emptyText();
        return QString("%1 lines, %2 warnings and errors, newest: %3")
            .arg(model_->rowCount())
            .arg(model_->problems())
            .arg(model_->index(0, HistoryModel::what).data().toString());
    }

    ViewTable numbers() const override {
        ViewTable table{{"when", "kind", "what", "hint", "seconds"}, {}};
        if (isEmpty()) return table;
        const char* kinds[] = {"work", "stopped", "note", "warning", "error"};
        for (int row = 0; row < model_->rowCount(); ++row) {
            const HistoryLine& line = model_->lineAt(row);
            table.rows.append({line.when.toString(Qt::ISODate), kinds[static_cast<int>(line.kind)], line.what,
                               line.hint, line.seconds < 0 ? QString() : ViewTable::number(line.seconds)});
        }
        return table;
    }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        heading()->setText(tr("History"), tr("what ran, how long, and what to know · newest first"));
        if (what & (Change::history | Change::theme)) model_->take(w.history, shown_->currentIndex() == 1);
        if (model_->rowCount() == 0)
            return setEmpty(shown_->currentIndex() == 1 && !w.history.empty()
                                ? tr("No warnings and no errors so far.")
                                : tr("Nothing has run yet. Open a model to begin."));
        setEmpty({});
        table_->viewport()->update();
    }

private:
    HistoryModel* model_ = nullptr;
    QTableView* table_ = nullptr;
    QComboBox* shown_ = nullptr;
};

struct HistoryFactory : ViewFactory {
    const char* id() const override { return "history"; }
    QString title() const override { return View::tr("History"); }
    QString summary() const override { return View::tr("What ran and how long, warnings and errors."); }
    Qt::DockWidgetArea area() const override { return Qt::NoDockWidgetArea; }
    int order() const override { return 6; }
    View* make(QWidget* parent) const override { return new History(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::HistoryFactory> registration;
