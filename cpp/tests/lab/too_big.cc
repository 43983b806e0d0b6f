#include "lab/too_big.h"

#include <algorithm>

namespace flowersec::lab {
namespace {

constexpr std::size_t header_bytes = 20;
constexpr std::size_t icmp_bytes = 8;
constexpr std::size_t quoted_bytes = 8;
constexpr std::uint8_t icmp = 1;
constexpr std::uint16_t do_not_fragment = 0x4000;
constexpr std::uint16_t offset_mask = 0x1fff;

std::uint16_t u16_at(byte_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}

void put_u16(byte_buffer& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::byte>(value >> 8);
  bytes[at + 1] = static_cast<std::byte>(value & 0xff);
}

}  // namespace

std::uint16_t internet_checksum(byte_view bytes) noexcept {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += u16_at(bytes, i);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::optional<byte_buffer> fragmentation_needed(byte_view packet, std::uint16_t mtu) {
  if (packet.size() < header_bytes || std::to_integer<unsigned>(packet[0]) >> 4 != 4) return std::nullopt;
  const std::size_t own_header = (std::to_integer<unsigned>(packet[0]) & 0xf) * 4;
  if (own_header < header_bytes || packet.size() < own_header + quoted_bytes) return std::nullopt;
  const auto fragment = u16_at(packet, 6);
  if ((fragment & do_not_fragment) == 0 || (fragment & offset_mask) != 0) return std::nullopt;
  if (std::to_integer<std::uint8_t>(packet[9]) == icmp) return std::nullopt;

  const auto quoted = packet.first(own_header + quoted_bytes);
  byte_buffer answer(header_bytes + icmp_bytes + quoted.size());
  answer[0] = std::byte{0x45};
  put_u16(answer, 2, static_cast<std::uint16_t>(answer.size()));
  answer[8] = std::byte{64};  // hops
  answer[9] = std::byte{icmp};
  std::copy_n(packet.begin() + 16, 4, answer.begin() + 12);
  std::copy_n(packet.begin() + 12, 4, answer.begin() + 16);
  put_u16(answer, 10, internet_checksum(byte_view{answer}.first(header_bytes)));

  answer[header_bytes] = std::byte{3};      // not reached
  answer[header_bytes + 1] = std::byte{4};  // because it does not fit
  put_u16(answer, header_bytes + 6, mtu);
  std::copy(quoted.begin(), quoted.end(), answer.begin() + header_bytes + icmp_bytes);
  put_u16(answer, header_bytes + 2, internet_checksum(byte_view{answer}.subspan(header_bytes)));
  return answer;
}

}  // namespace flowersec::lab
