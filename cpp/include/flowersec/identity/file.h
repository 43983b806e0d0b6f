// An identity and its contacts as a text, with or without a passphrase, and the file that holds it.
// Layer identity, part `file`. POSIX. Blocking calls, for tools and start-up. Source: IDENTITY, "The identity file".
#pragma once

#include <filesystem>
#include <optional>

#include "flowersec/crypto/password.h"
#include "flowersec/identity/contacts.h"
#include "flowersec/identity/invitation.h"

namespace flowersec::identity {

/// Largest text; max_contacts with the longest names fit, also when sealed. Reading holds three times its size.
inline constexpr std::size_t max_identity_file_bytes = 1048576;
inline constexpr std::size_t max_passphrase_bytes = 1024;

/// Why a text or file was refused, in words fit for its owner; never contains a key or a name.
struct file_error {
  error_code code{};
  std::string text;  ///< for example: me.json: contacts[1]: key_known
};

/// Found by result::value() on a failure; throws boost::system::system_error.
[[noreturn]] void throw_exception_from_error(const file_error& failure, const boost::source_location& where);

template <class T>
using file_result = boost::system::result<T, file_error>;

/// What a file holds. The contacts share the identity.
struct stored_identity {
  std::shared_ptr<identity> self;
  contacts known;
  open_invitations open = {};
};

/// What is put into a text, by reference: both must live until the call returns.
struct identity_contents {
  // Implicit: contacts alone are contents without invitations.
  identity_contents(const contacts& of) noexcept : known(of) {}  // NOLINT
  identity_contents(const contacts& of, const open_invitations& given) noexcept : known(of), open(given.list()) {}

  const contacts& known;
  std::span<const open_invitations::entry> open;
};

/// nullopt: the text is not sealed.
using optional_passphrase = std::optional<std::string_view>;

/// A text with secrets in it, wiped when it dies. Move-only.
class secret_text {
 public:
  explicit secret_text(std::string text) noexcept : text_(std::move(text)) {}
  secret_text(secret_text&& other) noexcept;
  secret_text& operator=(secret_text&& other) noexcept;
  ~secret_text();
  [[nodiscard]] std::string_view view() const noexcept { return text_; }

 private:
  std::string text_;
};

/// The text of an identity: export. Sealed with AES-256-GCM under Argon2id of the passphrase, when there is one.
/// Errors   destroyed, bad_passphrase, no_randomness; crypto_errc::no_memory.
[[nodiscard]] result<secret_text> export_identity(identity_contents of, optional_passphrase with, random_source& random,
                                                  crypto::password_cost cost = {});

/// Reads such a text: import. Unknown members are ignored, of duplicate ones the last counts; a contact or invitation
/// that could not be added refuses the whole. Errors   bad_file, bad_passphrase, passphrase_needed, wrong_passphrase,
/// not_sealed; crypto_errc::no_memory.
[[nodiscard]] file_result<stored_identity> import_identity(std::string_view text, optional_passphrase with);

/// Errors   the system's; file_shared: the mode gives group or others any right; those of import_identity().
[[nodiscard]] file_result<stored_identity> read_identity_file(const std::filesystem::path& path,
                                                              optional_passphrase with);

enum class overwrite : bool { no, yes };

/// Mode 0600, whole or not at all. Errors   the system's, file_exists among them; those of export_identity(). An old
/// file is then untouched.
[[nodiscard]] file_result<void> write_identity_file(const std::filesystem::path& path, identity_contents of,
                                                    optional_passphrase with, overwrite old, random_source& random,
                                                    crypto::password_cost cost = {});

}  // namespace flowersec::identity
