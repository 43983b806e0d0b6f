// The page that tells a load balancer, and an operator, whether this tunnel takes newcomers and under which keys.
// Layer tunnel. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flowersec/tunnel/verifier.h"

namespace flowersec::tunnel {

/// A JSON array with one object per tenant: id and iss when there are any, aud, key_ids.
[[nodiscard]] std::string loaded_keys_text(const std::vector<loaded_keys>& tenants);

/// One JSON object: ready, and the tenants as loaded_keys_text() wrote them.
[[nodiscard]] std::string readiness_text(bool ready, std::string_view loaded_keys_text);

}  // namespace flowersec::tunnel
