// The command line of ownwire-edge.
// Layer apps. Pure; nothing is opened here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ownwire_front/options.h"

namespace flowersec::apps {

struct edge_command {
  front_command front;
  std::vector<std::string> server_keys;
  std::string backend_token_file;

  /// Items of a comma list become items of their own: the ready line and --print-key of ownwire have such lists.
  void fill_blanks();
};

/// The table refers to `command`, which outlives it.
[[nodiscard]] program describe_edge(edge_command& command);

/// The first thing that makes no sense; names the flag and what to do. fill_blanks() has been called.
[[nodiscard]] std::optional<std::string> usage_problem(const edge_command& command);

/// Whether a text is a public key as ownwire prints it: 43 characters of base64url.
[[nodiscard]] bool is_public_key(std::string_view text);
/// The key id of such a text. Source: PROTOCOL, "Sealed open: keys".
[[nodiscard]] std::string kid_of(std::string_view public_key);

}  // namespace flowersec::apps
