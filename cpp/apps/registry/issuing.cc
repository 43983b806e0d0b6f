#include "registry/issuing.h"

namespace flowersec::apps {

or_problem<shared_issuer> load_issuer(const registry_command& command) {
  auto loaded = controlplane::issuer_keyset::load_private_key_file(command.issuer_keys);
  if (!loaded) return problem{"cannot use --issuer-keys: " + loaded.error().text};
  return shared_issuer{std::make_shared<const controlplane::issuer_keyset>(std::move(*loaded))};
}

issuing::issuing(const registry_command& command, shared_issuer first) : issuer_(std::move(first)) {
  options_.tunnel_url = command.tunnel_url;
  options_.audience = command.audience;
  options_.issuer = command.issuer;
  options_.token_lifetime = rendezvous::call_token_lifetime;
  options_.idle_timeout = rendezvous::call_idle_timeout;
  options_.allowed_suites = parse_suites(command.suites).value_or(std::vector{crypto::suite::x25519});
}

void issuing::replace(shared_issuer next) {
  const std::lock_guard held{guard_};
  issuer_ = std::move(next);
}

rendezvous::ticket_mint issuing::mint() {
  return [this] {
    return rendezvous::mint_tickets(*present(), options_, system_random(), to_unix_seconds(system_clocks().wall_now()));
  };
}

shared_issuer issuing::present() const {
  const std::lock_guard held{guard_};
  return issuer_;
}

}  // namespace flowersec::apps
