// The key that callers of the normal route show.
// Layer apps. Blocking; for start-up.
#pragma once

#include <string>

#include "cli/problem.h"
#include "flowersec/messages/sensitive_text.h"

namespace flowersec::apps::plane {

inline constexpr std::size_t min_bearer_key_bytes = 16;
inline constexpr std::size_t max_bearer_key_bytes = 4096;

/// What the file holds, trimmed: printable ASCII without blanks, as a header can carry it. Problems name the file,
/// never what is in it.
[[nodiscard]] or_problem<messages::sensitive_text> read_bearer_key(const std::string& path);

}  // namespace flowersec::apps::plane
