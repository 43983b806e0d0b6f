#include "tunneld/way_down.h"

#include <string>

#include "serving/log.h"

namespace flowersec::apps {

void way_down::on_signal() {
  if (draining_ || drain_timeout_.count() == 0) return context_.stop();
  draining_ = true;
  const auto longest = std::chrono::ceil<std::chrono::milliseconds>(drain_timeout_);
  log_line("draining: " + std::to_string(server_.channels()) + " channels may go on for at most " +
           std::to_string(longest.count()) + " ms; a second signal ends them now");
  server_.begin_drain(longest, [&context = context_] { context.stop(); });
}

}  // namespace flowersec::apps
