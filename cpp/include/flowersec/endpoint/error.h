// The public error model: every failure of the endpoint layer is a {path, stage, code}.
// Layer endpoint. Knows the table of legal pairs; knows nothing of how a failure came about.
// Source: PROTOCOL, "Error model".
//
// The triple travels inside an ordinary error_code (category "flowersec.endpoint"), so that it fits every completion
// token. Programs decide on the triple, never on the text:
//
//   if (ec == endpoint_errc::token_replay) ask_for_a_fresh_grant();
//   if (auto info = describe_error(ec)) log(to_string(info->stage), to_string(info->code));
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "flowersec/base/error.h"

namespace flowersec::endpoint {

/// Which way the two programs meet. `automatic`: not yet known.
enum class path : std::uint8_t { automatic = 0, tunnel = 1, direct = 2 };

/// Where it failed.
enum class stage : std::uint8_t {
  validate = 1,  ///< before any network activity: nothing was sent, no token was used
  connect,       ///< opening the WebSocket
  attach,        ///< the tunnel refused or could not be told who we are; the token may be used up
  handshake,     ///< the peer could not be authenticated
  secure,        ///< the encrypted channel
  yamux,         ///< the stream multiplexer
  rpc,           ///< a stream's hello, or RPC
  reconnect,     ///< reserved for diagnostics; no code lists it
  close,         ///< closing
};

/// What failed. Each value says what ended and, where it is not obvious, what the caller may do.
enum class endpoint_errc : std::uint8_t {
  invalid_input = 1,             ///< malformed grant or info, over-long or non-canonical id: get another one
  invalid_option,                ///< an option or a combination of limits makes no sense: a defect of the program
  missing_grant,                 ///< no grant given
  missing_connect_info,          ///< no direct connect info given
  missing_conn,                  ///< no connection given to accept
  role_mismatch,                 ///< the grant, or the token, is for the other role
  missing_tunnel_url,            ///< the grant names no tunnel
  missing_ws_url,                ///< the connect info names no address
  missing_origin,                ///< no Origin given, or the client sent none
  missing_channel_id,            ///< the channel has no id
  missing_token,                 ///< the grant has no attach token
  missing_init_exp,              ///< the end of the init window is not positive
  invalid_psk,                   ///< the pre-shared key is not 32 bytes of base64url
  invalid_suite,                 ///< unsupported suite, or not the one the other side uses
  invalid_version,               ///< the peer speaks another version of the handshake
  invalid_endpoint_instance_id,  ///< not base64url of 16 to 32 bytes
  resolve_failed,                ///< the credential resolver failed
  transport_policy_denied,       ///< the URL is refused by the transport policy
  credential_commit_failed,      ///< the commit hook failed; the connection was closed
  random_failed,                 ///< the system gave no random bytes
  dial_failed,                   ///< the WebSocket could not be opened
  upgrade_failed,                ///< a server could not complete the WebSocket upgrade
  attach_failed,                 ///< the attach was not sent, or the tunnel could not complete it
  too_many_connections,          ///< the tunnel is full: later, with a fresh grant
  expected_attach,               ///< the tunnel did not get an attach message
  invalid_attach,                ///< the tunnel could not read the attach message
  invalid_token,                 ///< the tunnel refused the token
  channel_mismatch,              ///< the token is for another channel
  init_exp_mismatch,             ///< the channel's first endpoint had another init window
  idle_timeout_mismatch,         ///< the channel's first endpoint had another idle time-out
  token_replay,                  ///< the token was used before: get a fresh grant
  tenant_mismatch,               ///< the channel belongs to another tenant
  policy_denied,                 ///< the tunnel's policy said no
  policy_error,                  ///< the tunnel's policy could not be asked
  replace_rate_limited,          ///< this role was replaced too often
  timeout,                       ///< a deadline passed
  canceled,                      ///< the caller cancelled; at stage yamux the session lives on
  handshake_failed,              ///< any other handshake failure; on a client also a peer that refused our key
  timestamp_after_init_exp,      ///< the client came after the init window
  timestamp_out_of_skew,         ///< the two clocks differ by more than the skew allows
  auth_tag_mismatch,             ///< another pre-shared key, or tampering, seen by the server
  open_stream_failed,            ///< the stream could not be opened
  accept_stream_failed,          ///< no more streams will come, usually because the session ended
  mux_failed,                    ///< the multiplexer could not start, or the peer broke its rules: session ended
  stream_hello_failed,           ///< the hello was not written, or the peer's was not valid: the stream ended
  rpc_failed,                    ///< the RPC stream failed; calls in flight may or may not have run
  missing_stream_kind,           ///< a stream needs a kind
  missing_handler,               ///< nobody handles this kind: the stream was reset
  ping_failed,                   ///< a ping or probe failed other than by time-out
  rekey_failed,                  ///< the rekey record could not be sent
  not_connected,                 ///< the session is gone
  resource_exhausted,            ///< a configured limit was reached; nothing was sent, the session lives on
  invalid_open,                  ///< public-key mode: the open message, or the box in it, was refused
  unknown_key,                   ///< public-key mode: the server does not have the key that the client pins
};

/// Number of values of endpoint_errc.
inline constexpr std::size_t endpoint_errc_count = static_cast<std::size_t>(endpoint_errc::unknown_key);

/// The tokens of the error model, e.g. "tunnel", "handshake", "auth_tag_mismatch".
[[nodiscard]] std::string_view to_string(path value) noexcept;
[[nodiscard]] std::string_view to_string(stage value) noexcept;
[[nodiscard]] std::string_view to_string(endpoint_errc value) noexcept;
/// One sentence for people.
[[nodiscard]] const char* describe(endpoint_errc value) noexcept;

/// The code whose token is `token`.
[[nodiscard]] std::optional<endpoint_errc> parse_endpoint_errc(std::string_view token) noexcept;

/// Whether the error model lists this code for this stage. Only such pairs are ever produced.
[[nodiscard]] bool is_legal(stage where, endpoint_errc what) noexcept;
/// Whether trying again with fresh credentials is pointless.
[[nodiscard]] bool is_terminal(endpoint_errc what) noexcept;

struct error_info {
  endpoint::path path = endpoint::path::automatic;
  endpoint::stage stage = endpoint::stage::validate;
  endpoint_errc code = endpoint_errc::invalid_input;

  friend bool operator==(const error_info&, const error_info&) = default;
};

/// "tunnel: handshake/auth_tag_mismatch".
[[nodiscard]] std::string to_string(const error_info& info);

[[nodiscard]] const boost::system::error_category& endpoint_category() noexcept;
/// Packs a triple. The pair must be legal.
[[nodiscard]] error_code make_error(const error_info& info) noexcept;
/// Unpacks a triple; nullopt for a success and for codes of other categories (asio::error::eof on a stream is one).
[[nodiscard]] std::optional<error_info> describe_error(const error_code& ec) noexcept;

/// Conditions, so that `ec == endpoint_errc::timeout` and `ec == stage::attach` hold on every path.
[[nodiscard]] boost::system::error_condition make_error_condition(endpoint_errc what) noexcept;
[[nodiscard]] boost::system::error_condition make_error_condition(stage where) noexcept;

}  // namespace flowersec::endpoint

namespace boost::system {
template <>
struct is_error_condition_enum<flowersec::endpoint::endpoint_errc> : std::true_type {};
template <>
struct is_error_condition_enum<flowersec::endpoint::stage> : std::true_type {};
}  // namespace boost::system
