#include "cli/version.h"

namespace flowersec::apps {

const version_info& build_version() {
  static const version_info info{FLOWERSEC_VERSION_TEXT, FLOWERSEC_VERSION_COMMIT, FLOWERSEC_VERSION_DATE};
  return info;
}

std::string version_line(const version_info& info) {
  const auto known = [](const std::string& part) { return !part.empty() && part != "unknown"; };
  std::string line = known(info.version) ? info.version : "";
  const auto add = [&line](const std::string& part) { line += (line.empty() ? "" : " ") + part; };
  if (known(info.commit)) add("(" + info.commit + ")");
  if (known(info.date)) add(info.date);
  return line;
}

}  // namespace flowersec::apps
