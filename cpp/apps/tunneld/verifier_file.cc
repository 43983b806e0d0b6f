#include "tunneld/verifier_file.h"

#include "cli/file.h"
#include "flowersec/token/keyset.h"
#include "tunneld/tenants_file.h"

namespace flowersec::apps {
namespace {

using verifier_ptr = std::shared_ptr<const tunnel::token_verifier>;

constexpr std::size_t max_keyset_file_bytes = 1048576;
constexpr std::size_t max_tenants_file_bytes = 1048576;

or_problem<token::keyset> load_keys(const std::string& path) {
  const auto text = read_watched_file(path, max_keyset_file_bytes);
  if (!text) return text.error();
  auto keys = token::keyset::parse(*text);
  if (!keys) return problem{"bad keyset file " + path + ": " + keys.error().text};
  return *std::move(keys);
}

or_problem<verifier_ptr> load_single_tenant(const tunnel_command& command, file_watch& files) {
  files.note(command.issuer_keys_file);
  auto keys = load_keys(command.issuer_keys_file);
  if (!keys) return keys.error();
  const auto issuer = command.issuer.empty() ? std::nullopt : std::optional{command.issuer};
  return tunnel::make_single_tenant_verifier(*std::move(keys), command.audience, issuer);
}

or_problem<verifier_ptr> load_tenants(const std::string& path, file_watch& files) {
  files.note(path);
  const auto text = read_watched_file(path, max_tenants_file_bytes);
  if (!text) return text.error();
  const auto refused = [&path](const std::string& why) { return problem{"bad tenants file " + path + ": " + why}; };
  auto entries = parse_tenants(*text);
  if (!entries) return refused(entries.error().text);

  for (const auto& entry : *entries) files.note(entry.issuer_keys_file);
  std::vector<tunnel::tenant> tenants;
  tenants.reserve(entries->size());
  for (auto& [tenant, keys_file] : *entries) {
    auto keys = load_keys(keys_file);
    if (!keys) return refused(place_of(tenants.size(), tenant) + ": issuer_keys_file: " + keys.error().text);
    tenant.keys = *std::move(keys);
    tenants.push_back(std::move(tenant));
  }
  auto verifier = tunnel::make_multi_tenant_verifier(std::move(tenants));
  if (!verifier) return refused(verifier.error().text);
  return *std::move(verifier);
}

}  // namespace

or_problem<verifier_ptr> load_verifier(const tunnel_command& command, file_watch& files) {
  return command.tenants_file.empty() ? load_single_tenant(command, files) : load_tenants(command.tenants_file, files);
}

}  // namespace flowersec::apps
