// What an edge counts, for Prometheus.
// Layer apps. Pure.
#pragma once

#include <vector>

#include "flowersec/ownwire/edge.h"
#include "serving/metrics_text.h"

namespace flowersec::apps {

/// One family per count; names start with ownwire_edge_.
[[nodiscard]] std::vector<metric_family> edge_families(const ownwire::edge_counts& counts);

}  // namespace flowersec::apps
