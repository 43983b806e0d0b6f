// Metrics as text for Prometheus, for programs that must run where none of its libraries is installed.
// Layer apps. Pure. Source: Prometheus, text-based exposition format 0.0.4.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace flowersec::apps {

inline constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

struct metric_sample {
  double value = 0;
  std::vector<std::pair<std::string, std::string>> labels{};
};

struct metric_family {
  std::string name;
  std::string help;
  bool counts = false;  ///< a counter; otherwise a gauge
  std::vector<metric_sample> samples;
};

/// Sorted by name; families without samples are left out.
[[nodiscard]] std::string metrics_text(std::vector<metric_family> families);

}  // namespace flowersec::apps
