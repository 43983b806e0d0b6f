// Reads a small text file whole.
// Layer apps. Blocking; for start-up and reload.
// What a program serves with is read on its one thread: a pipe in the place of such a file must not stop it.
#pragma once

#include <optional>
#include <string>

#include "cli/problem.h"

namespace flowersec::apps {

/// Read once. May be a pipe, which is waited for. Problems name the path.
/// Limits   holds at most `max_bytes`; a longer file is a problem.
[[nodiscard]] or_problem<std::string> read_text_file(const std::string& path, std::size_t max_bytes);
/// The same for a file that may be read again: a pipe by name, a device or a socket is a problem. A pipe that the
/// program was given open, as by a shell's <(...), is read.
[[nodiscard]] or_problem<std::string> read_watched_file(const std::string& path, std::size_t max_bytes);
/// Why read_watched_file() would not read it; for those who give the path to a library.
[[nodiscard]] std::optional<problem> unreadable_problem(const std::string& path);

}  // namespace flowersec::apps
