// Files of keys and grants: bounded reading, and writing that is all or nothing.
// Layer controlplane. POSIX. Blocking calls, for tools and start-up.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "flowersec/controlplane/error.h"

namespace flowersec::controlplane {

inline constexpr mode_t secret_file_mode = 0600;
inline constexpr mode_t public_file_mode = 0644;

/// Errors   the system's, or file_too_large, both with the path in the text. Holds at most max_bytes.
[[nodiscard]] outcome<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Writes a temporary file beside `path` with its final mode, flushes it to disk and renames it over `path`; then sets
/// the mode once more, so that an older, more open file is corrected too. The directory must exist.
/// Errors   the system's, with the path in the text; the old file, if any, is then untouched.
[[nodiscard]] outcome<void> write_file_atomically(const std::filesystem::path& path, std::string_view contents,
                                                  mode_t mode);

}  // namespace flowersec::controlplane
