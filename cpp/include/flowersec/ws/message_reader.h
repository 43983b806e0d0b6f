// Turns received bytes into messages and control frames.
// Layer ws, no I/O: the runner receives into prepare() and asks next(). Owns the receive buffer, which is empty
// while nothing is under way. Source: RFC 6455 sections 5.4 to 5.6; PROTOCOL, "Message sizes".
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "flowersec/base/bytes.h"
#include "flowersec/ws/frame.h"
#include "flowersec/ws/receive_buffer.h"

namespace flowersec::ws {

enum class message_kind : std::uint8_t { text, binary };

struct reader_limits {
  /// Largest message, the sum of its fragments; this many bytes pass, one more does not. Checked at the frame
  /// header, before the kind of message is. A peer can make us hold three times this while a fragmented message is put
  /// together.
  std::uint64_t max_message_bytes = 1048576;
  /// Largest receive block when messages are small. A peer that sends fast makes us hold this much.
  std::size_t max_block_bytes = 128 * 1024;

  [[nodiscard]] bool validate() const noexcept {
    return max_message_bytes >= 1 && max_message_bytes <= 0x4000'0000 && max_block_bytes >= 4096 &&
           max_block_bytes <= 0x4000'0000;
  }
};

class message_reader {
 public:
  /// `own` is the role of this side: the reader of a server wants masked frames.
  message_reader(role own, reader_limits limits) noexcept;

  struct need_more {};
  /// A whole message. `payload` may be changed in place and is valid until the next call of next() or prepare().
  struct message {
    message_kind kind;
    mutable_byte_view payload;
  };
  /// Ping, pong or close; `payload` is unmasked, at most 125 bytes, valid as above.
  struct control {
    opcode op;
    byte_view payload;
  };
  using event = std::variant<need_more, message, control, ws_errc>;

  /// The next thing in the received bytes. A ws_errc is final: every later call returns it again.
  /// An unfragmented message is handed out where it was received, without a copy.
  /// Text is not checked for UTF-8: nothing in the protocol reads it before a JSON reader has.
  [[nodiscard]] event next();

  /// Another max_message_bytes from here on; no fragmented message may be under way that is longer already.
  void limit_messages(std::uint64_t max_message_bytes) noexcept { limits_.max_message_bytes = max_message_bytes; }

  /// Room to receive into, at least one byte. Invalidates views handed out.
  [[nodiscard]] mutable_byte_view prepare();
  /// `bytes` of the room of the last prepare() were filled.
  void commit(std::size_t bytes) noexcept { input_.commit(bytes); }

  /// Moves out the bytes received behind the last event, for a successor that goes on in its own way. This reader is
  /// good for nothing but destruction afterwards. Invalidates views handed out.
  [[nodiscard]] byte_buffer take_rest();

  /// Bytes received and not yet handed out.
  [[nodiscard]] std::size_t buffered_bytes() const noexcept { return input_.size(); }
  /// Gives memory back when nothing is under way. Invalidates views handed out.
  void release_if_idle() noexcept;
  /// Memory held now: receive buffer and partial message.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return input_.capacity() + partial_.capacity(); }

 private:
  [[nodiscard]] std::optional<ws_errc> check(const frame_header& header) const noexcept;
  [[nodiscard]] event take_frame();
  [[nodiscard]] event finish_fragments();
  [[nodiscard]] event fail(ws_errc error) noexcept;
  void recycle() noexcept;

  role own_;
  reader_limits limits_;
  receive_buffer input_;
  std::size_t handed_out_ = 0;         ///< front of input_ that the last event still points into
  std::optional<frame_header> frame_;  ///< header decoded and consumed, payload not complete
  std::optional<message_kind> open_;   ///< kind of the fragmented message under way
  byte_buffer partial_;                ///< its fragments so far
  bool partial_done_ = false;          ///< partial_ was handed out whole and is free again
  std::optional<ws_errc> failed_;
};

}  // namespace flowersec::ws
