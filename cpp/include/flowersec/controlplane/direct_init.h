// Mints the connect info of a direct endpoint.
// Layer controlplane. Source: PROTOCOL, "Messages".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/clock.h"
#include "flowersec/base/random.h"
#include "flowersec/controlplane/error.h"
#include "flowersec/crypto/secret.h"
#include "flowersec/crypto/suite.h"
#include "flowersec/messages/direct_v1.h"

namespace flowersec::controlplane {

inline constexpr std::chrono::seconds default_direct_init_window{60};

struct direct_init_options {
  std::string ws_url;                     ///< written as given; not empty
  std::optional<std::string> channel_id;  ///< written as given; nullopt means a random one
  std::optional<crypto::psk> psk;         ///< nullopt means a random one
  crypto::suite suite = crypto::suite::x25519;
  std::chrono::seconds init_window = default_direct_init_window;  ///< above 0
};

/// Errors   missing_ws_url, bad_channel_id (not valid UTF-8; its length is the connecting side's business), bad_suite,
///          bad_init_window, no_randomness.
[[nodiscard]] result<messages::direct::v1::direct_connect_info> issue_direct(const direct_init_options& options,
                                                                             random_source& random, unix_seconds now);

/// A suite as people write it: "x25519", "p256", "P-256", "p_256", "1", "2" or a full name, with or without the prefix
/// "suite_"; white space around it and letter case do not matter. Blank means X25519.
[[nodiscard]] std::optional<crypto::suite> parse_suite_name(std::string_view text);

}  // namespace flowersec::controlplane
