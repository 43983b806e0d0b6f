// The tenants file: names of tenants, and where each one's keys are.
// Layer apps. Pure; nothing is opened here. Source: PROTOCOL, "Key files".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/problem.h"
#include "flowersec/tunnel/verifier.h"

namespace flowersec::apps {

struct tenant_entry {
  tunnel::tenant tenant;         ///< without keys
  std::string issuer_keys_file;  ///< as written; not empty
};

/// Reads the text of a tenants file. All texts are trimmed, unknown members ignored.
/// Problems name the tenant and the member: tenants[1] (aud "a", iss "i"): issuer_keys_file is empty.
[[nodiscard]] or_problem<std::vector<tenant_entry>> parse_tenants(std::string_view text);

/// For example: tenants[1] (aud "a", iss "i").
[[nodiscard]] std::string place_of(std::size_t index, const tunnel::tenant& tenant);

}  // namespace flowersec::apps
