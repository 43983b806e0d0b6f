// Options of connecting and accepting.
// Layer endpoint. Plain structs; absence is std::optional, never zero. Source: PROTOCOL, "Connection lifecycle".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/base/random.h"
#include "flowersec/endpoint/observer.h"
#include "flowersec/endpoint/transport_policy.h"
#include "flowersec/handshake/response_cache.h"
#include "flowersec/messages/controlplane_v1.h"
#include "flowersec/rpc/observer.h"
#include "flowersec/session/options.h"

namespace flowersec::endpoint {

using session_options = ::flowersec::session::session_options;
using liveness = ::flowersec::session::liveness;

/// Probing as the path has it: off when direct, derived from the grant's idle time-out through a tunnel.
struct liveness_of_path {};
struct liveness_off {};
using liveness_choice = std::variant<liveness_of_path, liveness_off, liveness>;

/// Where the bytes of certificates come from. The system's store is used when neither is given.
struct tls_trust {
  std::optional<std::string> ca_file{};  ///< path of a PEM file
  std::optional<std::string> ca_pem{};   ///< PEM text
};

/// Common to every way of getting a session.
struct common_options {
  session_options session{};
  liveness_choice liveness{};
  /// Further feature bits of the handshake; only handshake::wide_windows_feature means something here, and it is set by
  /// session.yamux.wide_window_session_bytes above 0.
  std::uint32_t features = 0;
  /// How far a client's clock may be away; servers only. Zero is exact. Not negative.
  std::chrono::milliseconds clock_skew = std::chrono::seconds{30};
  /// Servers only: responses that no client has confirmed yet, shared by every session that is given the same cache, so
  /// that a client may go on with its first message on another connection. Absent: a private one for each connection.
  std::shared_ptr<handshake::response_cache> handshake_cache{};
  /// Absent: nobody watches.
  std::shared_ptr<observer> events{};
  observer_context context{};
  /// Absent: nobody counts calls.
  std::shared_ptr<rpc::observer> rpc_events{};
  /// For tests. Both must outlive the session.
  const clock_source* clocks = &system_clocks();
  random_source* random = &system_random();
};

/// Something that the application should know before it connects: a name, a version, an object.
using artifact_scope = messages::controlplane::v1::scope_metadata_entry;

/// Looks at a scope before anything is dialled. An error or an exception refuses it. Cancelled (terminal cancellation)
/// with the attempt.
using scope_resolver = std::function<boost::asio::awaitable<result<void>>(artifact_scope)>;

/// For async_connect and async_attach_server.
struct connect_options {
  /// Required: the Origin header. A tunnel or endpoint accepts only the ones it knows.
  std::string origin{};
  transport_policy policy{};
  tls_trust trust{};
  /// Name lookup, TCP, TLS and upgrade together. Above 0.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds{10};
  /// Tunnel only: base64url of 16 to 32 bytes. Absent: 24 random bytes.
  std::optional<std::string> endpoint_instance_id{};
  /// Connecting with an artifact: who looks at its scopes, by name. A critical scope without one is refused, another
  /// one is passed over.
  std::map<std::string, scope_resolver, std::less<>> scope_resolvers{};
  /// Whether a scope that is not critical may be refused by its resolver without ending the attempt.
  bool relaxed_optional_scopes = false;
  common_options common{};
};

}  // namespace flowersec::endpoint
