// A file for keys, which only its owner may read: bounded reading, writing that is all or nothing.
// Layer crypto, part `private_file`. POSIX. Blocking calls. Knows nothing of what the file holds.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "flowersec/base/error.h"

namespace flowersec::crypto {

/// Overwrites and empties a text that held a secret.
void wipe(std::string& text) noexcept;

/// Why a file was not read or written, in words fit for an operator, without its path.
struct private_file_error {
  error_code code{};
  std::string text;
};

template <class T>
using private_file_result = boost::system::result<T, private_file_error>;

/// Errors   the system's; private_file_shared: the mode gives group or others any right; bad_private_file for what is
///          no ordinary file or larger than max_bytes.
[[nodiscard]] private_file_result<std::string> read_private_file(const std::filesystem::path& path,
                                                                 std::size_t max_bytes);

enum class existing_file { replace, keep };

/// Writes a temporary file beside `path`, mode 0600, flushes it to disk and gives it its name. The folder must exist.
/// Errors   the system's; the old file, if any, is then untouched. file_exists when it is to be kept.
[[nodiscard]] private_file_result<void> write_private_file(const std::filesystem::path& path, std::string_view contents,
                                                           existing_file existing);

}  // namespace flowersec::crypto
