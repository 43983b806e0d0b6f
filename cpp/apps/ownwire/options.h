// The command line of ownwire: the flags, and what makes no sense among them.
// Layer apps. Pure; nothing is opened here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ownwire_front/options.h"

namespace flowersec::apps {

struct ownwire_command {
  front_command front;
  std::string identity_key;  ///< empty: ownwire_identity.json in the working directory
  bool new_key = false;
  bool print_key = false;
  std::string internal_address = "127.0.0.1:8081";
  std::string internal_token_file;
  bool internal_plaintext_ok = false;
  std::string internal_tls_cert;
  std::string internal_tls_key;
  std::string internal_psk_file;
  std::int64_t max_sessions = 10'000;
  std::int64_t max_sessions_per_address = 200;
  std::string behind;  ///< URL of an edge; empty: the public port is this program's own
  std::string behind_token_file;
  std::vector<std::string> flags_given;

  void fill_blanks();
  /// Where the key file is.
  [[nodiscard]] std::string key_path() const;
  /// Whether a command that only shows or copies a key may make one. A second identity, made by another user or in
  /// another folder, would break every client, so somebody has to have asked for it.
  [[nodiscard]] bool may_make_key() const { return new_key || !identity_key.empty(); }
};

inline constexpr const char* default_key_file = "ownwire_identity.json";

/// The table refers to `command`, which outlives it.
[[nodiscard]] program describe_ownwire(ownwire_command& command);

/// The first thing that makes no sense; names the flag and what to do. fill_blanks() has been called.
[[nodiscard]] std::optional<std::string> usage_problem(const ownwire_command& command);

}  // namespace flowersec::apps
