// What a registry counts, for Prometheus.
// Layer apps. Pure.
#pragma once

#include <vector>

#include "flowersec/rendezvous/registry_events.h"
#include "serving/metrics_text.h"

namespace flowersec::apps {

/// Names start with flowersec_registry_.
[[nodiscard]] std::vector<metric_family> registry_families(const rendezvous::registry_counts& counts);

}  // namespace flowersec::apps
