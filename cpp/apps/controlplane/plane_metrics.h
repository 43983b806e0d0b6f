// What the control plane counts, and its text for Prometheus.
// Layer apps. One thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace flowersec::apps {

class plane_metrics {
 public:
  plane_metrics();
  ~plane_metrics();

  /// One answer. `route` is a word of ours, never a path that a caller made up.
  void answered(std::string_view route, unsigned status);
  /// One artifact asked for by somebody who may: "ok", or the code of the refusal.
  void issued(std::string_view route, std::string_view outcome, std::chrono::nanoseconds took);
  /// One registration: "ok", or why not.
  void registered(std::string_view outcome);
  /// A control connection that ended from our side.
  void dropped(std::string_view reason);

  struct gauges {
    std::size_t connections = 0;  ///< control connections
    std::size_t endpoints = 0;    ///< registered
    std::string kid;              ///< of the signing key
  };
  [[nodiscard]] std::string text(const gauges& present) const;

 private:
  struct families;
  std::unique_ptr<families> families_;
};

}  // namespace flowersec::apps
