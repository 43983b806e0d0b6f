// The table of the error model, and its way in and out of error_code.
#include "flowersec/endpoint/error.h"

#include <array>
#include <cassert>

namespace flowersec::endpoint {
namespace {

constexpr unsigned bit(stage where) noexcept { return 1U << static_cast<unsigned>(where); }

constexpr auto validate = bit(stage::validate);
constexpr auto connect = bit(stage::connect);
constexpr auto attach = bit(stage::attach);
constexpr auto handshake = bit(stage::handshake);
constexpr auto secure = bit(stage::secure);
constexpr auto yamux = bit(stage::yamux);
constexpr auto rpc = bit(stage::rpc);
constexpr auto close = bit(stage::close);

struct row {
  endpoint_errc code;
  const char* token;
  unsigned stages;
  bool terminal;
  const char* text;
};

using enum endpoint_errc;

constexpr std::array<row, endpoint_errc_count> table{{
    {invalid_input, "invalid_input", validate | secure, true, "the input is malformed"},
    {invalid_option, "invalid_option", validate, true, "an option is invalid"},
    {missing_grant, "missing_grant", validate, true, "no grant was given"},
    {missing_connect_info, "missing_connect_info", validate, true, "no connect info was given"},
    {missing_conn, "missing_conn", validate, false, "no connection was given"},
    {role_mismatch, "role_mismatch", validate | attach, true, "the grant or token is for the other role"},
    {missing_tunnel_url, "missing_tunnel_url", validate, true, "the grant has no tunnel URL"},
    {missing_ws_url, "missing_ws_url", validate, true, "the connect info has no WebSocket URL"},
    {missing_origin, "missing_origin", validate, false, "an Origin is required"},
    {missing_channel_id, "missing_channel_id", validate, true, "the channel id is empty"},
    {missing_token, "missing_token", validate, true, "the grant has no token"},
    {missing_init_exp, "missing_init_exp", validate, true, "the init expiry is not positive"},
    {invalid_psk, "invalid_psk", validate, true, "the pre-shared key is not 32 bytes"},
    {invalid_suite, "invalid_suite", validate | handshake, true, "the suite is not supported or not the peer's"},
    {invalid_version, "invalid_version", handshake, false, "the peer speaks another version"},
    {invalid_endpoint_instance_id, "invalid_endpoint_instance_id", validate, false,
     "the endpoint instance id is not base64url of 16 to 32 bytes"},
    {resolve_failed, "resolve_failed", validate, false, "the credential could not be resolved"},
    {transport_policy_denied, "transport_policy_denied", validate, true, "the transport policy refuses this URL"},
    {credential_commit_failed, "credential_commit_failed", handshake, false, "the credential could not be committed"},
    {random_failed, "random_failed", validate, false, "the system gave no random bytes"},
    {dial_failed, "dial_failed", connect, false, "the WebSocket could not be opened"},
    {upgrade_failed, "upgrade_failed", connect, false, "the WebSocket upgrade failed"},
    {attach_failed, "attach_failed", attach, false, "the attach failed"},
    {too_many_connections, "too_many_connections", attach, false, "the tunnel is full"},
    {expected_attach, "expected_attach", attach, false, "the tunnel expected an attach message"},
    {invalid_attach, "invalid_attach", attach, false, "the tunnel could not read the attach message"},
    {invalid_token, "invalid_token", attach, false, "the tunnel refused the token"},
    {channel_mismatch, "channel_mismatch", attach, false, "the token is for another channel"},
    {init_exp_mismatch, "init_exp_mismatch", attach, false, "the init expiry differs from the other endpoint's"},
    {idle_timeout_mismatch, "idle_timeout_mismatch", attach, false,
     "the idle time-out differs from the other endpoint's"},
    {token_replay, "token_replay", attach, false, "the token was used before"},
    {tenant_mismatch, "tenant_mismatch", attach, false, "the channel belongs to another tenant"},
    {policy_denied, "policy_denied", attach, false, "the tunnel's policy denied the attach"},
    {policy_error, "policy_error", attach, false, "the tunnel's policy could not be asked"},
    {replace_rate_limited, "replace_rate_limited", attach, false, "this endpoint was replaced too often"},
    {timeout, "timeout", connect | attach | handshake | yamux | rpc, false, "the deadline passed"},
    {canceled, "canceled", connect | attach | handshake | yamux, false, "cancelled by the caller"},
    {handshake_failed, "handshake_failed", handshake, false, "the handshake failed"},
    {timestamp_after_init_exp, "timestamp_after_init_exp", handshake, false, "the init window is over"},
    {timestamp_out_of_skew, "timestamp_out_of_skew", handshake, false, "the clocks differ too much"},
    {auth_tag_mismatch, "auth_tag_mismatch", handshake, false, "the peer does not know the pre-shared key"},
    {open_stream_failed, "open_stream_failed", yamux, false, "the stream could not be opened"},
    {accept_stream_failed, "accept_stream_failed", yamux, false, "no more streams can be accepted"},
    {mux_failed, "mux_failed", yamux, false, "the stream multiplexer failed"},
    {stream_hello_failed, "stream_hello_failed", rpc, false, "the stream hello failed"},
    {rpc_failed, "rpc_failed", rpc, false, "the RPC stream failed"},
    {missing_stream_kind, "missing_stream_kind", rpc, false, "the stream kind is empty"},
    {missing_handler, "missing_handler", rpc, false, "nobody handles this stream kind"},
    {ping_failed, "ping_failed", secure | yamux | close, false, "the ping failed"},
    {rekey_failed, "rekey_failed", secure, false, "the key update failed"},
    {not_connected, "not_connected", secure | yamux | rpc | close, false, "the session is gone"},
    {resource_exhausted, "resource_exhausted", connect | handshake | secure | yamux | rpc | close, false,
     "a configured limit was reached"},
    {invalid_open, "invalid_open", handshake, false, "the open message was refused"},
    {unknown_key, "unknown_key", handshake, false, "the server does not have this key"},
}};

constexpr bool rows_stand_in_order() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].code) != i + 1) return false;
  }
  return true;
}
static_assert(rows_stand_in_order());

constexpr const row* find(endpoint_errc code) noexcept {
  const auto index = static_cast<std::size_t>(code) - 1;
  return index < table.size() ? &table[index] : nullptr;
}

// error_code value: code | stage << 8 | path << 16. A condition carries the code, or the stage << 8, alone.
constexpr int pack(const error_info& info) noexcept {
  return static_cast<int>(info.code) | static_cast<int>(info.stage) << 8 | static_cast<int>(info.path) << 16;
}

constexpr error_info unpack(int value) noexcept {
  return {.path = static_cast<path>(value >> 16 & 0xff),
          .stage = static_cast<stage>(value >> 8 & 0xff),
          .code = static_cast<endpoint_errc>(value & 0xff)};
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"  // error_category has none by design; nothing deletes through it
#endif
class category final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "flowersec.endpoint"; }
  [[nodiscard]] std::string message(int value) const override {
    const auto info = unpack(value);
    return to_string(info) + ": " + describe(info.code);
  }
  using error_category::equivalent;
  [[nodiscard]] bool equivalent(int value, const boost::system::error_condition& condition) const noexcept override {
    if (condition.category() != *this) return false;
    const auto info = unpack(value);
    return condition.value() == static_cast<int>(info.code) || condition.value() == static_cast<int>(info.stage) << 8;
  }
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace

std::string_view to_string(path value) noexcept {
  switch (value) {
    case path::automatic:
      return "auto";
    case path::tunnel:
      return "tunnel";
    case path::direct:
      return "direct";
  }
  return "auto";
}

std::string_view to_string(stage value) noexcept {
  switch (value) {
    case stage::validate:
      return "validate";
    case stage::connect:
      return "connect";
    case stage::attach:
      return "attach";
    case stage::handshake:
      return "handshake";
    case stage::secure:
      return "secure";
    case stage::yamux:
      return "yamux";
    case stage::rpc:
      return "rpc";
    case stage::reconnect:
      return "reconnect";
    case stage::close:
      return "close";
  }
  return "unknown";
}

std::string_view to_string(endpoint_errc value) noexcept {
  const auto* found = find(value);
  return found != nullptr ? found->token : "unknown";
}

const char* describe(endpoint_errc value) noexcept {
  const auto* found = find(value);
  return found != nullptr ? found->text : "unknown error";
}

std::optional<endpoint_errc> parse_endpoint_errc(std::string_view token) noexcept {
  for (const auto& candidate : table) {
    if (token == candidate.token) return candidate.code;
  }
  return std::nullopt;
}

bool is_legal(stage where, endpoint_errc what) noexcept {
  const auto* found = find(what);
  return found != nullptr && (found->stages & bit(where)) != 0;
}

bool is_terminal(endpoint_errc what) noexcept {
  const auto* found = find(what);
  return found != nullptr && found->terminal;
}

std::string to_string(const error_info& info) {
  std::string text{to_string(info.path)};
  text += ": ";
  text += to_string(info.stage);
  text += '/';
  text += to_string(info.code);
  return text;
}

const boost::system::error_category& endpoint_category() noexcept {
  static const category instance;
  return instance;
}

error_code make_error(const error_info& info) noexcept {
  assert(is_legal(info.stage, info.code));
  return {pack(info), endpoint_category()};
}

std::optional<error_info> describe_error(const error_code& ec) noexcept {
  if (!ec || ec.category() != endpoint_category()) return std::nullopt;
  return unpack(ec.value());
}

boost::system::error_condition make_error_condition(endpoint_errc what) noexcept {
  return {static_cast<int>(what), endpoint_category()};
}

boost::system::error_condition make_error_condition(stage where) noexcept {
  return {static_cast<int>(where) << 8, endpoint_category()};
}

}  // namespace flowersec::endpoint
