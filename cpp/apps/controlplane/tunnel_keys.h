// Whether tunnels know a key, by their /readyz pages.
// Layer apps. Blocking.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::apps::plane {

/// Whose key it is: what its tokens say.
struct key_of_issuer {
  std::string kid;
  std::string audience;
  std::string issuer;
};

/// Whether the tenant of the page that takes these tokens has loaded the key. A tunnel may serve other issuers as well,
/// whose keys may have the same id. Pure.
[[nodiscard]] bool lists_key(std::string_view ready_page, const key_of_issuer& key);

/// Asks each page, twice a second, until it lists the key. What is still missing after `patience`, in words; nullopt
/// when all is well.
[[nodiscard]] std::optional<std::string> wait_for_key(const std::vector<std::string>& ready_urls,
                                                      const key_of_issuer& key, std::chrono::nanoseconds patience);

}  // namespace flowersec::apps::plane
