#include "serving/tls_pair.h"

#include "cli/file.h"
#include "flowersec/ws/error.h"

namespace flowersec::apps {

or_problem<ws::tls_context> load_tls_pair(std::string_view cert_flag, const std::string& cert,
                                          std::string_view key_flag, const std::string& key) {
  for (const auto& path : {cert, key}) {
    if (auto unreadable = unreadable_problem(path)) return *std::move(unreadable);
  }
  auto loaded = ws::tls_context::server(cert, key);
  if (loaded) return *std::move(loaded);
  const bool encrypted = loaded.error() == ws::ws_errc::private_key_encrypted;
  return problem{"cannot use " + std::string{cert_flag} + ' ' + cert + " with " + std::string{key_flag} + ' ' + key +
                 (encrypted ? ": the key is encrypted, and there is no password for it"
                            : ": one of them is not PEM, or they do not belong together")};
}

}  // namespace flowersec::apps
