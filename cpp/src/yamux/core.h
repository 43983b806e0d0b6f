// The state behind yamux::session and the rules that change it.
// Layer yamux, private. Split by direction: core_input.cc (frames in), core_output.cc (frames out),
// core_streams.cc (the application's calls, events, and how streams end).
#pragma once

#include <array>
#include <memory>
#include <unordered_map>
#include <vector>

#include "flowersec/yamux/session.h"
#include "reply_queue.h"
#include "stream_state.h"

namespace flowersec::yamux {

class session::core {
 public:
  explicit core(const session_options& options) noexcept;
  ~core();

  // Input (core_input.cc).
  void receive(byte_view bytes);
  void end_of_input();
  void end(yamux_errc why);
  void advance(mono_time now) noexcept { now_ = now; }

  // Output (core_output.cc).
  [[nodiscard]] std::optional<outgoing_frame> next_frame(std::size_t max_bytes);
  [[nodiscard]] bool has_output() const noexcept;

  // The application (core_streams.cc).
  [[nodiscard]] std::optional<event> poll_event();
  [[nodiscard]] result<stream_id> open();
  [[nodiscard]] result<std::optional<std::size_t>> read(stream_id id, mutable_byte_view into);
  [[nodiscard]] std::size_t cancel_read(stream_id id) noexcept;
  [[nodiscard]] result<void> write(stream_id id, byte_view body);
  [[nodiscard]] std::size_t cancel_writes(stream_id id) noexcept;
  [[nodiscard]] result<void> close_write(stream_id id);
  void reset(stream_id id);
  [[nodiscard]] result<std::uint32_t> probe();

  [[nodiscard]] std::optional<yamux_errc> ended() const noexcept { return ended_; }
  [[nodiscard]] std::size_t active_streams() const noexcept { return active_; }
  [[nodiscard]] std::size_t unread_bytes() const noexcept { return unread_bytes_; }
  [[nodiscard]] std::size_t receive_memory_bytes() const noexcept;
  [[nodiscard]] std::size_t queued_write_bytes(stream_id id) const noexcept;
  [[nodiscard]] std::size_t queued_write_bytes() const noexcept { return queued_write_bytes_; }

 private:
  // Frames in.
  void on_header(std::span<const std::byte, header_bytes> bytes);
  void on_frame(const data_frame& frame);
  void on_frame(const window_update_frame& frame);
  void on_frame(const ping_frame& frame);
  void on_frame(const go_away_frame& frame);
  void on_body(byte_view slice);
  void on_body_end();
  [[nodiscard]] stream_state* stream_of(stream_id id, stream_flags flags);
  [[nodiscard]] stream_state* accept(stream_id id);
  [[nodiscard]] stream_state* refuse(stream_id id, refusal why);
  void deliver(stream_state& stream, byte_view slice);
  void on_fin(stream_state& stream);
  [[nodiscard]] bool opened_by_peer(stream_id id) const noexcept;

  // Frames out.
  [[nodiscard]] encoded_header next_control(stream_state& stream);
  [[nodiscard]] outgoing_frame next_data(stream_state& stream, std::size_t max_body);

  // Streams.
  [[nodiscard]] stream_state* find(stream_id id) const noexcept;
  [[nodiscard]] result<stream_state*> find_open(stream_id id) const noexcept;
  stream_state& add(stream_id id, bool inbound);
  void give_up_id(stream_id id);
  void fail(stream_state& stream, yamux_errc why, bool tell_peer);
  std::size_t drop_writes(stream_state& stream) noexcept;
  void finish_if_done(stream_state& stream);
  void on_consumed(stream_state& stream, std::size_t bytes);
  void ask_peer(bool for_application);
  [[nodiscard]] event take_event(stream_state& stream);
  [[nodiscard]] std::optional<streams_refused> take_refusals() noexcept;
  /// Puts the stream into the lists it belongs to, out of the others, and removes it when nothing keeps it.
  void settle(stream_state& stream);

  const yamux_limits limits_;
  const role role_;
  const std::size_t max_unread_bytes_;
  std::uint64_t next_id_;  // one past 2^32 means exhausted

  std::unordered_map<std::uint32_t, std::unique_ptr<stream_state>> streams_;
  /// Over, but not all of it said and reported, and their id is another stream's already. Bounded by the streams that
  /// count, and by those that the runner had heard of.
  std::vector<std::unique_ptr<stream_state>> departed_;
  std::size_t active_ = 0;
  std::size_t inbound_ = 0;
  std::size_t unread_bytes_ = 0;
  std::size_t queued_write_bytes_ = 0;
  window_pool windows_;
  mono_time now_{};

  // Where input stands: inside a header, or inside a body for body_target_ (nullptr: discarded).
  encoded_header partial_header_{};
  std::size_t partial_header_used_ = 0;
  std::size_t body_left_ = 0;
  bool body_ends_stream_ = false;
  stream_state* body_target_ = nullptr;

  reply_queue replies_;
  std::array<std::size_t, 3> refused_{};  // by refusal, not reported yet
  stream_list<control_tag> control_;
  stream_list<data_tag> data_;
  stream_list<event_tag> events_;

  std::uint32_t last_probe_ = 0;  // probes count from 1
  bool probe_due_ = false;
  bool probe_outstanding_ = false;
  bool probe_wanted_ = false;  // by the application, not by the windows alone
  mono_time probe_asked_{};
  std::optional<std::uint32_t> probe_answered_;

  std::optional<yamux_errc> ended_;
  bool end_reported_ = false;
};

}  // namespace flowersec::yamux
