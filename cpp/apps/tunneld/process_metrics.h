// What --process-metrics adds: which build this is, and what the process uses of the machine.
// Layer apps. Reads /proc at each call; any thread. The names of the process's families are those that Prometheus's own
// libraries use, so that common dashboards know them.
#pragma once

#include <vector>

#include "cli/version.h"
#include "flowersec/tunnel/extra_metrics.h"

namespace flowersec::apps {

/// flowersec_tunnel_build_info and five process families. A number that cannot be read is left out.
[[nodiscard]] std::vector<tunnel::extra_metric> process_metrics(const version_info& build);

}  // namespace flowersec::apps
