// Any bytes in any chunking: the reader ends or goes on, within its memory, and the chunking does not change a thing.
#include "flowersec/ws/message_reader.h"

#include <cstdlib>
#include <string>

using namespace flowersec;

namespace {

constexpr ws::reader_limits limits{.max_message_bytes = 5000, .max_block_bytes = 4096};

/// Everything the reader says, as one text.
std::string read_all(byte_view bytes, ws::role own, std::size_t chunk) {
  ws::message_reader reader{own, limits};
  std::string said;
  while (true) {
    const auto event = reader.next();
    if (const auto* message = std::get_if<ws::message_reader::message>(&event)) {
      if (message->payload.size() > limits.max_message_bytes) std::abort();
      said.append(message->kind == ws::message_kind::text ? "t" : "b").append(as_text(message->payload));
    } else if (const auto* control = std::get_if<ws::message_reader::control>(&event)) {
      said.append("c").append(as_text(control->payload));
    } else if (const auto* error = std::get_if<ws::ws_errc>(&event)) {
      return said.append(ws::describe(*error));
    } else {
      if (bytes.empty()) return said;
      const auto room = reader.prepare();
      const auto taken = std::min({chunk, room.size(), bytes.size()});
      std::copy_n(bytes.begin(), taken, room.begin());
      reader.commit(taken);
      bytes = bytes.subspan(taken);
      if (reader.held_bytes() > 4 * limits.max_message_bytes) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto own = (data[0] & 1) != 0 ? ws::role::client : ws::role::server;
  const std::size_t chunk = 1 + (data[0] >> 1);
  const byte_view bytes = std::as_bytes(std::span{data + 1, size - 1});
  if (read_all(bytes, own, chunk) != read_all(bytes, own, size)) std::abort();
  return 0;
}
