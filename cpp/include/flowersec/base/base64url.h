// base64url without padding, strict in both directions.
// Layer base. Source: PROTOCOL, "base64url"; RFC 4648 section 5.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/bytes.h"

namespace flowersec {

/// Shape    4 characters per 3 bytes, no '=' at the end.
[[nodiscard]] std::string encode_base64url(byte_view bytes);

/// Bytes that a text of this many characters decodes to; nullopt when no text has that length (1 mod 4).
[[nodiscard]] std::optional<std::size_t> base64url_decoded_size(std::size_t characters) noexcept;

/// Errors   nullopt for a foreign character, '=', white space, a length of 1 modulo 4, and for unused low
///          bits that are not zero (two texts for the same bytes would be a way around replay keys).
[[nodiscard]] std::optional<byte_buffer> decode_base64url(std::string_view text);

/// Decodes into memory of the caller, for secrets. Succeeds only if the text stands for exactly
/// `into.size()` bytes; `into` is unspecified after a failure.
[[nodiscard]] bool decode_base64url_into(std::string_view text, mutable_byte_view into) noexcept;

}  // namespace flowersec
