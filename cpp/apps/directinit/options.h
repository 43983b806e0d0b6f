// The command line of flowersec-directinit.
// Layer apps.
#pragma once

#include "cli/program.h"

namespace flowersec::apps {

struct directinit_options {
  std::string ws_url;
  std::string channel_id;  ///< blank: random
  std::string psk_b64u;    ///< blank: random
  std::string suite = "x25519";
  std::int64_t init_exp_seconds = 60;
  std::string format = "legacy";
  std::string out;  ///< blank: stdout
  bool overwrite = false;
  bool pretty = false;
};

/// The table refers to `options`, which must outlive it.
[[nodiscard]] program describe_directinit(directinit_options& options);

}  // namespace flowersec::apps
