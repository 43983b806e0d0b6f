// The flags that ownwire and ownwire-edge share: the public port, the assets, the log.
// Layer apps. Pure; nothing is opened here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/program.h"
#include "serving/flag_values.h"

namespace flowersec::apps {

/// Bytes of a stylesheet given with --custom-css. Each page load sends them.
inline constexpr std::size_t max_custom_css_bytes = 1'048'576;

struct front_command {
  std::string bind = "127.0.0.1";
  std::int64_t port = 8080;
  std::vector<std::string> allowed_origins;
  bool allow_no_origin = false;
  std::vector<std::string> trusted_proxies;  ///< empty: this machine
  std::string custom_css;
  std::string assets_url;
  std::string extract_to;
  std::string metrics_listen;
  std::string log_level = "info";
  std::string log_format = "text";
  bool check_config = false;

  /// Blank texts take their defaults, and --assets-url its final slash.
  void fill_blanks();
  /// host:port of the public listener, IPv6 in brackets.
  [[nodiscard]] std::string public_address() const;
};

/// The rows of the table; they refer to `command`, which outlives them.
[[nodiscard]] std::vector<option> front_options(front_command& command);

/// The first thing that makes no sense; nullopt when all is well. fill_blanks() has been called.
[[nodiscard]] std::optional<std::string> front_problem(const front_command& command);

}  // namespace flowersec::apps
