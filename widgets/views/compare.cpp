// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/parts/comparison_model.h"
#include "widgets/parts/comparison_table.h"
#include "widgets/parts/heading.h"
#include "widgets/theme.h"
#include "widgets/view.h"

#include <QApplication>
#include <QClipboard>
#include <QCoreApplication>
#include <QKeyEvent>
#include <QMenu>
#include <QScrollBar>

#include <algorithm>

namespace kurtoscope {
namespace {

// The recipes side by side, FP32 first, filling in window by window.
class Compare : public View {
    Q_DECLARE_TR_FUNCTIONS(Compare)
public:
    explicit Compare(QWidget* parent) : View(parent) {
        model_ = new ComparisonModel(this);
        table_ = new QTableView(this);
        table_->setObjectName("comparison");
        table_->setAccessibleName(tr("Recipes side by side"));
        auto* names = new RecipeHeader(table_);
        table_->setHorizontalHeader(names);
        connect(names, &RecipeHeader::dropped, this, &View::keptCopied);
        table_->setVerticalHeader(new FigureHeader(table_));
        table_->setModel(model_);
        table_->setItemDelegate(new FigureDelegate(table_));
        table_->setShowGrid(false);
        table_->setFrameShape(QFrame::NoFrame);
        table_->setCornerButtonEnabled(false);
        table_->setSelectionMode(QAbstractItemView::NoSelection);
        table_->setEditTriggers(QAbstractItemView::NoEditTriggers);
        table_->setContextMenuPolicy(Qt::CustomContextMenu);
        table_->horizontalHeader()->setContextMenuPolicy(Qt::CustomContextMenu);
        table_->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
        // Columns that are half out of sight are elided to what is seen of them: scrolling writes them anew.
        connect(table_->horizontalScrollBar(), &QScrollBar::valueChanged, this, [this] {
            table_->viewport()->update();
            table_->horizontalHeader()->viewport()->update();
        });
        table_->installEventFilter(this);
        setBody(table_);
        connect(table_->horizontalHeader(), &QHeaderView::sectionClicked, this, &View::columnActivated);
        connect(table_, &QTableView::clicked, this,
                [this](const QModelIndex& at) { emit columnActivated(at.column()); });
        connect(table_, &QWidget::customContextMenuRequested, this, [this](QPoint at) {
            openMenu(table_->columnAt(at.x()), table_->viewport()->mapToGlobal(at));
        });
        connect(table_->horizontalHeader(), &QWidget::customContextMenuRequested, this, [this](QPoint at) {
            openMenu(table_->horizontalHeader()->logicalIndexAt(at),
                     table_->horizontalHeader()->mapToGlobal(at));
        });
    }
    QSize sizeHint() const override { return {620, 320}; }

    QString description() const override {
        if (isEmpty()) return emptyText();
        QStringList names;
        const int score = model_->rowOf(ComparisonModel::Row::score);
        for (int column = 0; column < model_->columnCount(); ++column)
            names.append(model_->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString() + " " +
                         model_->index(score, column).data().toString());
        return QString("%1 × %2, %3, active %4: %5")
            .arg(model_->rowCount())
            .arg(model_->columnCount())
            .arg(model_->metric().isEmpty() ? QStringLiteral("not measured") : model_->metric())
            .arg(model_->active())
            .arg(names.join(", "));
    }

    ViewTable numbers() const override {
        ViewTable table{{"figure"}, {}};
        for (int column = 0; column < model_->columnCount(); ++column)
            table.header.append(model_->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString());
        for (int row = 0; !isEmpty() && row < model_->rowCount(); ++row) {
            QStringList fields{model_->headerData(row, Qt::Vertical, Qt::DisplayRole).toString()};
            for (int column = 0; column < model_->columnCount(); ++column)
                fields.append(model_->index(row, column).data(Qt::DisplayRole).toString());
            table.rows.append(fields);
        }
        return table;
    }

protected:
    void refresh(Changes what) override {
        const Workspace& w = workspace();
        heading()->setText(tr("Compare"), tr("difference to FP32 in colour only beyond twice its error · "
                                             "click a column to make it active"));
        if (what & Change::theme)
            table_->verticalHeader()->setDefaultSectionSize(QFontMetrics(Theme::current().body()).height() +
                                                            8);
        model_->take(w);
        const bool measured =
            std::ranges::any_of(w.columns, [](const Column& column) { return column.reading.has_value(); });
        if (w.columns.empty() || (!w.model && !measured))
            return setEmpty(w.model ? tr("Add a recipe to compare it with FP32.")
                                    : tr("Open a model to compare recipes."));
        setEmpty({});
        if (what & (Change::columns | Change::theme | Change::model)) table_->resizeColumnsToContents();
        if (std::exchange(shownActive_, w.active) != w.active)
            table_->scrollTo(model_->index(0, std::clamp(w.active, 0, model_->columnCount() - 1)));
        table_->viewport()->update();
    }

    bool eventFilter(QObject* watched, QEvent* event) override {
        if (watched != table_ || event->type() != QEvent::KeyPress) return View::eventFilter(watched, event);
        const auto& key = static_cast<QKeyEvent&>(*event);
        const int column =
            table_->currentIndex().isValid() ? table_->currentIndex().column() : model_->active();
        if (key.matches(QKeySequence::Copy))
            copy();
        else if (column < 0 || column >= model_->columnCount())
            return false;
        else if (key.key() == Qt::Key_Return || key.key() == Qt::Key_Enter || key.key() == Qt::Key_Space)
            emit columnActivated(column);
        else if (key.key() == Qt::Key_D)
            emit columnDuplicated(column);
        else if ((key.key() == Qt::Key_Delete || key.key() == Qt::Key_Backspace) && column > 0)
            emit columnRemoved(column);
        else if (key.key() == Qt::Key_Left || key.key() == Qt::Key_Right) {
            const int next =
                std::clamp(column + (key.key() == Qt::Key_Left ? -1 : 1), 0, model_->columnCount() - 1);
            table_->setCurrentIndex(model_->index(0, next));
            emit columnActivated(next);
        } else
            return false;
        return true;
    }

private:
    void copy() {
        QApplication::clipboard()->setText(model_->asText());
        emit message(tr("The table is on the clipboard, tab-separated."));
    }

    void openMenu(int column, QPoint at) {
        auto* menu = new QMenu(this);
        menu->setAttribute(Qt::WA_DeleteOnClose);
        if (column >= 0 && column < model_->columnCount()) {
            menu->addAction(tr("Make active\tEnter"), this, [this, column] { emit columnActivated(column); });
            menu->addAction(tr("Duplicate\tD"), this, [this, column] { emit columnDuplicated(column); });
            // FP32 is what the others are measured against.
            menu->addAction(tr("Remove\tDel"), this, [this, column] { emit columnRemoved(column); })
                ->setEnabled(column > 0);
            menu->addSeparator();
            menu->addAction(tr("Move left\tAlt+Left"), this,
                            [this, column] { emit columnMoved(column, column - 1); })
                ->setEnabled(column > 1);
            menu->addAction(tr("Move right\tAlt+Right"), this,
                            [this, column] { emit columnMoved(column, column + 1); })
                ->setEnabled(column > 0 && column + 1 < model_->columnCount());
            auto* pin =
                menu->addAction(tr("Pin as reference"), this, [this, column] { emit columnPinned(column); });
            pin->setCheckable(true);
            pin->setChecked(
                model_->headerData(column, Qt::Horizontal, ComparisonModel::referenceRole).toBool());
            pin->setEnabled(column > 0);
            QMenu* copies = menu->addMenu(tr("Copy kept channels to"));
            copies->setEnabled(column > 0);
            for (int to = 1; to < model_->columnCount(); ++to)
                if (to != column)
                    copies->addAction(model_->headerData(to, Qt::Horizontal, Qt::DisplayRole).toString(),
                                      this, [this, column, to] { emit keptCopied(column, to); });
            menu->addSeparator();
        }
        menu->addAction(tr("Copy table as text\tCtrl+C"), this, &Compare::copy);
        menu->popup(at);
    }

    ComparisonModel* model_ = nullptr;
    QTableView* table_ = nullptr;
    int shownActive_ = -1; // scrolled to when it changes, not against the person at every reading
};

struct CompareFactory : ViewFactory {
    const char* id() const override { return "compare"; }
    QString title() const override { return View::tr("Compare"); }
    QString summary() const override {
        return View::tr("Recipes side by side: score, divergence, latency, memory and which arithmetic ran.");
    }
    Qt::DockWidgetArea area() const override { return Qt::BottomDockWidgetArea; }
    int order() const override { return 1; }
    View* make(QWidget* parent) const override { return new Compare(parent); }
};

} // namespace
} // namespace kurtoscope

static const kurtoscope::Registration<kurtoscope::ViewFactory, kurtoscope::CompareFactory> registration;
