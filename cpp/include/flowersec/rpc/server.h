// The serving end of an RPC stream: admission, order, and what the peer is answered.
// Layer rpc, a machine without I/O. It says which request to start; whoever runs it calls router::dispatch and reports
// back with finish(). The stream hello is not its business: the first byte it sees is an RPC frame.
// Source: PROTOCOL, "RPC server", "Malformed envelopes".
// Threads: none of its own; one caller at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "flowersec/base/json_frame.h"
#include "flowersec/rpc/error.h"
#include "flowersec/rpc/handler.h"
#include "flowersec/rpc/limits.h"
#include "flowersec/rpc/observer.h"
#include "flowersec/rpc/reply.h"

namespace flowersec::rpc {

/// Start a handler: router::dispatch({type_id, payload, stop}, responder{sink, key}).
struct start_request {
  request_key key;
  std::uint32_t type_id;
  std::string payload;
};
/// Start a notification: router::dispatch_notification, with a responder for `key`. The next one follows its finish().
struct start_notification {
  request_key key;
  std::uint32_t type_id;
  std::string payload;
};
/// The last event. Ask running handlers to stop; their results will be thrown away.
struct server_ended {
  rpc_errc why;
};
using server_event = std::variant<start_request, start_notification, server_ended>;

struct server_options {
  server_limits limits{};
  /// Absent: nobody counts. Must outlive the server.
  observer* metrics = nullptr;
};

class server {
 public:
  /// Errors   invalid_limits.
  [[nodiscard]] static result<server> create(const server_options& options = {});

  /// Takes from the front of `input`, advancing it, until an envelope gave an event or nothing is left. Take the
  /// events, then call again while `input` is not empty. After the end input is dropped.
  void receive(byte_view& input);

  /// The peer closed its half: stream_closed between two frames, truncated_frame inside one.
  void end_of_input();

  /// Ends from this side or because the stream is gone. Without effect the second time.
  void end(rpc_errc why);

  [[nodiscard]] std::optional<server_event> poll_event();

  /// A handler has answered. Responses leave in the order of these calls. An answer that is not valid JSON or too large
  /// for a frame becomes 500 `internal error`. Unknown keys, second answers and answers after the end are dropped.
  void finish(request_key key, reply answer);

  /// Queues a notification to the peer. `payload` is JSON text, empty for null; it is copied.
  /// Errors   resource_exhausted, invalid_payload, frame_too_large, or why the stream ended. Nothing is written then.
  [[nodiscard]] result<void> notify(std::uint32_t type_id, std::string_view payload);

  /// The next frame to write, whole and before any other. Nothing after the end. Taking a response frees its slot, so
  /// events may follow.
  [[nodiscard]] std::optional<byte_buffer> take_output();

  [[nodiscard]] bool has_output() const noexcept { return !output_.empty() || !refusals_.empty(); }
  /// Requests admitted whose responses were not taken yet.
  [[nodiscard]] std::size_t admitted_requests() const noexcept {
    return running_.size() + unwritten_responses_ + queued_.size();
  }
  [[nodiscard]] std::optional<rpc_errc> ended() const noexcept { return ended_; }

 private:
  struct waiting {
    std::uint32_t type_id;
    std::uint64_t request_id;  // 0 for a notification
    std::string payload;
  };
  struct running_request {
    std::uint32_t type_id;
    std::uint64_t request_id;
    std::size_t payload_bytes;
  };
  struct running_notification {
    request_key key;
    std::size_t payload_bytes;
  };
  struct refusal {
    std::uint32_t type_id;
    std::uint64_t request_id;
  };
  struct outgoing {
    byte_buffer frame;
    bool is_response;
  };

  explicit server(const server_options& options);

  void on_text(std::string_view text);
  void on_malformed();
  void on_request(waiting call);
  void on_notification(waiting call);
  void refuse(const waiting& call);
  [[nodiscard]] bool has_room_for(const waiting& call) const noexcept;
  void start_queued();
  void start_next_notification();
  [[nodiscard]] byte_buffer encode_response(const running_request& call, reply answer) const;
  [[nodiscard]] static byte_buffer encode_error(std::uint32_t type_id, std::uint64_t request_id, const reply& answer);
  void count_request(call_result result) const noexcept;
  void count_error(frame_direction direction) const noexcept;

  server_options options_;
  json_frame_splitter splitter_;
  std::deque<waiting> queued_;
  std::deque<waiting> queued_notifications_;
  std::unordered_map<std::uint64_t, running_request> running_;
  std::optional<running_notification> running_notification_;
  std::size_t unwritten_responses_ = 0;  // in output_
  std::size_t held_payload_bytes_ = 0;
  std::uint64_t next_key_ = 1;
  int malformed_in_a_row_ = 0;
  std::deque<refusal> refusals_;
  std::deque<outgoing> output_;
  std::size_t notification_bytes_ = 0;  // in output_
  std::deque<server_event> events_;
  std::optional<rpc_errc> ended_;
};

}  // namespace flowersec::rpc
