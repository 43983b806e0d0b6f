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

bool file_model::is_behind(const std::string& name, const message_model& owner) const {
  return &message(name) > &message(owner.name);
}

std::string file_model::folder() const { return join(split(package, '.'), "/"); }

}  // namespace flowersec::idlgen
