#include "declarations.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "names.h"

namespace flowersec::idlgen {

std::string declarations::declare(const std::string& scope, const std::string& name, const origin& owner) {
  note(scope, name, sharing::none, owner);
  return name;
}

std::string declarations::overload(const std::string& scope, const std::string& name, const origin& owner) {
  note(scope, name, sharing::overloads, owner);
  return name;
}

void declarations::open_namespace(const std::string& name, const origin& owner) {
  std::string scope;
  for (const auto& part : split_namespace(name)) {
    note(scope, part, sharing::namespaces, owner);
    scope += "::" + part;
  }
}

void declarations::note(const std::string& scope, const std::string& name, sharing how, const origin& owner) {
  auto& uses = uses_[{scope, name}];
  if (uses.empty()) order_.emplace_back(scope, name);
  uses.push_back({how, owner});
}

void declarations::report(diagnostics& problems) const {
  std::set<std::pair<std::string, std::string>> reported;
  for (const auto& where : order_) {
    auto uses = uses_.at(where);
    std::ranges::stable_sort(uses, {}, [](const use& each) { return std::tuple{each.owner.file, each.owner.line}; });
    const auto& first = uses.front();
    for (const auto& each : uses) {
      if (&each == &first || (each.how != sharing::none && each.how == first.how)) continue;
      if (!reported.emplace(first.owner.element, each.owner.element).second) continue;
      problems.add(each.owner.file, each.owner.line, each.owner.element,
                   "its name in " + language_ + ", " + where.second + ", is also that of " + first.owner.element);
    }
  }
}

}  // namespace flowersec::idlgen
