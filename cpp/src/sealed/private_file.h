// A file that only its owner may read: bounded reading, writing that is all or nothing.
// Layer sealed, private. POSIX. Knows nothing of what the file holds.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "flowersec/sealed/key_file.h"

namespace flowersec::sealed {

void wipe(std::string& text) noexcept;

/// Errors   the system's; key_file_shared; bad_key_file for what is no ordinary file or larger than max_bytes.
[[nodiscard]] key_file_result<std::string> read_private_file(const std::filesystem::path& path, std::size_t max_bytes);

enum class existing_file { replace, keep };

/// Mode 0600. The folder must exist. Errors   the system's; file_exists when an existing file is to be kept.
[[nodiscard]] key_file_result<void> write_private_file(const std::filesystem::path& path, std::string_view contents,
                                                       existing_file existing);

}  // namespace flowersec::sealed
