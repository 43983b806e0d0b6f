// What the machine of the messenger wants done.
// Layer apps. Values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "chat/words.h"
#include "flowersec/identity/invitation.h"

namespace flowersec::apps::intents {

struct tell {
  shown what;
};
/// Answered by on_sent().
struct send {
  std::uint64_t id = 0;
  identity::public_key to;
  std::string content;
};
/// The identity file is behind.
struct save {};
/// Registries hear of other contacts.
struct refresh {};
struct retry_registries {};
/// A call of a stranger who is a contact now.
struct let_in {
  std::uint64_t call = 0;
};
struct expect_guest {
  identity::invitation given;
  std::string name;
  unix_seconds since{};
};
struct use_invitation {
  identity::invitation given;
};
/// Answered by on_exported().
struct write_copy {
  std::string path;
};
/// Answered by on_imported().
struct read_copy {
  std::string path;
};
/// on_patience_over() after a while.
struct wait {};
/// The last one. No input is wanted any more.
struct finish {
  int exit_code = 0;
};

using intent = std::variant<tell, send, save, refresh, retry_registries, let_in, expect_guest, use_invitation,
                            write_copy, read_copy, wait, finish>;

}  // namespace flowersec::apps::intents

namespace flowersec::apps {

using chat_intents = std::vector<intents::intent>;

}  // namespace flowersec::apps
