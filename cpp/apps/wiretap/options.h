// The command line of flowersec-wiretap.
// Layer apps.
#pragma once

#include "cli/program.h"

namespace flowersec::apps {

struct wiretap_command {
  std::string listen = "127.0.0.1:0";
  std::string to;
  std::string out;
};

/// The table refers to `command`, which must outlive it.
[[nodiscard]] program describe_wiretap(wiretap_command& command);

}  // namespace flowersec::apps
