// What people type to name a peer: its key, perhaps behind the site where it is reached.
// Layer identity. Looks nothing up. Source: IDENTITY, "Addresses".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flowersec/identity/public_key.h"

namespace flowersec::identity {

inline constexpr std::size_t max_host_characters = 253;

/// Shape    [site "/"] key, where site = [("http" | "https" | "ws" | "wss") "://"] host [":" port].
struct address {
  std::optional<std::string> site;  ///< lower-case; nullopt for a key alone
  public_key key;
};

/// Nothing is trimmed; no user, path, query or fragment.
/// Errors   bad_address for the site, and those of public_key::parse() for the key.
[[nodiscard]] result<address> parse_address(std::string_view text);
[[nodiscard]] std::string format_address(const address& from);

/// scheme "://" host [":" port] [path] with ws or wss, at most max_registry_url_bytes; scheme and host are made
/// lower-case. A path has letters, digits and "-._~/" only. nullopt for anything else.
[[nodiscard]] std::optional<std::string> parse_registry_url(std::string_view text);
inline constexpr std::size_t max_registry_url_bytes = 512;

}  // namespace flowersec::identity
