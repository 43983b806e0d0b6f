// Whether tunnels know a key, by their /readyz pages.
// Layer apps. Blocking.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::apps::plane {

/// Whether a tenant of the page has loaded the key: a tunnel may serve other issuers as well. Pure.
[[nodiscard]] bool lists_key(std::string_view ready_page, std::string_view kid);

/// Asks each page until it lists the key. What is still missing after `patience`, in words; nullopt when all is well.
[[nodiscard]] std::optional<std::string> wait_for_key(const std::vector<std::string>& ready_urls, std::string_view kid,
                                                      std::chrono::nanoseconds patience);

}  // namespace flowersec::apps::plane
