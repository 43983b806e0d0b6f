// The command line of flowersec-issuer-keygen.
// Layer apps.
#pragma once

#include "cli/program.h"

namespace flowersec::apps {

struct issuer_keygen_options {
  std::string kid = "k1";
  std::string out_dir = ".";
  std::string private_key_file = "issuer_key.json";
  std::string issuer_keys_file = "issuer_keys.json";
  bool overwrite = false;
  bool pretty = false;
};

/// The table refers to `options`, which must outlive it.
[[nodiscard]] program describe_issuer_keygen(issuer_keygen_options& options);

}  // namespace flowersec::apps
