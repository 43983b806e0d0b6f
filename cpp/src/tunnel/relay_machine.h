// One direction of the relay, without I/O: masked frames in, unmasked frames out, in place, in one pass.
// Layer tunnel. Knows WebSocket frames (RFC 6455, 5) and PROTOCOL, "Tunnel forwarding"; nothing of what the
// payload means beyond the shape of a record header.
//
// The outgoing header is four bytes shorter than the incoming one, so a block is parsed, unmasked and compacted towards
// its own front, and a whole batch of frames leaves in one send. A frame with FIN is cut through: its header goes out
// with the full length before its payload has arrived. A fragmented message is put together first and leaves as one
// frame. Message boundaries never change.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "flowersec/base/bytes.h"
#include "flowersec/tunnel/limits.h"
#include "flowersec/ws/frame.h"
#include "tunnel/byte_budget.h"
#include "tunnel/record_probe.h"

namespace flowersec::tunnel {

/// Room that must be free in front of fresh input. A header of which all but one byte came with the block before is
/// written in front of the payload that follows it. A cache line, so that input begins at one.
inline constexpr std::size_t relay_headroom_bytes = 64;

/// Where the machine reads and writes. Both lie in one block, `out` at least a header ahead of `in`.
struct relay_cursor {
  const std::byte* in = nullptr;
  const std::byte* in_end = nullptr;
  std::byte* out = nullptr;
};

/// What the machine asks before it begins a message.
struct relay_gate {
  const tunnel_limits* limits = nullptr;
  byte_budget* tenant = nullptr;
  byte_budget* total = nullptr;
  bool paired = false;  ///< otherwise everything stays behind, under the pending limits
};

enum class relay_stop : std::uint8_t {
  starved,    ///< all input is used
  flush,      ///< no room for the next message beside the output: hand it out, account for it, call again
  assembled,  ///< a fragmented message is complete in assembled(); it comes after the output
  ping,       ///< control_payload() wants its echo
  close,      ///< the source said goodbye; control_payload() is its close frame
  refused,    ///< refusal() says why; the direction has ended
};

enum class relay_refusal : std::uint8_t {
  bad_framing,       ///< RFC 6455 violated
  message_too_big,   ///< above max_record_bytes, judged at the header
  not_binary,        ///< a text message
  pending_overflow,  ///< unpaired, and too many bytes or messages
  tenant_budget,
  total_budget,
};

class relay_machine {
 public:
  /// Advances through the input until something needs its owner. After `flush`, `assembled` and `ping` the owner acts
  /// and calls again, with the same or other input; `close` and `refused` are final.
  [[nodiscard]] relay_stop run(relay_cursor& cursor, const relay_gate& gate);

  [[nodiscard]] relay_refusal refusal() const noexcept { return refusal_; }
  [[nodiscard]] byte_view control_payload() const noexcept;
  /// The complete reassembled message as one frame, header included. Stays until drop_assembled().
  [[nodiscard]] byte_view assembled() const noexcept { return byte_view{assembly_}.subspan(assembly_begin_); }
  void drop_assembled() noexcept { assembly_ = {}; }

  // Accounting. A message is held from its header until its last byte was handed on.
  [[nodiscard]] std::uint64_t held_bytes() const noexcept { return held_bytes_; }
  [[nodiscard]] std::uint32_t held_messages() const noexcept { return held_messages_; }
  /// What of held_bytes() is already inside the shared budgets.
  [[nodiscard]] std::uint64_t charged_bytes() const noexcept { return charged_bytes_; }
  void set_charged_bytes(std::uint64_t bytes) noexcept { charged_bytes_ = bytes; }
  /// `bytes` of payload in `messages` messages were handed on.
  void release(std::uint64_t bytes, std::uint32_t messages) noexcept {
    held_bytes_ -= bytes;
    held_messages_ -= messages;
  }
  /// All output was handed on. Only a message still arriving stays held. Returns the payload bytes released.
  std::uint64_t release_output() noexcept {
    const auto before = held_bytes_;
    held_bytes_ = frame_bytes_to_come() != 0 ? body_bytes_ : assembling_bytes_;
    held_messages_ = inside_message() ? 1 : 0;
    return before - held_bytes_;
  }

  /// Payload bytes of the cut-through frame in progress that have not arrived.
  [[nodiscard]] std::uint32_t frame_bytes_to_come() const noexcept {
    return phase_ == phase::body && body_ == body::cut_through ? left_ : 0;
  }
  /// Full payload length of that frame.
  [[nodiscard]] std::uint32_t frame_bytes() const noexcept { return body_bytes_; }
  /// Bytes announced so far of a message being reassembled.
  [[nodiscard]] std::uint32_t assembling_bytes() const noexcept { return assembling_bytes_; }
  /// Whether a message is only partly here.
  [[nodiscard]] bool inside_message() const noexcept { return frame_bytes_to_come() != 0 || fragmented_; }
  /// Messages completed; wraps around.
  [[nodiscard]] std::uint32_t messages_completed() const noexcept {
    return messages_begun_ - (inside_message() ? 1 : 0);
  }

  /// Whether a message was completed since the last call.
  [[nodiscard]] bool take_activity() noexcept { return std::exchange(activity_, false); }
  /// Whether a complete message looked like a record. Stays set.
  [[nodiscard]] bool saw_record() const noexcept { return saw_record_; }
  /// The channel knows already; looking costs.
  void stop_looking_for_records() noexcept { looking_ = false; }

 private:
  enum class phase : std::uint8_t { header, admission, body };
  enum class body : std::uint8_t { cut_through, assembling, control };
  struct control_frame {
    std::array<std::byte, ws::max_control_payload_bytes> payload;
    std::uint8_t size = 0;
  };

  /// Whether a header is complete; header_ and header_error_ then tell what it says.
  [[nodiscard]] bool read_header(relay_cursor& cursor) noexcept;
  /// Whether the header obeys RFC 6455 and the limits; otherwise refusal_ is set.
  [[nodiscard]] bool check_header(const relay_gate& gate) noexcept;
  [[nodiscard]] bool refuse(relay_refusal why) noexcept {
    refusal_ = why;
    return false;
  }
  [[nodiscard]] std::optional<relay_stop> admit(const relay_gate& gate) noexcept;
  void begin_body(relay_cursor& cursor);
  void cut_through(relay_cursor& cursor, const relay_gate& gate) noexcept;
  /// Unmasks what is here of the body to `to`; returns how much that was.
  std::size_t move_payload(relay_cursor& cursor, std::byte* to, std::size_t available) noexcept;
  [[nodiscard]] std::size_t here(const relay_cursor& cursor) const noexcept {
    return std::min<std::size_t>(left_, static_cast<std::size_t>(cursor.in_end - cursor.in));
  }
  void finish_message(bool is_record) noexcept;
  [[nodiscard]] bool assemble(relay_cursor& cursor, const relay_gate& gate);
  [[nodiscard]] std::optional<relay_stop> read_control(relay_cursor& cursor);

  phase phase_ = phase::header;
  body body_ = body::cut_through;
  relay_refusal refusal_{};
  bool malformed_ = false;   ///< the header just read
  bool fragmented_ = false;  ///< between the first fragment and the last
  bool activity_ = false;
  bool saw_record_ = false;
  bool looking_ = true;
  std::uint8_t carried_ = 0;
  std::array<std::byte, ws::max_frame_header_bytes> carry_;  ///< a header cut off by the end of a block
  ws::opcode opcode_ = ws::opcode::binary;
  bool fin_ = false;
  ws::mask_key key_{};
  std::uint32_t left_ = 0;
  std::uint32_t body_bytes_ = 0;  ///< payload length of the current frame
  std::uint32_t assembling_bytes_ = 0;
  std::uint32_t held_messages_ = 0;
  std::uint32_t messages_begun_ = 0;
  std::uint64_t announced_ = 0;
  std::uint64_t held_bytes_ = 0;
  std::uint64_t charged_bytes_ = 0;
  record_probe probe_;
  std::unique_ptr<control_frame> control_;
  byte_buffer assembly_;
  std::size_t assembly_begin_ = 0;
};

}  // namespace flowersec::tunnel
