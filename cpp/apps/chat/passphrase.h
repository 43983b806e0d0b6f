// Passphrases: from a file, or from the terminal, which does not show them.
// Layer apps. POSIX. Blocking; for start-up.
#pragma once

#include <optional>
#include <string>

#include "cli/problem.h"
#include "flowersec/identity/file.h"

namespace flowersec::apps {

/// The first line of a file that only its owner can use. Problems name the file, never what is in it.
[[nodiscard]] or_problem<identity::secret_text> read_passphrase_file(const std::string& path);

/// Asks on the terminal that controls the process, whatever stdin is, without showing what is typed; interrupted, its
/// echo is on again. May be empty.
[[nodiscard]] or_problem<identity::secret_text> ask_passphrase(const std::string& question);

}  // namespace flowersec::apps
