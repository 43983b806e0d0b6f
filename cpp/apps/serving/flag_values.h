// What several programs that serve ask of the texts of their flags.
// Layer apps. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serving/log.h"

namespace flowersec::apps {

/// debug, info, warn or warning, error.
[[nodiscard]] std::optional<log_level> parse_level_word(std::string_view word) noexcept;

/// Why a text is not host:port; nullopt when it is. `flag` names the option in the answer.
[[nodiscard]] std::optional<std::string> address_problem(std::string_view flag, std::string_view address);

/// Whether the host of host:port is this machine and nothing else: localhost, 127.0.0.0/8 or [::1]. Names are not
/// resolved: what is safe must be visible in the command.
[[nodiscard]] bool is_loopback_address(std::string_view address);

/// An IP address, or a network such as 192.0.2.0/24.
[[nodiscard]] bool is_network(const std::string& text);

/// Why --allow-origin has entries that cannot be; nullopt when all can.
[[nodiscard]] std::optional<std::string> origins_problem(const std::vector<std::string>& allowed);
/// The same for --trusted-proxy.
[[nodiscard]] std::optional<std::string> proxies_problem(const std::vector<std::string>& trusted);

}  // namespace flowersec::apps
