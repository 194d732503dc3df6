// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kurtoscope {

// One family of interchangeable parts (schemes, architectures, tasks …). A member registers itself with a
// static Registration on its file's last line and must offer id(); filled before main(), read-only after.
// The family's header declares `template <> Registry<T>& Registry<T>::instance();`, its .cpp defines it.
template <class Member>
class Registry {
public:
    static Registry& instance();

    void add(std::unique_ptr<Member> member) {
        // An id may be a std::string_view or a plain C string; either way it is the text that is compared.
        auto later = [](const auto& a, const auto& b) {
            return std::string_view(a->id()) < std::string_view(b->id());
        };
        members_.insert(std::upper_bound(members_.begin(), members_.end(), member, later), std::move(member));
    }
    const std::vector<std::unique_ptr<Member>>& members() const { return members_; } // sorted by id
    const Member* find(std::string_view id) const {
        for (const auto& member : members_)
            if (std::string_view(member->id()) == id) return member.get();
        return nullptr;
    }
    // Throws Error naming the ids there are; `family` is the word for the sentence ("scheme").
    const Member& get(std::string_view id, const std::string& family) const {
        if (const Member* member = find(id)) return *member;
        std::string known;
        for (const auto& member : members_) known += (known.empty() ? "" : ", ") + std::string(member->id());
        throw Error("unknown " + family + " \"" + std::string(id) + "\"", "", "Known: " + known);
    }

private:
    std::vector<std::unique_ptr<Member>> members_;
};

template <class Family, class Member>
struct Registration {
    Registration() { Registry<Family>::instance().add(std::make_unique<Member>()); }
};

} // namespace kurtoscope
