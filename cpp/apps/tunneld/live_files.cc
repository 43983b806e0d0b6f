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

}  // namespace

live_files::live_files(boost::asio::io_context& context, const tunnel_command& command, tunnel::server& server,
                       file_watch verifier_files)
    : reloader_(context) {
  reloader_.add(reloadable_verifier(command, server, std::move(verifier_files)));
  if (command.tls_cert_file.empty()) return;
  certificate_.emplace(certificate_paths{command.tls_cert_file, command.tls_key_file},
                       [&server](const certificate_paths& paths) {
                         return server.replace_certificate({paths.chain, paths.key});
                       });
  reloader_.add(reloadable_certificate(*certificate_));
}

void live_files::add_listener(certificate_files::take_context take) {
  if (certificate_) certificate_->add_listener(std::move(take));
}

void live_files::watch() { reloader_.watch(); }

}  // namespace flowersec::apps
