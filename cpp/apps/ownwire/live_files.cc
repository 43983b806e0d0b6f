#include "ownwire/live_files.h"

#include "serving/tls_pair.h"
#include "serving/token_file.h"

namespace flowersec::apps {
or_problem<ws::tls_context> load_certificate(const ownwire_command& command) {
  return load_tls_pair("--internal-tls-cert", command.internal_tls_cert, "--internal-tls-key",
                       command.internal_tls_key);
}

live_files::live_files(boost::asio::io_context& context, const ownwire_command& command, live_keys& keys, site& pages,
                       ownwire::gateway& gateway)
    : command_(command), keys_(keys), pages_(pages), gateway_(gateway), reloader_(context) {
  reloader_.add(reload_part({command.key_path()}, "identity keys", [this] { return replace_keys(); }));
  if (!command.internal_token_file.empty()) {
    reloader_.add(reload_part({command.internal_token_file}, "internal token", [this] { return replace_token(); }));
  }
  if (!command.internal_tls_cert.empty()) {
    reloader_.add(reload_part({command.internal_tls_cert, command.internal_tls_key}, "internal certificate",
                              [this] { return replace_certificate(); }));
  }
}

void live_files::add_behind_token(std::function<void(std::string)> take) {
  reloader_.add(reload_part({command_.behind_token_file}, "token for the edge",
                            [this, take = std::move(take)]() -> std::optional<problem> {
                              const auto token = read_token_file("--behind-token-file", command_.behind_token_file);
                              if (!token) return token.error();
                              take(std::string{token->view()});
                              return std::nullopt;
                            }));
}

std::optional<problem> live_files::replace_keys() {
  // The file is there, or it is a mistake: a running gateway never makes a second identity.
  auto found = load_identity(command_.key_path(), false, system_random(), unix_seconds{0});
  if (!found) return found.error();
  pages_.replace_keys(public_texts(*found->keys));
  keys_.replace(std::move(found->keys));
  return std::nullopt;
}

std::optional<problem> live_files::replace_token() {
  const auto token = read_token_file("--internal-token-file", command_.internal_token_file);
  if (!token) return token.error();
  gateway_.replace_internal_token(std::string{token->view()});
  return std::nullopt;
}

std::optional<problem> live_files::replace_certificate() {
  auto loaded = load_certificate(command_);
  if (!loaded) return loaded.error();
  gateway_.replace_internal_tls(*std::move(loaded));
  return std::nullopt;
}

}  // namespace flowersec::apps
