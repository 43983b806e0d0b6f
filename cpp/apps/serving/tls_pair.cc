#include "serving/tls_pair.h"

#include "cli/file.h"
#include "serving/tls_reason.h"

namespace flowersec::apps {

or_problem<ws::tls_context> load_tls_pair(std::string_view cert_flag, const std::string& cert,
                                          std::string_view key_flag, const std::string& key) {
  for (const auto& path : {cert, key}) {
    if (auto unreadable = unreadable_problem(path)) return *std::move(unreadable);
  }
  auto loaded = ws::tls_context::server(cert, key);
  if (loaded) return *std::move(loaded);
  return problem{"cannot use " + std::string{cert_flag} + ' ' + cert + " with " + std::string{key_flag} + ' ' + key +
                 ": " + std::string{tls_reason(cert, key)}};
}

}  // namespace flowersec::apps
