#include "chat/identity_store.h"

#include <unistd.h>

#include "chat/passphrase.h"

namespace flowersec::apps {
namespace {

using passphrase_choice = std::optional<identity::secret_text>;

identity::optional_passphrase view_of(const passphrase_choice& chosen) {
  return chosen ? identity::optional_passphrase{chosen->view()} : std::nullopt;
}

or_problem<passphrase_choice> from_file(const std::string& path) {
  auto read = read_passphrase_file(path);
  if (!read) return read.error();
  return passphrase_choice{std::move(*read)};
}

/// For a new file: asked twice where there is somebody to ask; blank, or nobody there, is none.
or_problem<passphrase_choice> choose_passphrase(const chat_command_line& options) {
  if (!options.passphrase_file.empty()) return from_file(options.passphrase_file);
  if (options.json || ::isatty(STDIN_FILENO) == 0) return passphrase_choice{};
  auto first = ask_passphrase("passphrase for " + options.identity + " (empty: none): ");
  if (!first) return first.error();
  if (first->view().empty()) return passphrase_choice{};
  const auto second = ask_passphrase("the same again: ");
  if (!second) return second.error();
  if (first->view() != second->view()) return problem{"the two passphrases differ"};
  return passphrase_choice{std::move(*first)};
}

}  // namespace

or_problem<identity_store> identity_store::open(const chat_command_line& options) {
  if (options.new_identity) {
    auto made = identity::identity::generate(system_random());
    if (!made) return problem{"no key could be made: " + made.error().message()};
    if (::access(options.identity.c_str(), F_OK) == 0) {
      return problem{options.identity + " is there: leave --new-identity out, or name another file"};
    }
    auto passphrase = choose_passphrase(options);
    if (!passphrase) return passphrase.error();
    auto self = std::make_shared<identity::identity>(std::move(*made));
    identity_store store{options.identity, {.self = self, .known = identity::contacts{self}}, std::move(*passphrase)};
    if (const auto written = store.write(options.identity, identity::overwrite::no); !written) {
      return problem{written.error().text};
    }
    return store;
  }
  passphrase_choice passphrase;
  if (!options.passphrase_file.empty()) {
    auto given = from_file(options.passphrase_file);
    if (!given) return given.error();
    passphrase = std::move(*given);
  }
  auto read = identity::read_identity_file(options.identity, view_of(passphrase));
  if (!read && read.error().code == identity::identity_errc::passphrase_needed) {
    auto asked = ask_passphrase("passphrase of " + options.identity + ": ");
    if (!asked) return asked.error();
    passphrase = std::move(*asked);
    read = identity::read_identity_file(options.identity, view_of(passphrase));
  }
  if (!read && read.error().code == boost::system::errc::no_such_file_or_directory) {
    return problem{"there is no " + options.identity + ": --new-identity makes it"};
  }
  if (!read) return problem{read.error().text};
  return identity_store{options.identity, std::move(*read), std::move(passphrase)};
}

identity::optional_passphrase identity_store::passphrase() const noexcept { return view_of(passphrase_); }

identity::file_result<void> identity_store::write(const std::string& path, identity::overwrite old) const {
  return identity::write_identity_file(path, {*known_, open_}, passphrase(), old, system_random());
}

identity::file_result<void> identity_store::save() const { return write(path_, identity::overwrite::yes); }

identity::file_result<void> identity_store::write_copy(const std::string& path) const {
  return write(path, identity::overwrite::no);
}

identity::file_result<identity::stored_identity> identity_store::read_copy(const std::string& path) const {
  auto read = identity::read_identity_file(path, std::nullopt);
  if (!read && read.error().code == identity::identity_errc::passphrase_needed && passphrase_) {
    return identity::read_identity_file(path, passphrase());
  }
  return read;
}

}  // namespace flowersec::apps
