// Messages of flowersec.tunnel.v1: the attach message, the only thing an endpoint says to a tunnel.
// Layer messages. The types are generated from idl/flowersec/tunnel/v1; here are the rules of the fields.
// Source: PROTOCOL, "Attach message".
#pragma once

#include "flowersec/tunnel/v1/types.gen.h"

namespace flowersec::messages::tunnel::v1 {

inline constexpr std::uint32_t attach_version = 1;

/// Default bound on the whole message. One unauthenticated connection can make a tunnel hold this much.
inline constexpr std::size_t default_max_attach_bytes = 8192;

inline constexpr std::size_t max_channel_id_bytes = 256;
inline constexpr std::size_t max_token_bytes = 2048;
inline constexpr std::size_t min_endpoint_instance_id_bytes = 16;  ///< decoded
inline constexpr std::size_t max_endpoint_instance_id_bytes = 32;  ///< decoded

/// Decodes, trims channel_id, token and endpoint_instance_id, and applies every field rule of the attach message.
/// Errors   the first field that breaks its rule; a tunnel answers each with `invalid_attach`.
[[nodiscard]] decoded<attach> read_attach(std::string_view text);

/// Whether an endpoint instance id is base64url of 16 to 32 bytes.
[[nodiscard]] bool is_valid_endpoint_instance_id(std::string_view id) noexcept;

}  // namespace flowersec::messages::tunnel::v1
