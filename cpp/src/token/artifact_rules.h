// The rules of a connect artifact's parts that hold for reading and for writing alike.
// Layer token, private. Source: CONTROLPLANE, "Connect artifact".
#pragma once

#include <optional>

#include "flowersec/token/artifact.h"

namespace flowersec::token {

inline constexpr std::string_view artifact_name = "ConnectArtifact";

/// What `transport` says, and what an artifact of that kind is called in errors.
struct artifact_kind {
  std::string_view transport;
  std::string_view message;
  std::string_view body_key;
};

inline constexpr artifact_kind tunnel_kind{"tunnel", "TunnelClientConnectArtifact", "tunnel_grant"};
inline constexpr artifact_kind direct_kind{"direct", "DirectClientConnectArtifact", "direct_info"};

[[nodiscard]] messages::decode_error bad_artifact(std::string_view message, std::string_view field);
/// A defect of the grant or the info, placed in the artifact.
[[nodiscard]] messages::decode_error bad_body(const artifact_kind& kind, const messages::decode_error& defect);

[[nodiscard]] std::optional<messages::decode_error> check_body(
    const messages::controlplane::v1::channel_init_grant& grant);
[[nodiscard]] std::optional<messages::decode_error> check_scopes(
    const std::vector<messages::controlplane::v1::scope_metadata_entry>& scoped);
/// Version and tags; ids are for normalized().
[[nodiscard]] std::optional<messages::decode_error> check_correlation(
    const messages::controlplane::v1::correlation_context& correlation);

/// Ids trimmed, or left out when they do not fit; tags there.
[[nodiscard]] messages::controlplane::v1::correlation_context normalized(
    messages::controlplane::v1::correlation_context correlation);

}  // namespace flowersec::token
