// Which channels there are and how much passed through them.
// Layer tunnel. Plain data; the tunnel counts bytes and cannot tell what they mean.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "flowersec/base/clock.h"
#include "flowersec/tunnel/observer.h"

namespace flowersec::tunnel {

/// How long the byte counts of a closed channel are kept for its reports, and for a channel of the same name.
inline constexpr std::chrono::minutes bandwidth_retention{2};

struct channel_report {
  std::string audience;
  std::string issuer;
  std::string channel_id;
  std::string tenant_id;  ///< empty when the configuration names none
  /// Since the channel was first seen. Goes on when the channel comes again within bandwidth_retention.
  channel_bytes bytes;
  std::optional<wall_time> closed_at{};  ///< nullopt while it is open
};

enum class reported_channels : std::uint8_t {
  open,
  /// Also those that closed within bandwidth_retention, if server_options::keep_bandwidth.
  open_and_closed,
};

}  // namespace flowersec::tunnel
