// Somebody with a contact, for tests of the messenger.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "flowersec/identity/contacts.h"
#include "support/random_sources.h"

namespace flowersec::apps::chat_testing {

struct known_people {
  testing::seeded_random random;
  identity::identity carol = identity::identity::generate(random).value();
  identity::identity bobs_own = identity::identity::generate(random).value();
  std::shared_ptr<identity::identity> own =
      std::make_shared<identity::identity>(identity::identity::generate(random).value());
  identity::contacts known{own};

  known_people() { (void)known.add(bobs_own.key(), "Bob").value(); }

  [[nodiscard]] const identity::public_key& self() const { return own->key(); }
  [[nodiscard]] const identity::contact& bob() const { return *known.get(bobs_own.key()); }
  [[nodiscard]] const identity::public_key& carol_key() const { return carol.key(); }
};

inline std::string without_line_ends(std::string text) {
  std::erase(text, '\n');
  return text;
}

}  // namespace flowersec::apps::chat_testing
