// The calling end of an RPC stream: numbers requests, matches responses, passes notifications on.
// Layer rpc, a machine without I/O. The stream hello is not its business: the first byte it sees is an RPC frame.
// Source: PROTOCOL, "RPC calls", "RPC calls", "Malformed envelopes".
// Threads: none of its own; one caller at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "flowersec/base/clock.h"
#include "flowersec/base/json_frame.h"
#include "flowersec/rpc/error.h"
#include "flowersec/rpc/limits.h"
#include "flowersec/rpc/observer.h"
#include "flowersec/rpc/reply.h"

namespace flowersec::rpc {

/// Request id of a call: 1 to 2^53 - 1.
enum class call_id : std::uint64_t {};

/// A call ended: the peer's reply, or why there will be none (an rpc_errc of the stream's end).
struct call_finished {
  call_id id;
  result<reply> outcome;
};
struct notification_received {
  std::uint32_t type_id;
  std::string payload;
};
/// The last event: every pending call was reported before.
struct client_ended {
  rpc_errc why;
};
using client_event = std::variant<call_finished, notification_received, client_ended>;

struct client_options {
  client_limits limits{};
  /// Absent: nobody counts. Must outlive the client.
  observer* metrics = nullptr;
  /// Id of the first call.
  call_id first_id{1};
};

class client {
 public:
  /// Errors   invalid_limits.
  [[nodiscard]] static result<client> create(const client_options& options = {});

  /// Queues one request. `payload` is JSON text, empty for null; it is copied.
  /// Errors   resource_exhausted, ids_exhausted, invalid_payload, frame_too_large, or why the stream ended.
  ///          Nothing is written then.
  [[nodiscard]] result<call_id> call(std::uint32_t type_id, std::string_view payload, mono_time now);

  /// Forgets a pending call; nothing is sent and a late response is dropped. False when it is not pending (any more):
  /// its call_finished was or will be taken. No event follows; the caller knows whether it was rpc_errc::canceled or
  /// timed_out.
  bool abandon(call_id id, mono_time now);

  /// Queues one notification. Errors as call().
  [[nodiscard]] result<void> notify(std::uint32_t type_id, std::string_view payload);

  /// Takes from the front of `input`, advancing it, until an envelope gave an event or nothing is left. Take the
  /// events, then call again while `input` is not empty. After the end input is dropped.
  void receive(byte_view& input, mono_time now);

  /// The peer closed its half: stream_closed between two frames, truncated_frame inside one.
  void end_of_input(mono_time now);

  /// Ends from this side or because the stream is gone. Fails every pending call. Without effect the second time.
  void end(rpc_errc why, mono_time now);

  [[nodiscard]] std::optional<client_event> poll_event();

  /// The next frame to write, whole and before any other. Nothing after the end.
  [[nodiscard]] std::optional<byte_buffer> take_output();

  [[nodiscard]] bool has_output() const noexcept { return !output_.empty(); }
  [[nodiscard]] std::size_t calls_in_flight() const noexcept { return pending_.size(); }
  [[nodiscard]] std::optional<rpc_errc> ended() const noexcept { return ended_; }

 private:
  explicit client(const client_options& options);

  [[nodiscard]] result<void> admit_call() const noexcept;
  [[nodiscard]] result<void> enqueue(std::uint32_t type_id, std::uint64_t request_id, std::string_view payload);
  void on_text(std::string_view text, mono_time now);
  void on_malformed(mono_time now);
  void count_call(call_result result, std::chrono::nanoseconds elapsed) const noexcept;
  void count_read_error() const noexcept;

  client_options options_;
  json_frame_splitter splitter_;
  std::unordered_map<std::uint64_t, mono_time> pending_;  // request id to the time of the call
  std::uint64_t next_id_;
  int malformed_in_a_row_ = 0;
  std::deque<byte_buffer> output_;
  std::size_t output_bytes_ = 0;
  std::deque<client_event> events_;
  std::optional<rpc_errc> ended_;
};

}  // namespace flowersec::rpc
