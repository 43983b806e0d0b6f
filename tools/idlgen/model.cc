#include "model.h"

#include <algorithm>

#include "names.h"

namespace flowersec::idlgen {

bool service_model::has(bool requests) const {
  return std::ranges::any_of(methods, [requests](const auto& each) { return each.is_request == requests; });
}

const enum_model* file_model::find_enum(const std::string& name) const {
  const auto found = std::ranges::find(enums, name, &enum_model::name);
  return found == enums.end() ? nullptr : &*found;
}

const message_model& file_model::message(const std::string& name) const {
  return *std::ranges::find(messages, name, &message_model::name);
}

bool file_model::leads_behind(const std::string& name, const message_model& owner) const {
  const auto* const last = &message(owner.name);
  std::vector<const message_model*> reached{&message(name)};
  for (std::size_t i = 0; i < reached.size(); ++i) {
    if (reached[i] > last) return true;
    for (const auto& field : reached[i]->fields) {
      if (field.kind != field_kind::message) continue;
      const auto* const next = &message(field.type);
      if (std::ranges::find(reached, next) == reached.end()) reached.push_back(next);
    }
  }
  return false;
}

std::string file_model::folder() const { return join(split(package, '.'), "/"); }

}  // namespace flowersec::idlgen
