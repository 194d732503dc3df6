// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/data_request.h"
#include "core/data/run_estimate.h"

#include <functional>
#include <optional>

class QLabel;
class QLineEdit;
class QPushButton;
class QSortFilterProxyModel;
class QTableView;

namespace kurtoscope {

class KnownModelsTable;
class ModelList;

// What a dry run is reckoned from.
struct DryRun {
    DataRequest data;
    int columns = 3;
    double rate = 0;            // multiplications per second; 0: no model has run here yet
    std::int64_t freeBytes = 0; // 0: not known
};

// Chooses a model: those at hand with their sizes, or one pointed at, and what it would take before anything
// is read.
class OpenDialog : public QDialog {
    Q_OBJECT
public:
    OpenDialog(ModelList& list, DryRun dryRun, QWidget* parent = nullptr);

    QString path() const;            // of the row that is chosen; "" for none
    QString takes() const;           // the dry run in words
    bool offer(const QString& path); // as if it was pointed at; false when it is no model

signals:
    void chosen(QString path);

private:
    void take();
    void follow();
    void pointAtFolder();
    void pointAtFile();
    void accept() override;
    const KnownModel* current() const;
    bool eventFilter(QObject* watched, QEvent* event) override;

    ModelList& list_;
    DryRun dryRun_;
    KnownModelsTable* models_ = nullptr;
    QSortFilterProxyModel* shown_ = nullptr;
    QTableView* table_ = nullptr;
    QLineEdit* filter_ = nullptr;
    QLabel *takes_ = nullptr, *note_ = nullptr;
    QPushButton* open_ = nullptr;
};

// Memory that a new process may use, from the system; 0 where it does not say.
std::int64_t freeMemory();

} // namespace kurtoscope
