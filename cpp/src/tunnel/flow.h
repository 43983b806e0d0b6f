// One direction of a channel with its memory: the machine, what waits for the destination, and what was charged.
// Layer tunnel. Owns at most one receive block, and that only while something waits. No timers of its own: it keeps
// the arithmetic of the write time-out and is told the time. Belongs to one I/O thread.
#pragma once

#include <optional>

#include "flowersec/base/clock.h"
#include "tunnel/block_pool.h"
#include "tunnel/link.h"
#include "tunnel/output_ledger.h"
#include "tunnel/relay_machine.h"

namespace flowersec::tunnel {

/// A ping's answer or a farewell, waiting to go to an endpoint between two frames.
struct control_out {
  std::array<std::byte, 2 + ws::max_control_payload_bytes> frame;
  std::uint8_t size = 0;
  std::uint8_t sent = 0;
  bool farewell = false;
  bool committed = false;             ///< none of it is sent, but the link has begun to work on it
  std::optional<mono_time> deadline;  ///< of a farewell

  [[nodiscard]] bool begun() const noexcept { return sent != 0 || committed; }
  [[nodiscard]] byte_view rest() const noexcept { return byte_view{frame}.subspan(sent, std::size_t{size} - sent); }
};
/// Makes it a whole frame of which nothing is sent.
void fill_control(control_out& control, ws::opcode op, byte_view payload) noexcept;
[[nodiscard]] std::unique_ptr<control_out> make_control(ws::opcode op, byte_view payload);

/// What a flow needs of the endpoint it sends to.
struct flow_sink {
  link* pipe = nullptr;
  bool writable = true;                  ///< no pause was seen since the last readiness
  std::unique_ptr<control_out> control;  ///< goes out at the next boundary
  std::unique_ptr<control_out> next;     ///< behind one that has begun
  std::size_t committed = 0;             ///< output bytes that the next write must begin with
  bool said_farewell = false;            ///< a farewell went out; nothing may follow it
};

enum class handing : std::uint8_t { done, paused, failed };

/// Sends the control frame, which stands at a boundary.
[[nodiscard]] handing send_control(flow_sink& sink);

class flow {
 public:
  relay_machine machine;

  [[nodiscard]] bool has_output() const noexcept {
    return pending_sent_ != pending_.size() || out_ != out_end_ || assembled_ready_;
  }
  [[nodiscard]] bool has_input() const noexcept { return in_ != in_end_; }
  [[nodiscard]] bool owns_block() const noexcept { return block_ != nullptr; }
  [[nodiscard]] bool block_in_use() const noexcept { return in_ != in_end_ || out_ != out_end_; }
  [[nodiscard]] bool at_boundary() const noexcept { return ledger_.at_boundary(); }
  [[nodiscard]] std::uint64_t bytes_delivered() const noexcept { return bytes_delivered_; }

  /// Borrows the thread's working block for one turn.
  void borrow(block_ptr& working) noexcept {
    block_ = std::move(working);
    stagger_ = static_cast<std::uint16_t>((stagger_ + cache_line_bytes) % block_stagger_bytes);
  }
  /// Room for the next read; only while there is neither input nor output.
  [[nodiscard]] mutable_byte_view input_room() noexcept {
    return {block_begin() + relay_headroom_bytes, block_input_bytes};
  }
  void add_input(std::size_t bytes) noexcept {
    in_ = block_begin() + relay_headroom_bytes;
    in_end_ = in_ + bytes;
  }
  [[nodiscard]] block_ptr give_block() noexcept { return std::move(block_); }

  /// Runs the machine over the input, behind no output.
  [[nodiscard]] relay_stop digest(const relay_gate& gate);
  void drop_input() noexcept { in_ = in_end_; }

  /// Hands the output to the sink, with the sink's control frame at the first boundary.
  [[nodiscard]] handing hand_to(flow_sink& sink);
  /// Keeps the output for a peer that is not there yet.
  void keep_pending();
  /// Brings the shared budgets up to date with what stays behind. `all_handed`: the output is gone.
  void settle_charges(const relay_gate& gate, bool all_handed) noexcept;
  void release_charges(byte_budget& tenant, byte_budget& total) noexcept;

  /// The destination took nothing more at `now`. Returns when that has lasted too long, counted over all the times in
  /// which the same frame waited.
  [[nodiscard]] std::optional<mono_time> stall(mono_time now,
                                               std::optional<std::chrono::milliseconds> timeout) noexcept;
  void unstall(mono_time now) noexcept;
  [[nodiscard]] bool stalled() const noexcept { return stalled_since_.has_value(); }

 private:
  [[nodiscard]] byte_view front_output() const noexcept;
  void took(byte_view front, std::size_t bytes) noexcept;
  [[nodiscard]] std::byte* block_begin() const noexcept { return block_->bytes + stagger_; }

  block_ptr block_;
  std::byte* in_ = nullptr;
  std::byte* in_end_ = nullptr;
  std::byte* out_ = nullptr;
  std::byte* out_end_ = nullptr;
  byte_buffer pending_;
  std::size_t pending_sent_ = 0;
  std::size_t assembled_sent_ = 0;
  bool assembled_ready_ = false;
  std::uint16_t stagger_ = 0;  ///< where in the block this turn's input begins
  output_ledger ledger_;
  std::uint64_t bytes_delivered_ = 0;
  std::optional<mono_time> stalled_since_;
  mono_time::duration waited_{};
  std::uint32_t waiting_frame_ = 0;
};

}  // namespace flowersec::tunnel
