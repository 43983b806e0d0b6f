// What a router says of a packet that does not fit: ICMP "fragmentation needed", RFC 792 and RFC 1191. IPv4 only. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "flowersec/base/bytes.h"

namespace flowersec::lab {

/// The answer to the sender of `packet`, in the name of whom the packet is for. Absent for what must not be answered:
/// no IPv4, a fragment behind the first, a packet that may be cut, ICMP.
[[nodiscard]] std::optional<byte_buffer> fragmentation_needed(byte_view packet, std::uint16_t mtu);

/// The checksum of IP and ICMP, RFC 1071, over an even number of bytes.
[[nodiscard]] std::uint16_t internet_checksum(byte_view bytes) noexcept;

}  // namespace flowersec::lab
