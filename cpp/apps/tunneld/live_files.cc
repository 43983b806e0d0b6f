#include "tunneld/live_files.h"

#include "tunneld/verifier_file.h"

namespace flowersec::apps {
namespace {

reloadable reloadable_verifier(const tunnel_command& command, tunnel::server& server, file_watch loaded) {
  return {.load = [&command, &server](file_watch& files) -> std::optional<problem> {
            auto verifier = load_verifier(command, files);
            if (!verifier) return verifier.error();
            server.replace_verifier(*std::move(verifier));
            return std::nullopt;
          },
          .files = std::move(loaded),
          .done_line = "reloaded verifier keyset/config",
          .failed_prefix = "reload keys failed: "};
}

reloadable reloadable_certificate(const certificate_files& certificate) {
  file_watch present;
  certificate.note(present);
  return {.load = [&certificate](file_watch& files) { return certificate.load(files); },
          .files = std::move(present),
          .done_line = "reloaded certificate",
          .failed_prefix = "reload certificate failed, the old one stays: "};
}

}  // namespace

live_files::live_files(boost::asio::io_context& context, const tunnel_command& command, tunnel::server& server,
                       file_watch verifier_files)
    : reloader_(context) {
  reloader_.add(reloadable_verifier(command, server, std::move(verifier_files)));
  if (command.tls_cert_file.empty()) return;
  certificate_.emplace(tunnel::tls_files{command.tls_cert_file, command.tls_key_file}, server);
  reloader_.add(reloadable_certificate(*certificate_));
}

void live_files::add_listener(certificate_files::take_context take) {
  if (certificate_) certificate_->add_listener(std::move(take));
}

void live_files::watch() { reloader_.watch(); }

}  // namespace flowersec::apps
