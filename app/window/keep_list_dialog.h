// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/channel_list.h"

#include <QDialog>

class QButtonGroup;
class QLabel;
class QLineEdit;
class QPushButton;

namespace kurtoscope {

// Asks for channels by number and for where they are kept or released; says at every key how many that are.
class KeepListDialog : public QDialog {
    Q_OBJECT
public:
    // `recipe`: of the column that will keep them. The workspace outlives the dialog.
    KeepListDialog(const Workspace& workspace, const Recipe& recipe, QWidget* parent = nullptr);

    QList<int> channels() const { return channels_; }
    QList<Site> sites() const;
    KeepScope scope() const;
    bool keeps() const { return keeps_; } // else releases
    void setText(const QString& text);
    void setScope(KeepScope scope);
    QString saysText() const;

signals:
    void meant(QList<kurtoscope::Site> sites, QList<int> channels); // to mark them on the maps

private:
    void recount();

    const Workspace& workspace_;
    Recipe recipe_;
    Site site_;
    int width_ = 0;
    QList<int> channels_;
    bool keeps_ = true;
    QLineEdit* text_ = nullptr;
    QLabel* says_ = nullptr;
    QButtonGroup* scopes_ = nullptr;
    QPushButton *keep_ = nullptr, *release_ = nullptr;
};

} // namespace kurtoscope
