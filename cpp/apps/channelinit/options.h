// The command line of flowersec-channelinit.
// Layer apps.
#pragma once

#include "cli/program.h"

namespace flowersec::apps {

struct channelinit_options {
  std::string issuer_private_key_file;
  std::string tunnel_url;
  std::string audience;
  std::string issuer;
  std::string channel_id;                 ///< blank: random
  std::int64_t token_exp_seconds = 0;     ///< 0: the library's default
  std::int64_t idle_timeout_seconds = 0;  ///< 0: the library's default
  std::string format = "legacy";
  std::string out;  ///< blank: stdout
  std::string server_grant_out;
  bool overwrite = false;
  bool pretty = false;
};

/// The table refers to `options`, which must outlive it.
[[nodiscard]] program describe_channelinit(channelinit_options& options);

}  // namespace flowersec::apps
