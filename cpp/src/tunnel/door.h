// A WebSocket connection that has not attached yet: reads its first message and walks it through the checks.
// Layer tunnel. PROTOCOL, "Tunnel attach". What arrives behind the attach message is kept for the relay.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "tunnel/attach_machine.h"
#include "tunnel/connection.h"
#include "tunnel/early_frames.h"
#include "tunnel/flow.h"
#include "tunnel/shard.h"

namespace flowersec::tunnel {

class door final : public connection {
 public:
  door(shard& home, link_ptr pipe, connection_ticket ticket, std::string origin, std::string remote_addr);
  ~door() override;

  /// `early` was received behind the upgrade request.
  void open(byte_view early);

  void on_ready(readiness ready) override;
  void on_deadline() override;
  void on_drain() override {
    refuse_with(attach_reason::canceled, make_close_frame(draining_close_code, draining_close_reason));
  }
  void on_shutdown() override {}

 private:
  /// What one connection may send while a policy or a replay store makes up its mind.
  static constexpr std::size_t max_early_bytes = 64 * 1024;
  static constexpr std::size_t read_bytes = 16 * 1024;
  /// A read may bring thousands of pings, each of which wants a write; this many events end the turn.
  static constexpr int most_events_per_turn = 64;

  /// Lets an answer from elsewhere find this connection, if it is still there.
  struct doorbell {
    door* owner;
  };

  void advance();
  [[nodiscard]] bool read_messages();
  void on_message(const ws::message_reader::message& message);
  void on_control(const ws::message_reader::control& control);
  void on_violation(ws::ws_errc error);
  void read_early();
  void keep_reading_early();
  void proceed(attach_step step);
  void ask_policy();
  void ask_replay();
  void hand_over();
  void refuse(attach_reason why);
  void refuse_with(attach_reason counted, byte_buffer farewell);
  [[nodiscard]] link_ptr leave();

  connection_ticket ticket_;
  std::string origin_;
  std::string remote_addr_;
  ws::message_reader reader_;
  attach_machine machine_;
  flow_sink outbound_;
  byte_buffer early_;
  goodbye_finder goodbyes_;
  std::shared_ptr<doorbell> bell_;
  std::stop_source policy_call_{std::nostopstate};
  bool has_message_ = false;
  bool waits_for_policy_ = false;
};

}  // namespace flowersec::tunnel
