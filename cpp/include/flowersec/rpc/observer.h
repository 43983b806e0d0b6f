// Where an application counts calls. The families are flowersec_rpc_requests_total{result},
// flowersec_rpc_frame_errors_total{direction}, flowersec_rpc_client_frame_errors_total{direction},
// flowersec_rpc_client_calls_total{result}, flowersec_rpc_client_call_latency_seconds,
// flowersec_rpc_client_notify_total. Layer rpc. An interface only: nothing here depends on a metrics library.
#pragma once

#include <chrono>

namespace flowersec::rpc {

enum class call_result { ok, rpc_error, handler_not_found, transport_error, canceled, resource_exhausted };
enum class frame_direction { read, write };

[[nodiscard]] const char* label(call_result result) noexcept;
[[nodiscard]] const char* label(frame_direction direction) noexcept;

/// Every function does nothing by default. Called by whoever drives the machine, on that thread; must not throw and
/// must not call back into the machine. Must outlive the machines it was given to.
class observer {
 public:
  virtual ~observer() = default;

  /// A request was answered, or its answer was thrown away because the stream ended (canceled).
  virtual void on_server_request(call_result) noexcept {}
  virtual void on_server_frame_error(frame_direction) noexcept {}

  virtual void on_client_frame_error(frame_direction) noexcept {}
  /// A call ended. `elapsed` is 0 when it was refused before it was written.
  virtual void on_client_call(call_result, std::chrono::nanoseconds /*elapsed*/) noexcept {}
  /// A notification arrived.
  virtual void on_client_notify() noexcept {}
};

}  // namespace flowersec::rpc
