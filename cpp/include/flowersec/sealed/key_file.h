// The file that holds a server's identity keys.
// Layer sealed. POSIX. Blocking calls, for tools, start-up and reloads. Source: PROTOCOL, "Sealed open: key file".
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/sealed/key.h"

namespace flowersec::sealed {

/// Largest key file, and most keys of one: a rotation needs two. A file can make us hold twice its size.
inline constexpr std::size_t max_key_file_bytes = 65536;
inline constexpr std::size_t max_keys = 64;

/// The keys of one server, in order: the first is current, boxes for all of them are opened. Never empty, no key twice,
/// immutable once built: a reload builds a new one.
class keyring {
 public:
  struct entry {
    key_pair key;
    unix_seconds created_at{0};
  };

  /// One key.
  explicit keyring(entry only) { entries_.push_back(std::move(only)); }
  /// nullopt for an empty list, for more than max_keys and for a key that is there twice.
  [[nodiscard]] static std::optional<keyring> of(std::vector<entry> entries);

  [[nodiscard]] const key_pair& current() const noexcept { return entries_.front().key; }
  /// Null when there is none of that id. Valid as long as the keyring stays where it is.
  [[nodiscard]] const key_pair* find(std::string_view kid) const noexcept;
  [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }

 private:
  keyring() = default;
  std::vector<entry> entries_;
};

/// Why a key file was refused, in words fit for an operator; never contains a key.
struct key_file_error {
  error_code code{};
  std::string text;  ///< for example: ownwire_identity.json: keys[1]: duplicate kid
};

/// Found by result::value() on a failure; throws boost::system::system_error.
[[noreturn]] void throw_exception_from_error(const key_file_error& failure, const boost::source_location& where);

template <class T>
using key_file_result = boost::system::result<T, key_file_error>;

/// Reads the text of a key file: `version` 1; 1 to max_keys `keys`, each with a private key of 32 bytes in canonical
/// base64url, the kid that belongs to it, and a time that is not negative. Unknown JSON keys are ignored.
/// Errors   bad_key_file.
[[nodiscard]] key_file_result<keyring> parse_key_file(std::string_view text);

/// Errors   the system's; key_file_shared: the mode gives group or others any right; those of parse_key_file().
[[nodiscard]] key_file_result<keyring> read_key_file(const std::filesystem::path& path);

/// Writes a temporary file beside `path`, mode 0600, flushes it to disk and renames it over `path`.
/// Errors   the system's; the old file, if any, is then untouched.
[[nodiscard]] key_file_result<void> write_key_file(const std::filesystem::path& path, const keyring& keys);

/// As above, but a file that is there is never replaced.
/// Errors   the system's; file_exists among them.
[[nodiscard]] key_file_result<void> create_key_file(const std::filesystem::path& path, const keyring& keys);

/// Makes a new key and writes it to a file of its own. A file that is there is never replaced.
/// Errors   random_failed, or the system's; file_exists among them.
[[nodiscard]] key_file_result<keyring> create_key_file(const std::filesystem::path& path, random_source& random,
                                                       unix_seconds now);

}  // namespace flowersec::sealed
