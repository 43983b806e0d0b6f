// From the keyset file and the expected audience and issuer to a verifier, at start and on SIGHUP.
// Layer apps. Blocking file I/O.
#pragma once

#include <memory>
#include <string>

#include "cli/problem.h"
#include "flowersec/tunnel/verifier.h"
#include "tunneld/options.h"

namespace flowersec::apps {

/// Problems name the file.
[[nodiscard]] or_problem<std::shared_ptr<const tunnel::token_verifier>> load_verifier(const tunnel_command& command);

}  // namespace flowersec::apps
