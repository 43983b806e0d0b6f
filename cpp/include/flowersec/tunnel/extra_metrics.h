// Numbers that the program around a tunnel wants in the same text as the tunnel's own.
// Layer tunnel. Plain data; how it is measured is the program's affair.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace flowersec::tunnel {

/// A family with one sample. Names and labels are those of Prometheus.
struct extra_metric {
  enum class kind { counter, gauge };
  std::string name;
  std::string help;
  kind type = kind::gauge;
  double value = 0;
  std::vector<std::pair<std::string, std::string>> labels = {};
};

/// Called at each scrape while metrics are enabled, from any thread, perhaps several at once.
using extra_metrics_source = std::function<std::vector<extra_metric>()>;

}  // namespace flowersec::tunnel
