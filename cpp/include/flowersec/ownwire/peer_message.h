// The one message that a blind front adds: whom it joins to a waiting socket.
// Layer ownwire, part `frames`. A text, the first on the socket; everything behind it is the user's, unchanged.
// Source: PROTOCOL, "OwnWire, blind joining".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace flowersec::ownwire {

inline constexpr std::size_t max_peer_message_bytes = 4'096;
/// An IPv6 address with a zone is shorter.
inline constexpr std::size_t max_remote_addr_bytes = 128;

struct peer_message {
  std::string remote_addr{};  ///< 1 to max_remote_addr_bytes
  friend bool operator==(const peer_message&, const peer_message&) = default;
};

/// Shape    {"v":1,"type":"peer","remote_addr":"192.0.2.1"}
[[nodiscard]] std::string encode(const peer_message& message);
/// nullopt for anything else. Unknown keys are ignored.
[[nodiscard]] std::optional<peer_message> decode_peer_message(std::string_view text);

}  // namespace flowersec::ownwire
