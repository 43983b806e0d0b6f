// A shared secret that stands in a file of its own: a bearer key or token.
// Layer apps. Blocking; for start-up and reload.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/problem.h"
#include "flowersec/messages/sensitive_text.h"

namespace flowersec::apps {

/// What is wrong with the mode of a file that holds a secret: people without business with it can use it. A group may
/// read the file of another owner: that is how the system hands a service what it may read but not change.
[[nodiscard]] std::optional<problem> secret_file_problem(std::string_view flag, const std::string& path);

inline constexpr std::size_t min_token_bytes = 16;
inline constexpr std::size_t max_token_bytes = 4096;

/// What the file holds, trimmed: printable ASCII without blanks, as a header can carry it. A file with a
/// secret_file_problem() is refused. Problems name `flag` and the file, never what is in it.
[[nodiscard]] or_problem<messages::sensitive_text> read_token_file(std::string_view flag, const std::string& path);

}  // namespace flowersec::apps
