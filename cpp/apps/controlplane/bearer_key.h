// The key that callers of the normal route show.
// Layer apps. Blocking; for start-up.
#pragma once

#include <string>

#include "serving/token_file.h"

namespace flowersec::apps::plane {

/// As read_token_file().
[[nodiscard]] inline or_problem<messages::sensitive_text> read_bearer_key(const std::string& path) {
  return read_token_file("--bearer-key-file", path);
}

}  // namespace flowersec::apps::plane
