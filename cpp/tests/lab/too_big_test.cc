#include "lab/too_big.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace flowersec::lab {
namespace {

/// IPv4 with TCP behind it, which must not be cut, from 10.0.0.1 to 10.0.0.2.
byte_buffer tcp_packet() {
  byte_buffer packet(1500);
  const std::uint8_t header[] = {0x45, 0,  0x05, 0xdc, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0,
                                 1,    10, 0,    0,    2, 1, 2,    3, 4,  5, 6, 7, 8,  9};
  std::transform(std::begin(header), std::end(header), packet.begin(),
                 [](std::uint8_t each) { return std::byte{each}; });
  return packet;
}

TEST(lab_too_big, the_sender_is_told_the_mtu_and_which_packet_it_was) {
  const auto packet = tcp_packet();
  const auto answer = fragmentation_needed(packet, 1280);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->size(), 20U + 8 + 20 + 8);
  const byte_view whole{*answer};
  EXPECT_EQ(internet_checksum(whole.first(20)), 0) << "the sum with its own checksum in it";
  EXPECT_EQ(internet_checksum(whole.subspan(20)), 0);
  const auto at = [&](std::size_t i) { return std::to_integer<int>(whole[i]); };
  EXPECT_EQ(at(9), 1);
  EXPECT_EQ(at(15), 2) << "from whom it was for";
  EXPECT_EQ(at(19), 1) << "to its sender";
  EXPECT_EQ(at(20), 3);
  EXPECT_EQ(at(21), 4);
  EXPECT_EQ(at(26) << 8 | at(27), 1280);
  EXPECT_TRUE(std::equal(whole.begin() + 28, whole.end(), packet.begin()));
}

TEST(lab_too_big, what_must_not_be_answered_is_not) {
  const auto with = [](std::size_t at, std::uint8_t value) {
    auto packet = tcp_packet();
    packet[at] = std::byte{value};
    return packet;
  };
  EXPECT_FALSE(fragmentation_needed(with(0, 0x65), 1280)) << "IPv6";
  EXPECT_FALSE(fragmentation_needed(with(0, 0x44), 1280)) << "a header of 16 bytes";
  EXPECT_FALSE(fragmentation_needed(with(6, 0), 1280)) << "may be cut";
  EXPECT_FALSE(fragmentation_needed(with(7, 1), 1280)) << "a fragment behind the first";
  EXPECT_FALSE(fragmentation_needed(with(9, 1), 1280)) << "ICMP";
}

TEST(lab_too_big, a_packet_that_is_cut_off_is_not_answered) {
  const auto packet = tcp_packet();
  for (std::size_t size = 0; size < 28; ++size) EXPECT_FALSE(fragmentation_needed(byte_view{packet}.first(size), 1280));
  EXPECT_TRUE(fragmentation_needed(byte_view{packet}.first(28), 1280));
  auto long_header = packet;
  long_header[0] = std::byte{0x4f};
  EXPECT_FALSE(fragmentation_needed(byte_view{long_header}.first(67), 1280));
  EXPECT_TRUE(fragmentation_needed(byte_view{long_header}.first(68), 1280));
}

TEST(lab_too_big, the_checksum_is_that_of_the_rfc) {
  const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};  // RFC 1071, section 3
  byte_buffer data;
  for (const auto each : bytes) data.push_back(std::byte{each});
  EXPECT_EQ(internet_checksum(data), static_cast<std::uint16_t>(~0xddf2));
}

}  // namespace
}  // namespace flowersec::lab
