// What a gateway counts, for Prometheus.
// Layer apps. Pure.
#pragma once

#include <vector>

#include "flowersec/ownwire/events.h"
#include "serving/metrics_text.h"

namespace flowersec::apps {

/// One family per count; names start with ownwire_.
[[nodiscard]] std::vector<metric_family> gateway_families(const ownwire::gateway_counts& counts);

}  // namespace flowersec::apps
