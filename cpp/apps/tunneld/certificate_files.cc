#include "tunneld/certificate_files.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "flowersec/http/server.h"

namespace flowersec::apps {

problem describe_unusable(const tunnel::tls_files& files) {
  for (const auto& path : {files.certificate_chain, files.private_key}) {
    if (::access(path.c_str(), R_OK) != 0) {
      return {"cannot read " + path + ": " + std::generic_category().message(errno)};
    }
  }
  const auto loaded = http::load_server_tls(files.certificate_chain, files.private_key);
  const bool encrypted = loaded.has_error() && loaded.error() == http::http_errc::private_key_encrypted;
  return {"cannot use --tls-cert-file " + files.certificate_chain + " with --tls-key-file " + files.private_key +
          (encrypted ? ": the key is encrypted, and the tunnel has no password for it"
                     : ": one of them is not PEM, or they do not belong together")};
}

void certificate_files::note(file_watch& files) const {
  files.note(files_.certificate_chain);
  files.note(files_.private_key);
}

std::optional<problem> certificate_files::load(file_watch& files) const {
  note(files);
  // The main listener comes second, for it may refuse; from then on nothing can.
  auto context = http::load_server_tls(files_.certificate_chain, files_.private_key);
  if (!context || server_.replace_certificate(files_)) return describe_unusable(files_);
  for (const auto& take : listeners_) take(*context);
  return std::nullopt;
}

}  // namespace flowersec::apps
