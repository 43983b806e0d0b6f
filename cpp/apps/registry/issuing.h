// The issuer of a registry's grants: its key file, and what it mints with.
// Layer apps. Blocking file I/O; mint() from any thread.
#pragma once

#include <memory>
#include <mutex>

#include "cli/problem.h"
#include "flowersec/rendezvous/ticket_mint.h"
#include "registry/options.h"

namespace flowersec::apps {

using shared_issuer = std::shared_ptr<const controlplane::issuer_keyset>;

/// Problems name the flag or the file.
[[nodiscard]] or_problem<shared_issuer> load_issuer(const registry_command& command);

class issuing {
 public:
  issuing(const registry_command& command, shared_issuer first);

  void replace(shared_issuer next);
  [[nodiscard]] rendezvous::ticket_mint mint();

 private:
  [[nodiscard]] shared_issuer present() const;

  controlplane::channel_init_options options_;
  mutable std::mutex guard_;
  shared_issuer issuer_;
};

}  // namespace flowersec::apps
