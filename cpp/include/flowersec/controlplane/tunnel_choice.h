// Which of several tunnels a channel meets at: every issuer comes to the same answer without asking another.
// Layer controlplane. Pure. Source: CONTROLPLANE, "Choosing a tunnel".
//
// A tunnel pairs the two ends in its own memory, so both grants of a channel must name the same one. Rendezvous hashing
// does that, spreads channels evenly, and moves only the channels of a tunnel that leaves.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace flowersec::controlplane {

/// The first 8 bytes of SHA-256(channel_id || "|" || url), big-endian. The texts count byte by byte: issuers must spell
/// a URL alike.
[[nodiscard]] std::uint64_t tunnel_score(std::string_view channel_id, std::string_view url);

/// The URL of the highest score; of equal ones the earliest. Empty when there is none to choose from.
/// Ownership  a view into `urls`.
[[nodiscard]] std::string_view choose_tunnel(std::string_view channel_id, std::span<const std::string> urls);

}  // namespace flowersec::controlplane
