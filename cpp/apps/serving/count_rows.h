// The counts of a service, a struct of numbers, as metric families.
// Layer apps. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "serving/metrics_text.h"

namespace flowersec::apps {

enum class count_kind : std::uint8_t {
  now,          ///< a gauge
  since_start,  ///< a counter
};

template <class Counts>
struct count_row {
  std::uint64_t Counts::*value;
  const char* name;
  const char* help;
  count_kind kind;
};

template <class Counts>
std::vector<metric_family> families_of(std::span<const count_row<Counts>> rows, const Counts& present) {
  std::vector<metric_family> families;
  for (const auto& row : rows) {
    families.push_back({.name = row.name,
                        .help = row.help,
                        .counts = row.kind == count_kind::since_start,
                        .samples = {{static_cast<double>(present.*row.value), {}}}});
  }
  return families;
}

}  // namespace flowersec::apps
