#include "controlplane/live_files.h"

#include "controlplane/bearer_key.h"

namespace flowersec::apps::plane {

live_files::live_files(boost::asio::io_context& context, const serve_command& command)
    : command_(command), reloader_(context) {
  if (!command.bearer_key_file.empty()) reloader_.add(bearer_key());
  if (command.tls_cert_file.empty()) return;
  certificate_.emplace(certificate_paths{command.tls_cert_file, command.tls_key_file},
                       [this](const certificate_paths& paths) {
                         return endpoints_->replace_certificate({paths.chain, paths.key});
                       });
  reloader_.add(reloadable_certificate(*certificate_));
}

void live_files::add_listener(certificate_files::take_context take) {
  if (certificate_) certificate_->add_listener(std::move(take));
}

void live_files::watch(front& requests, control_listener& endpoints) {
  requests_ = &requests;
  endpoints_ = &endpoints;
  reloader_.watch();
}

reloadable live_files::bearer_key() {
  file_watch present;
  present.note(command_.bearer_key_file);
  return {.load = [this](file_watch& files) -> std::optional<problem> {
            files.note(command_.bearer_key_file);
            auto key = read_bearer_key(command_.bearer_key_file);
            if (!key) return key.error();
            requests_->replace_bearer_key(std::move(*key));
            return std::nullopt;
          },
          .files = std::move(present),
          .done_line = "reloaded bearer key",
          .failed_prefix = "reload bearer key failed, the old one stays: "};
}

}  // namespace flowersec::apps::plane
