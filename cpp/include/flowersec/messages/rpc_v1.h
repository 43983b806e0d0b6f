// Messages of flowersec.rpc.v1: the stream hello and the RPC envelope.
// Layer messages. The payload is passed through as text, never parsed into a tree and never reformatted.
// Source: PROTOCOL, "Stream hello" and "RPC envelope".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/messages/decode_error.h"

namespace flowersec::messages::rpc::v1 {

/// First JSON frame on every stream, written by its opener.
struct stream_hello {
  std::string kind;
  std::uint32_t v = 0;  ///< 1
};

struct rpc_error {
  std::uint32_t code = 0;
  std::optional<std::string> message = std::nullopt;

  friend bool operator==(const rpc_error&, const rpc_error&) = default;
};

/// Request, response or notification.
struct rpc_envelope {
  std::uint32_t type_id = 0;
  std::uint64_t request_id = 0;   ///< at most max_rpc_id
  std::uint64_t response_to = 0;  ///< at most max_rpc_id
  /// Raw text of one JSON value. After decoding, a view into the decoded text (or to a static "null" when the key was
  /// absent); before encoding, owned by the caller, who vouches that it is one valid JSON value. Empty means null.
  std::string_view payload = "null";
  std::optional<rpc_error> error = std::nullopt;
};

/// Ids stay within what every JSON implementation can hold exactly: 2^53 - 1.
inline constexpr std::uint64_t max_rpc_id = 9007199254740991;

/// Compact JSON, keys in the order above; `payload` is always written, `error` and `message` never as null.
[[nodiscard]] std::string encode(const stream_hello& message);
[[nodiscard]] std::string encode(const rpc_error& message);
[[nodiscard]] std::string encode(const rpc_envelope& message);

[[nodiscard]] decoded<stream_hello> decode_stream_hello(std::string_view text);

/// Ownership  the result's payload points into `text`.
/// Accepts    an absent payload as null, and null for `error` and `error.message`.
[[nodiscard]] decoded<rpc_envelope> decode_rpc_envelope(std::string_view text);

}  // namespace flowersec::messages::rpc::v1
