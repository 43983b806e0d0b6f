// Feeds a session whatever a peer could send, between calls that an application could make. Whatever happens: no crash,
// limits hold, and the end of the session leaves nothing behind. With and without wide windows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "flowersec/yamux/session.h"

namespace {

using namespace flowersec;
using namespace flowersec::yamux;

void require(bool holds) {
  if (!holds) std::abort();
}

class harness {
 public:
  harness(role is, bool wide)
      : limits_(small_limits()),
        wide_(wide),
        max_unread_(limits_.max_session_receive_bytes + (wide ? limits_.wide_window_session_bytes : 0)),
        machine_(*session::create({.is = is, .limits = limits_, .wide_windows = wide})) {}

  /// First byte of a command: low three bits what, high five bits which stream or how much.
  void command(byte_reader& input) {
    const auto code = *input.read<std::uint8_t>();
    const auto argument = static_cast<std::uint32_t>(code >> 3U);
    const stream_id id{argument};
    switch (code & 7U) {
      case 0:
      case 1:
        return feed(input, std::size_t{argument} * argument + 1);
      case 2:
        if (wide_ && argument >= 16) return feed_much(argument - 16);
        (void)machine_.open();
        machine_.advance(now_ += std::chrono::milliseconds{argument});
        return;
      case 3:
        (void)machine_.write(id,
                             byte_view{body_}.first(std::min<std::size_t>(body_.size(), std::size_t{argument} * 3000)));
        return;
      case 4:
        return read(id);
      case 5:
        (void)machine_.close_write(id);
        return;
      case 6:
        (argument % 2 == 0) ? machine_.reset(id) : static_cast<void>(machine_.cancel_writes(id));
        return;
      default:
        drain(std::size_t{argument} * 1000 + header_bytes);
    }
  }

  void finish() {
    machine_.end_of_input();
    drain(1U << 20U);
    require(machine_.ended().has_value() && machine_.active_streams() == 0);
    require(machine_.unread_bytes() == 0 && machine_.receive_memory_bytes() == 0);
    require(!machine_.next_frame(1U << 20U) && !machine_.has_output());
  }

 private:
  static yamux_limits small_limits() {
    return {.max_active_streams = 6,
            .max_inbound_streams = 4,
            .max_session_receive_bytes = 300000,
            .wide_window_session_bytes = 400000};
  }

  void feed(byte_reader& input, std::size_t bytes) {
    const auto piece = *input.take(std::min(bytes, input.size()));
    take(byte_buffer(piece.begin(), piece.end()));
  }

  /// A large Data frame, as windows do not grow without many of them.
  void feed_much(std::uint32_t id) {
    byte_buffer frame = to_buffer(encode_data(stream_id{id}, 65536));
    frame.resize(frame.size() + 65536);
    take(frame);
  }

  void take(const byte_buffer& exact) {
    machine_.receive(exact);
    require(machine_.active_streams() <= limits_.max_active_streams);
    require(machine_.unread_bytes() <= max_unread_);
    require(machine_.receive_memory_bytes() <= machine_.unread_bytes() + limits_.max_active_streams * 32768);
    events();
  }

  void read(stream_id id) {
    if (machine_.read(id, reader_)) (void)machine_.cancel_read(id);
  }

  void drain(std::size_t room) {
    while (const auto frame = machine_.next_frame(room)) {
      require(frame->size() <= room && decode_header(frame->header).has_value());
      room -= frame->size();
    }
    events();
  }

  void events() {
    while (machine_.poll_event()) {
    }
  }

  yamux_limits limits_;
  bool wide_;
  std::size_t max_unread_;
  session machine_;
  mono_time now_{};
  byte_buffer body_ = byte_buffer(90000);
  byte_buffer reader_ = byte_buffer(140000);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  byte_reader input{std::as_bytes(std::span{data, size})};
  const auto first = input.read<std::uint8_t>();
  if (!first) return 0;
  harness run{(*first & 1U) != 0 ? role::server : role::client, (*first & 2U) != 0};
  while (!input.empty()) run.command(input);
  run.finish();
  return 0;
}
