// What a process uses of the machine, for its metrics.
// Layer apps. Reads /proc at each call; any thread. The names are those that Prometheus's own libraries use, so that
// common dashboards know them.
#pragma once

#include <vector>

namespace flowersec::apps {

/// A family with one sample and no labels.
struct process_metric {
  const char* name = "";
  const char* help = "";
  bool counts = false;  ///< a counter; otherwise a gauge
  double value = 0;
};

/// The five families of a process. A number that cannot be read is left out.
[[nodiscard]] std::vector<process_metric> process_metrics();

}  // namespace flowersec::apps
