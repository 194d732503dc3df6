// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/data/export_plan.h"

#include <QDialog>
#include <QTimer>

#include <map>

class QCheckBox;
class QComboBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QTreeWidget;

namespace kurtoscope {

class Session;

// Writes a recipe, or the model under it, as other software loads it. Says before that what the target cannot
// carry, how large it gets, and in which of its groups every module lands. The session outlives the dialog
// and does the work.
class ExportDialog : public QDialog {
    Q_OBJECT
public:
    ExportDialog(Session& session, const QString& column, const Recipe& recipe, QWidget* parent = nullptr);
    ~ExportDialog() override;

    void setFolder(const QString& folder);

protected:
    void reject() override; // while something is written, stops that first

private:
    void showParameters();
    void ask(); // for the plan of what is chosen
    void takePlan(const ExportPlan& plan);
    void takeResult(const ExportResult& result);
    void takeFailure(const QString& what, const QString& where, const QString& hint);
    void browse();
    void write();
    void follow();
    ExportRequest request() const;
    const ExportFormatInfo& format() const;

    enum class State : unsigned char { planning, planned, refused, writing, written };

    Session& session_;
    Recipe recipe_;
    std::vector<ExportFormatInfo> formats_;
    State state_ = State::planning;
    QTimer later_; // a plan costs work: once a moment passed without a change
    QComboBox* format_ = nullptr;
    QLabel *summary_ = nullptr, *facts_ = nullptr, *says_ = nullptr;
    QWidget* parameters_ = nullptr;
    QFormLayout* rows_ = nullptr;
    std::map<std::string, std::string> told_;
    QTreeWidget* modules_ = nullptr;
    QLineEdit* folder_ = nullptr;
    QCheckBox* force_ = nullptr;
    QProgressBar* bar_ = nullptr;
    QPushButton *write_ = nullptr, *close_ = nullptr;
};

} // namespace kurtoscope
