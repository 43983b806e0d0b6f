#include "tunneld/verifier_file.h"

#include "cli/file.h"
#include "flowersec/token/keyset.h"

namespace flowersec::apps {
namespace {

constexpr std::size_t max_keyset_file_bytes = 1048576;

}  // namespace

or_problem<std::shared_ptr<const tunnel::token_verifier>> load_verifier(const tunnel_command& command) {
  const auto& path = command.issuer_keys_file;
  const auto text = read_text_file(path, max_keyset_file_bytes);
  if (!text) return text.error();
  auto keys = token::keyset::parse(*text);
  if (!keys) return problem{"bad keyset file " + path + ": " + keys.error().text};
  const auto issuer = command.issuer.empty() ? std::nullopt : std::optional{command.issuer};
  return tunnel::make_single_tenant_verifier(std::move(*keys), command.audience, issuer);
}

}  // namespace flowersec::apps
