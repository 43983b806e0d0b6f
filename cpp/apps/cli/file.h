// Reads a small text file whole.
// Layer apps. Blocking; for start-up and reload.
#pragma once

#include <string>

#include "cli/problem.h"

namespace flowersec::apps {

/// Problems name the path.
/// Limits   holds at most `max_bytes`; a longer file is a problem.
[[nodiscard]] or_problem<std::string> read_text_file(const std::string& path, std::size_t max_bytes);

}  // namespace flowersec::apps
