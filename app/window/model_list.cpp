// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/model_list.h"

#include "app/known_models.h"

#include <exception>
#include <utility>

namespace kurtoscope {

ModelList::~ModelList() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join(); // before the members that it writes go
}

const std::vector<KnownModel>& ModelList::models() const {
    static const std::vector<KnownModel> none;
    return known_ ? *known_ : none;
}

void ModelList::look() {
    if (std::exchange(looking_, true)) return;
    thread_ = std::jthread([this](std::stop_token stop) {
        std::vector<KnownModel> models;
        try {
            models = knownModels(stop);
        } catch (const std::exception&) {
            models.clear(); // a folder that cannot be read has no models to offer
        }
        {
            const std::lock_guard lock(mutex_);
            left_ = std::move(models);
        }
        QMetaObject::invokeMethod(this, "take", Qt::QueuedConnection);
    });
}

void ModelList::take() {
    looking_ = false;
    {
        const std::lock_guard lock(mutex_);
        known_ = std::exchange(left_, {});
    }
    emit found();
}

} // namespace kurtoscope
