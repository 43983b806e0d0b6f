#include "flowersec/record/frame.h"

#include "flowersec/record/errc.h"

namespace flowersec::record {
namespace {

constexpr std::uint32_t magic = 0x46534543;  // "FSEC"

constexpr std::size_t version_at = 4;
constexpr std::size_t flags_at = 5;
constexpr std::size_t sequence_at = 6;
constexpr std::size_t length_at = 14;

}  // namespace

void encode_header(const record_header& header, std::span<std::byte, header_bytes> into) noexcept {
  store_be(into.data(), magic);
  store_be(into.data() + version_at, frame_version);
  store_be(into.data() + flags_at, static_cast<std::uint8_t>(header.kind));
  store_be(into.data() + sequence_at, header.sequence);
  store_be(into.data() + length_at, header.ciphertext_bytes);
}

result<record_header> check_frame(byte_view frame, std::uint64_t expected_sequence,
                                  std::size_t max_record_bytes) noexcept {
  if (frame.size() > max_record_bytes) return record_errc::too_large;
  if (frame.size() < header_bytes) return record_errc::too_short;
  const auto* at = frame.data();
  if (load_be<std::uint32_t>(at) != magic) return record_errc::bad_magic;
  if (load_be<std::uint8_t>(at + version_at) != frame_version) return record_errc::bad_version;

  const auto flags = load_be<std::uint8_t>(at + flags_at);
  if (flags > static_cast<std::uint8_t>(record_kind::rekey)) return record_errc::bad_flags;
  const auto sequence = load_be<std::uint64_t>(at + sequence_at);
  if (sequence != expected_sequence) return record_errc::bad_sequence;
  const auto length = load_be<std::uint32_t>(at + length_at);
  if (frame.size() - header_bytes != length) return record_errc::size_mismatch;

  return record_header{static_cast<record_kind>(flags), sequence, length};
}

}  // namespace flowersec::record
