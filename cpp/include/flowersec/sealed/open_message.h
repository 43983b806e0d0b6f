// The open message: the one text with which a client of public-key mode begins, before INIT.
// Layer sealed, part `open`: reads and writes it, opens nothing. Source: PROTOCOL, "Sealed open: message".
#pragma once

#include <string>
#include <string_view>

#include "flowersec/crypto/suite.h"
#include "flowersec/sealed/box.h"

namespace flowersec::sealed {

/// Bound on the whole message. What a client may send before it is authenticated is bounded by the reader of the
/// WebSocket; a longer text is refused unread.
inline constexpr std::size_t max_open_bytes = 4096;
inline constexpr std::uint32_t open_version = 1;
inline constexpr std::string_view open_type = "ownwire_open";

struct open_message {
  std::string channel_id;
  std::string kid;  ///< of the pinned key that the box is sealed to
  crypto::suite suite = crypto::suite::x25519;
  box sealed{};
};

/// One JSON object without white space. The fields keep the rules of decode().
[[nodiscard]] std::string encode(const open_message& message);

/// Checks, in this order: size, exactly one JSON object (PROTOCOL, "JSON rules"; unknown keys are ignored, a duplicate
/// key takes its last value), v, type, channel_id, kid, suite, sealed_psk_b64u.
/// Errors   message_too_long, not_an_object, bad_version, bad_type, bad_channel_id, bad_kid, bad_suite, bad_box.
[[nodiscard]] result<open_message> decode(std::string_view text);

}  // namespace flowersec::sealed
