// The building blocks of call keys, which the first version of the derivation had in common with the present one.
// Layer identity, private.
#pragma once

#include <initializer_list>

#include "flowersec/identity/call_psk.h"

namespace flowersec::identity {

/// label || u16(length of channel_id) || channel_id || keys.
[[nodiscard]] byte_buffer psk_info(std::string_view label, std::string_view channel_id,
                                   std::initializer_list<const public_key*> keys);
/// HKDF-SHA256(ikm, label ":salt", info, 32).
[[nodiscard]] crypto::psk derive_psk(std::string_view label, std::initializer_list<byte_view> ikm, byte_view info);

}  // namespace flowersec::identity
