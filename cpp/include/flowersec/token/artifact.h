// Connect artifacts: what a client is handed to reach an endpoint, whichever way leads there, with scopes for the
// application and labels for logs.
// Layer token, part `artifact`. Knows neither sockets nor what a scope means. Source: CONTROLPLANE, "Connect artifact".
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "flowersec/messages/controlplane_v1.h"
#include "flowersec/messages/direct_v1.h"

namespace flowersec::token {

// Constants of the format; nobody may tune them.
inline constexpr std::size_t max_artifact_scopes = 8;
inline constexpr std::size_t max_scope_name_bytes = 64;
/// Of a payload written compactly with sorted keys, the last of equal ones counting.
inline constexpr std::size_t max_scope_payload_bytes = 8192;
/// Objects and arrays inside each other, the payload itself included.
inline constexpr std::size_t max_scope_payload_depth = 8;
inline constexpr std::size_t max_correlation_tags = 8;
inline constexpr std::size_t max_correlation_key_bytes = 32;
inline constexpr std::size_t max_correlation_value_bytes = 128;
inline constexpr std::size_t min_correlation_id_bytes = 8;
inline constexpr std::size_t max_correlation_id_bytes = 128;

/// Move-only, because it holds secrets. Read from a text, every rule below holds; put together by hand, they are
/// checked when it is written.
struct connect_artifact {
  /// The grant of a client, or the info of a direct endpoint. That its texts are not blank, the key is 32 bytes and the
  /// default suite is allowed is for check_grant() and check_direct_info().
  std::variant<messages::controlplane::v1::channel_init_grant, messages::direct::v1::direct_connect_info> body;
  /// At most 8, in the issuer's order, no two of one name. `payload` is the text of an object, as it was written.
  std::vector<messages::controlplane::v1::scope_metadata_entry> scoped{};
  /// Read: v is 1, ids fit or are absent, tags are there.
  std::optional<messages::controlplane::v1::correlation_context> correlation{};

  /// A second owner of the same values, secrets included.
  [[nodiscard]] connect_artifact clone() const;
};

/// Errors   not_an_object; bad_field with the place in `field`, for example "bad ConnectArtifact.transport",
///          "bad TunnelClientConnectArtifact.tunnel_grant.token", "bad ScopeMetadataEntry.payload"; wrong_role for a
///          grant of the other role. Each refuses the artifact. A correlation id that does not fit is no error: it is
///          left out.
/// Limits   messages::max_text_bytes, and those above.
[[nodiscard]] messages::decoded<connect_artifact> decode_connect_artifact(std::string_view text);

/// What decode_connect_artifact() reads again as the same.
/// Errors   as of decode_connect_artifact().
[[nodiscard]] messages::decoded<messages::sensitive_text> encode_connect_artifact(const connect_artifact& artifact);

/// Whether the text, without trimming, may be a trace id or a session id.
[[nodiscard]] bool is_correlation_id(std::string_view text) noexcept;

}  // namespace flowersec::token
