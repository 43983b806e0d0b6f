// The page of a registry: what it is, and how to connect. No client is served from here: a page that a registry could
// change could read what its users write.
// Layer apps. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::apps {

/// A whole HTTP response for `/`, and for the location /<public key> of a peer; nullopt for other paths.
[[nodiscard]] std::optional<std::string> registry_answer(std::string_view method, std::string_view path,
                                                         const std::vector<std::string>& public_keys, bool has_legacy);

}  // namespace flowersec::apps
