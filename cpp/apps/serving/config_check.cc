#include "serving/config_check.h"

#include <ostream>

namespace flowersec::apps {

int report_checks(const std::vector<config_check>& checks, const invocation& io) {
  int code = exit_ok;
  for (const auto& check : checks) {
    if (check.wrong) code = exit_usage;
    (check.wrong ? io.err : io.out) << (check.wrong ? "bad  " : "ok   ") << check.what
                                    << (check.wrong ? ": " + *check.wrong : "") << '\n';
  }
  io.out << std::flush;
  io.err << std::flush;
  return code;
}

}  // namespace flowersec::apps
