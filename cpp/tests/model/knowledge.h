// What the attacker knows: what it saw, what it can open with that, what it can make of that.
#pragma once

#include <vector>

#include "model/term.h"

namespace flowersec::model {

class knowledge {
 public:
  /// Takes what was said, and opens every record whose key is known by now.
  void learn(const term_table& terms, term said);

  /// Whether the attacker can say `wanted`.
  [[nodiscard]] bool can_say(const term_table& terms, term wanted) const;

  /// What was seen or opened, in order of their numbers.
  [[nodiscard]] const std::vector<term>& seen() const { return seen_; }

 private:
  [[nodiscard]] bool has(term it) const;
  void add(term it);

  std::vector<term> seen_;
};

}  // namespace flowersec::model
