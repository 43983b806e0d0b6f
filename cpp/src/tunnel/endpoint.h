// One attached connection: reads its messages into its channel, and writes what the channel has for it.
// Layer tunnel. PROTOCOL, "Tunnel forwarding". Turns the machine's stops into sends, waits and endings.
#pragma once

#include <optional>

#include "tunnel/connection.h"
#include "tunnel/flow.h"
#include "tunnel/shard.h"

namespace flowersec::tunnel {

class endpoint final : public connection {
 public:
  endpoint(shard& home, link_ptr pipe, connection_ticket ticket, endpoint_role role);
  ~endpoint() override;

  /// Joins the channel it was admitted to. `early` came behind the attach message.
  void enter(channel& room, byte_view early);
  /// The other role is there: what was kept for it goes out.
  void peer_arrived();
  /// Gives up the link and every claim on memory, and retires.
  [[nodiscard]] link_ptr leave();

  [[nodiscard]] const flow& inbound() const noexcept { return inbound_; }
  [[nodiscard]] bool reading_ended() const noexcept { return reading_ended_; }
  /// More has arrived than the peer would take.
  [[nodiscard]] bool waits_for_peer() const noexcept { return inbound_.has_input() || may_read_; }

  void on_ready(readiness ready) override;
  void on_turn() override;
  void on_deadline() override;
  void on_drain() override;
  void on_shutdown() override {}

 private:
  /// How long a farewell waits for the end of a frame on its way to the same peer.
  static constexpr std::chrono::seconds farewell_patience{2};

  [[nodiscard]] endpoint* peer() const noexcept;
  [[nodiscard]] relay_gate gate() const noexcept;
  void drive();
  void read_more();
  [[nodiscard]] bool left_while_stalled();
  [[nodiscard]] bool wants_input() const noexcept;
  [[nodiscard]] bool deliver();
  void digest();
  void note_progress();
  void settle_block();
  void release_block() noexcept;

  void note_ping();
  void say_farewell(byte_buffer frame_payload);
  [[nodiscard]] bool farewell_waits() const noexcept;
  void flush_control();

  void end_reading(close_reason reason);
  void on_refused(relay_refusal why);
  void end_now(close_reason reason);
  void advance_ending();
  void peer_failed();
  void set_timer();

  flow inbound_;
  flow_sink outbound_;
  channel* room_ = nullptr;
  connection_ticket ticket_;
  std::optional<mono_time> stall_deadline_;
  std::optional<mono_time> drain_deadline_;
  const endpoint_role role_;
  bool may_read_ = true;
  bool source_ended_ = false;  ///< nothing more comes
  bool reading_ended_ = false;
  bool block_is_counted_ = false;
  bool driving_ = false;
  bool pong_is_due_ = false;  ///< to a ping that this turn has read
};

}  // namespace flowersec::tunnel
