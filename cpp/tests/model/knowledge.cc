#include "model/knowledge.h"

#include <algorithm>

namespace flowersec::model {

bool knowledge::has(term it) const { return std::binary_search(seen_.begin(), seen_.end(), it); }

void knowledge::add(term it) {
  const auto place = std::lower_bound(seen_.begin(), seen_.end(), it);
  if (place == seen_.end() || *place != it) seen_.insert(place, it);
}

void knowledge::learn(const term_table& terms, term said) {
  add(said);
  // A new key may open an old record, whose content may open the next.
  for (bool opened = true; opened;) {
    opened = false;
    for (const auto it : std::vector<term>{seen_}) {
      if (terms.what(it) != shape::seal) continue;
      const auto& parts = terms.parts(it);
      if (has(parts.back()) || !can_say(terms, parts.front())) continue;
      add(parts.back());
      opened = true;
    }
  }
}

bool knowledge::can_say(const term_table& terms, term wanted) const {
  if (has(wanted)) return true;
  const auto& parts = terms.parts(wanted);
  const auto all = [&] {
    return std::all_of(parts.begin(), parts.end(), [&](term part) { return can_say(terms, part); });
  };
  // The table is asked for a public key that may not be in it: whoever has the secret has it as well.
  const auto has_public_key_of = [&](term secret) {
    return has(secret) || std::any_of(seen_.begin(), seen_.end(), [&](term it) {
             return terms.what(it) == shape::public_key && terms.parts(it).front() == secret;
           });
  };
  switch (terms.what(wanted)) {
    case shape::name:
      return true;
    case shape::secret:
      return false;
    case shape::shared:
      return (has(parts[0]) && has_public_key_of(parts[1])) || (has(parts[1]) && has_public_key_of(parts[0]));
    case shape::public_key:
    case shape::hash:
    case shape::mac:
    case shape::derive:
    case shape::seal:
      return all();
  }
  return false;
}

}  // namespace flowersec::model
