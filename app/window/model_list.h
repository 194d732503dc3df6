// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject> // first: moc of Qt 6.4 cannot read <compare> when nothing was included before it

#include "core/data/model_info.h"

#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace kurtoscope {

// The models at hand, looked for on a thread of its own: reading a full cache takes seconds, and the engine
// has better things to do. GUI thread only.
class ModelList : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    ~ModelList() override; // stops looking

    void look(); // again; while it still looks, nothing more
    bool stands() const { return known_.has_value(); }
    const std::vector<KnownModel>& models() const;

signals:
    void found();

private slots:
    void take();

private:
    std::optional<std::vector<KnownModel>> known_;
    bool looking_ = false;
    std::mutex mutex_; // guards what the thread leaves
    std::vector<KnownModel> left_;
    std::jthread thread_;
};

} // namespace kurtoscope
