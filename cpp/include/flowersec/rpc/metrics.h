// Counts calls for Prometheus.
// Layer rpc, part metrics: nothing else of this layer depends on a metrics library. Source: OBSERVABILITY, "Metrics of
// RPC". Threads: every member may be called from any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "flowersec/rpc/observer.h"

namespace flowersec::rpc {

/// The families named in observer.h. Give it to connections as their `rpc_events`.
class prometheus_observer final : public observer {
 public:
  prometheus_observer();
  ~prometheus_observer() override;
  prometheus_observer(const prometheus_observer&) = delete;
  prometheus_observer& operator=(const prometheus_observer&) = delete;

  void on_server_request(call_result result) noexcept override;
  void on_server_frame_error(frame_direction direction) noexcept override;
  void on_client_frame_error(frame_direction direction) noexcept override;
  void on_client_call(call_result result, std::chrono::nanoseconds elapsed) noexcept override;
  void on_client_notify() noexcept override;

  /// In the text format of Prometheus, sorted by family. Families that have counted nothing are left out, except those
  /// without labels.
  [[nodiscard]] std::string text() const;

 private:
  struct families;
  const std::unique_ptr<families> families_;
};

/// Passes on to an observer that may be changed, or taken away, while calls are under way.
class switchable_observer final : public observer {
 public:
  /// nullptr: nobody.
  void switch_to(std::shared_ptr<observer> to) noexcept {
    const std::scoped_lock lock{mutex_};
    to_.swap(to);
  }

  void on_server_request(call_result result) noexcept override {
    if (const auto to = current()) to->on_server_request(result);
  }
  void on_server_frame_error(frame_direction direction) noexcept override {
    if (const auto to = current()) to->on_server_frame_error(direction);
  }
  void on_client_frame_error(frame_direction direction) noexcept override {
    if (const auto to = current()) to->on_client_frame_error(direction);
  }
  void on_client_call(call_result result, std::chrono::nanoseconds elapsed) noexcept override {
    if (const auto to = current()) to->on_client_call(result, elapsed);
  }
  void on_client_notify() noexcept override {
    if (const auto to = current()) to->on_client_notify();
  }

 private:
  [[nodiscard]] std::shared_ptr<observer> current() const noexcept {
    const std::scoped_lock lock{mutex_};
    return to_;
  }

  mutable std::mutex mutex_;
  std::shared_ptr<observer> to_;
};

}  // namespace flowersec::rpc
