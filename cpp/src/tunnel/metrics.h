// What the tunnel counts, and its text for Prometheus.
// Layer tunnel. Off until enabled; a set is fresh each time. Nothing here is called per message.
// Any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "flowersec/tunnel/extra_metrics.h"
#include "flowersec/tunnel/reasons.h"

namespace flowersec::tunnel {

/// Present values, asked for at each scrape.
struct metrics_gauges {
  std::size_t connections = 0;
  std::size_t channels = 0;
  std::uint64_t queued_bytes = 0;
  std::vector<std::pair<std::string, std::uint64_t>> tenant_queued_bytes;
};

class metrics {
 public:
  metrics();
  ~metrics();

  void enable();
  void disable();
  [[nodiscard]] bool enabled() const;
  /// With `extra` sorted in among the tunnel's families. nullopt while disabled.
  [[nodiscard]] std::optional<std::string> text(const metrics_gauges& gauges,
                                                const std::vector<extra_metric>& extra = {}) const;

  void attach_ok() { attached(attach_reason::ok); }
  void attach_refused(attach_reason reason) { attached(reason); }
  void replaced(bool ok);
  void closed(close_reason reason);
  void paired(std::chrono::nanoseconds since_first_attach);
  void record_seen();
  void exhausted(const std::string& tenant, budget_limit limit);

 private:
  struct set;
  void attached(attach_reason reason);
  [[nodiscard]] std::shared_ptr<set> current() const;

  mutable std::mutex mutex_;
  std::shared_ptr<set> set_;
};

}  // namespace flowersec::tunnel
