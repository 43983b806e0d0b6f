// The JSON line that tells scripts where a tunnel is reachable.
// Layer apps. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/version.h"

namespace flowersec::apps {

/// A host as it stands in a URL, IPv6 in brackets, and perhaps a port.
struct advertised_host {
  std::string host;
  std::optional<std::uint16_t> port;
};

/// Reads `host`, `host:port`, `[v6]`, `[v6]:port`, a bare IPv6 address, or a URL, of which only the authority counts.
/// nullopt: an empty host, a port outside 1 to 65535, colons that make no IPv6 address, or white space.
[[nodiscard]] std::optional<advertised_host> parse_advertised_host(std::string_view text);

struct ready_facts {
  std::string listen;  ///< host:port as bound
  std::string ws_path;
  bool tls = false;
  /// As given, and as parsed; both or none.
  std::string advertise_text{};
  std::optional<advertised_host> advertise{};
  /// host:port as bound, empty when there is no such listener.
  std::string metrics_listen{};
  std::string stats_listen{};
};

/// Compact, without a newline.
[[nodiscard]] std::string ready_line(const ready_facts& facts, const version_info& build);

}  // namespace flowersec::apps
