// The identity file of the messenger: made or opened at the start, written again whenever it is behind.
// Layer apps. Blocking file I/O, and a second of work where there is a passphrase.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chat/options.h"

namespace flowersec::apps {

class identity_store {
 public:
  /// Opens the file, or makes it; asks for a passphrase where the options name no file with it.
  [[nodiscard]] static or_problem<identity_store> open(const chat_command_line& options);

  [[nodiscard]] const std::shared_ptr<identity::contacts>& known() const noexcept { return known_; }
  [[nodiscard]] identity::open_invitations& open_invitations() noexcept { return open_; }

  [[nodiscard]] identity::file_result<void> save() const;
  /// To a file that is not there, sealed as the identity file is.
  [[nodiscard]] identity::file_result<void> write_copy(const std::string& path) const;
  /// Such a file, sealed with the same passphrase or not at all.
  [[nodiscard]] identity::file_result<identity::stored_identity> read_copy(const std::string& path) const;

 private:
  identity_store(std::string path, identity::stored_identity stored, std::optional<identity::secret_text> passphrase)
      : path_(std::move(path)),
        known_(std::make_shared<identity::contacts>(std::move(stored.known))),
        open_(std::move(stored.open)),
        passphrase_(std::move(passphrase)) {}
  [[nodiscard]] identity::optional_passphrase passphrase() const noexcept;
  [[nodiscard]] identity::file_result<void> write(const std::string& path, identity::overwrite old) const;

  std::string path_;
  std::shared_ptr<identity::contacts> known_;
  identity::open_invitations open_;
  std::optional<identity::secret_text> passphrase_;
};

}  // namespace flowersec::apps
