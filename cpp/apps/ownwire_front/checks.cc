#include "ownwire_front/checks.h"

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

}  // namespace flowersec::apps
