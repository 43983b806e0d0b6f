#include "ownwire_front/checks.h"

#include <ostream>

#include "ownwire_front/site.h"
#include "serving/token_file.h"

namespace flowersec::apps {

void add_common_checks(std::vector<config_check>& checks, const front_command& command) {
  if (command.custom_css.empty()) return;
  checks.push_back({"--custom-css " + command.custom_css, wrong_with(read_asset_settings(command))});
}

void add_token_check(std::vector<config_check>& checks, const std::string& flag, const std::string& path) {
  if (!path.empty()) checks.push_back({flag + ' ' + path, wrong_with(read_token_file(flag, path))});
}

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
