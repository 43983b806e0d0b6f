// Arbitrary messages at a receiving direction: forged headers, real records cut or changed, rekeys in between.
// Whatever arrives, the opener refuses it or hands out a plaintext inside the message, and never recovers from a
// refusal.
#include <cstdint>
#include <cstdlib>

#include "flowersec/record/opener.h"
#include "flowersec/record/sealer.h"

namespace {

using namespace flowersec;
using namespace flowersec::record;

constexpr std::size_t small_record = 256;

direction_keys fixed_keys() {
  direction_keys keys{
      .way = direction::client_to_server, .key = {}, .prefix = {}, .rekey_base = {}, .transcript_hash = {}};
  keys.key.mutable_view()[0] = std::byte{1};
  keys.rekey_base.mutable_view()[0] = std::byte{2};
  return keys;
}

void require(bool holds) {
  if (!holds) std::abort();
}

/// The next genuine record of a kind chosen by the input.
byte_buffer genuine(sealer& out, std::uint8_t choice) {
  byte_buffer frame(small_record);
  const std::array<std::byte, 32> text{};
  const auto size = choice % 3 == 0   ? out.seal_app(byte_view{text}.first(1 + choice % 32), frame)
                    : choice % 3 == 1 ? out.seal_ping(frame)
                                      : out.seal_rekey(frame);
  frame.resize(size.value());
  return frame;
}

void deliver(opener& in, byte_buffer frame, bool must_open) {
  const bool was_open = in.is_open();
  const auto opened = in.open(frame);
  require(opened.has_value() == in.is_open());
  require(!opened || was_open);
  require(!must_open || !was_open || opened);
  if (!opened) return;
  const auto* data = opened->plaintext.data();
  require(data >= frame.data() && data + opened->plaintext.size() <= frame.data() + frame.size());
}

}  // namespace

// Input: a list of steps. Each begins with a byte that chooses between a genuine record (then 1 byte for its kind), a
// genuine record with one byte changed (then kind, place and mask) and a raw message (then its length and its bytes).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const record_limits limits{.max_record_bytes = small_record, .outbound_record_chunk_bytes = 64};
  sealer out{fixed_keys(), limits};
  opener in{fixed_keys(), limits};
  byte_reader input{std::as_bytes(std::span{data, size})};
  while (const auto step = input.read<std::uint8_t>()) {
    const auto argument = input.read<std::uint8_t>().value_or(0);
    if (*step % 3 == 0) {
      deliver(in, genuine(out, argument), true);
    } else if (*step % 3 == 1) {
      auto frame = genuine(out, argument);
      const auto place = input.read<std::uint8_t>().value_or(0) % frame.size();
      const auto mask = input.read<std::uint8_t>().value_or(1);
      frame[place] ^= std::byte{mask};
      deliver(in, std::move(frame), mask == 0);
      require(mask == 0 || !in.is_open());
    } else {
      const auto length = std::min<std::size_t>(argument * 2U, input.size());
      deliver(in, to_buffer(*input.take(length)), false);
    }
  }
  return 0;
}
