// Messages of flowersec.tunnel.v1: the attach message, the only thing an endpoint says to a tunnel.
// Layer messages. Source: PROTOCOL, "Attach message".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/messages/decode_error.h"
#include "flowersec/messages/sensitive_text.h"

namespace flowersec::messages::tunnel::v1 {

enum class role : std::uint8_t { client = 1, server = 2 };

struct attach {
  std::uint32_t v = 0;  ///< 1
  std::string channel_id;
  v1::role role{};
  sensitive_text token;
  std::string endpoint_instance_id;
  std::optional<std::map<std::string, std::string>> caps =
      std::nullopt;  ///< never sent by this library; accepted and unused
};

inline constexpr std::uint32_t attach_version = 1;

/// Default bound on the whole message. One unauthenticated connection can make a tunnel hold this much.
inline constexpr std::size_t default_max_attach_bytes = 8192;

inline constexpr std::size_t max_channel_id_bytes = 256;
inline constexpr std::size_t max_token_bytes = 2048;
inline constexpr std::size_t min_endpoint_instance_id_bytes = 16;  ///< decoded
inline constexpr std::size_t max_endpoint_instance_id_bytes = 32;  ///< decoded

/// Compact JSON, keys in the order above. Contains the token.
[[nodiscard]] std::string encode(const attach& message);

/// Types and ranges of the JSON only.
[[nodiscard]] decoded<attach> decode_attach(std::string_view text);

/// Decodes, trims channel_id, token and endpoint_instance_id, and applies every field rule of the attach message.
/// Errors   the first field that breaks its rule; a tunnel answers each with `invalid_attach`.
[[nodiscard]] decoded<attach> read_attach(std::string_view text);

/// Whether an endpoint instance id is base64url of 16 to 32 bytes.
[[nodiscard]] bool is_valid_endpoint_instance_id(std::string_view id) noexcept;

}  // namespace flowersec::messages::tunnel::v1
