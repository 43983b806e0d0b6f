// What this build calls itself.
// Layer apps. The three values are settings of the build (FLOWERSEC_VERSION_TEXT, _COMMIT, _DATE).
#pragma once

#include <string>

namespace flowersec::apps {

struct version_info {
  std::string version;
  std::string commit;
  std::string date;
};

[[nodiscard]] const version_info& build_version();

/// "<version> (<commit>) <date>", without the parts that are empty or "unknown".
[[nodiscard]] std::string version_line(const version_info& info);

}  // namespace flowersec::apps
