// One direction of the relay fed with anything, in pieces chosen by the input: what comes out must be the same as when
// all of it comes at once, and the accounts must be empty at the end of every message.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tunnel/relay_machine.h"

namespace {

using namespace flowersec;
using namespace flowersec::tunnel;

struct outcome {
  byte_buffer output;
  bool ended = false;
};

/// `first_piece` of 0 stands for everything at once.
outcome relay(byte_view input, std::uint8_t first_piece, bool paired) {
  static const tunnel_limits limits = [] {
    tunnel_limits small;
    small.max_record_bytes = 4096;
    small.max_pending_bytes = 1024;
    small.max_pending_frames = 16;
    return small;
  }();
  byte_budget budget{2048};
  relay_machine machine;
  outcome result;
  std::size_t piece = first_piece;
  while (!input.empty() && !result.ended) {
    const auto now = input.first(piece == 0 ? input.size() : std::min(piece, input.size()));
    input = input.subspan(now.size());
    piece = piece == 0 ? 0 : piece * 7 % 253 + 1;
    std::vector<std::byte> block(relay_headroom_bytes + now.size());
    std::copy(now.begin(), now.end(), block.begin() + relay_headroom_bytes);
    const std::byte* in = block.data() + relay_headroom_bytes;
    for (bool more = true; more && !result.ended;) {
      relay_cursor cursor{in, block.data() + block.size(), block.data()};
      const auto stop = machine.run(cursor, {&limits, &budget, &budget, paired});
      in = cursor.in;
      if (cursor.out > in) std::abort();
      append(result.output, {block.data(), cursor.out});
      if (stop == relay_stop::assembled) {
        append(result.output, machine.assembled());
        machine.drop_assembled();
      }
      if (paired) machine.release_output();
      machine.set_charged_bytes(machine.held_bytes());
      result.ended = stop == relay_stop::refused || stop == relay_stop::close;
      more = stop != relay_stop::starved;
    }
  }
  if (paired && !result.ended && !machine.inside_message() && machine.held_bytes() != 0) std::abort();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const byte_view input{reinterpret_cast<const std::byte*>(data) + 2, size - 2};
  const bool paired = (data[1] & 1) != 0;
  const auto whole = relay(input, 0, paired);
  const auto pieces = relay(input, data[0], paired);
  if (whole.ended != pieces.ended || whole.output != pieces.output) std::abort();
  return 0;
}
