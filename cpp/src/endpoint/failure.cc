#include "failure.h"

#include <array>

#include "flowersec/handshake/errc.h"
#include "flowersec/record/errc.h"
#include "flowersec/rpc/error.h"
#include "flowersec/session/error.h"
#include "flowersec/ws/error.h"
#include "flowersec/yamux/error.h"

namespace flowersec::endpoint {
namespace {

using ::flowersec::session::incident;
using ::flowersec::session::link_end;
using ::flowersec::session::send_stalled;
using ::flowersec::session::session_errc;
using handshake::handshake_errc;
using record::record_errc;
using rpc::rpc_errc;
using yamux::streams_refused;
using yamux::yamux_errc;

template <class Errc>
bool is_of(const error_code& code) noexcept {
  return code.category() == make_error_code(Errc{1}).category();
}

// Every reason that a tunnel closes an attach with has an attach code of the same name.
constexpr std::array attach_codes{
    endpoint_errc::too_many_connections,
    endpoint_errc::expected_attach,
    endpoint_errc::invalid_attach,
    endpoint_errc::invalid_token,
    endpoint_errc::channel_mismatch,
    endpoint_errc::init_exp_mismatch,
    endpoint_errc::idle_timeout_mismatch,
    endpoint_errc::role_mismatch,
    endpoint_errc::token_replay,
    endpoint_errc::tenant_mismatch,
    endpoint_errc::policy_denied,
    endpoint_errc::policy_error,
    endpoint_errc::replace_rate_limited,
    endpoint_errc::attach_failed,
    endpoint_errc::timeout,
    endpoint_errc::canceled,
};

struct pair {
  stage where;
  endpoint_errc what;
};

pair of_session_errc(session_errc why) {
  using enum session_errc;
  switch (why) {
    case invalid_options:
      return {stage::validate, endpoint_errc::invalid_option};
    case handshake_timeout:
      return {stage::handshake, endpoint_errc::timeout};
    case canceled:
      return {stage::handshake, endpoint_errc::canceled};
    case wrong_message:
      return {stage::secure, endpoint_errc::invalid_input};
    case transport_closed:
      return {stage::close, endpoint_errc::not_connected};
    case closed_here:
      return {stage::close, endpoint_errc::not_connected};
    case send_timeout:
      return {stage::yamux, endpoint_errc::timeout};
    case held_too_long:
      return {stage::handshake, endpoint_errc::handshake_failed};
    case missing_kind:
      return {stage::rpc, endpoint_errc::missing_stream_kind};
    case open_failed:
      return {stage::yamux, endpoint_errc::open_stream_failed};
    case open_limit:
      return {stage::yamux, endpoint_errc::resource_exhausted};
    case open_canceled:
      return {stage::yamux, endpoint_errc::canceled};
    case hello_invalid:
      return {stage::rpc, endpoint_errc::stream_hello_failed};
    case hello_timeout:
      return {stage::rpc, endpoint_errc::stream_hello_failed};
    case no_handler:
      return {stage::rpc, endpoint_errc::missing_handler};
    case accept_ended:
      return {stage::yamux, endpoint_errc::accept_stream_failed};
    case accept_canceled:
      return {stage::yamux, endpoint_errc::canceled};
    case accept_busy:
      return {stage::yamux, endpoint_errc::accept_stream_failed};
    case channel_gone:
      return {stage::secure, endpoint_errc::not_connected};
    case streams_gone:
      return {stage::yamux, endpoint_errc::not_connected};
    case rpc_gone:
      return {stage::rpc, endpoint_errc::not_connected};
    case controls_full:
      return {stage::secure, endpoint_errc::resource_exhausted};
    case ping_failed:
      return {stage::secure, endpoint_errc::ping_failed};
    case rekey_failed:
      return {stage::secure, endpoint_errc::rekey_failed};
    case probe_timeout:
      return {stage::yamux, endpoint_errc::timeout};
    case probe_canceled:
      return {stage::yamux, endpoint_errc::canceled};
    case probe_failed:
      return {stage::yamux, endpoint_errc::ping_failed};
    case rpc_canceled:
      return {stage::rpc, endpoint_errc::rpc_failed};
    case rpc_timeout:
      return {stage::rpc, endpoint_errc::timeout};
  }
  return {stage::close, endpoint_errc::not_connected};
}

pair of_rpc_errc(rpc_errc why) {
  switch (why) {
    case rpc_errc::resource_exhausted:
      return {stage::rpc, endpoint_errc::resource_exhausted};
    case rpc_errc::timed_out:
      return {stage::rpc, endpoint_errc::timeout};
    case rpc_errc::stream_reset:
      return {stage::rpc, endpoint_errc::not_connected};
    default:
      return {stage::rpc, endpoint_errc::rpc_failed};
  }
}

pair of_record_errc(record_errc why) {
  switch (why) {
    case record_errc::bad_limits:
      return {stage::validate, endpoint_errc::invalid_option};
    case record_errc::outbound_overflow:
    case record_errc::exhausted:
      return {stage::secure, endpoint_errc::resource_exhausted};
    case record_errc::closed:
      return {stage::secure, endpoint_errc::not_connected};
    default:
      return {stage::secure, endpoint_errc::invalid_input};
  }
}

pair of_yamux_errc(yamux_errc why) {
  switch (why) {
    case yamux_errc::invalid_limits:
      return {stage::validate, endpoint_errc::invalid_option};
    case yamux_errc::resource_exhausted:
    case yamux_errc::session_memory_exceeded:
    case yamux_errc::reply_queue_overflow:
      return {stage::yamux, endpoint_errc::resource_exhausted};
    case yamux_errc::closed:
    case yamux_errc::transport_closed:
    case yamux_errc::go_away:
      return {stage::yamux, endpoint_errc::not_connected};
    default:
      return {stage::yamux, endpoint_errc::mux_failed};
  }
}

pair of_handshake_errc(handshake_errc why) {
  using handshake::public_code;
  switch (handshake::to_public_code(why)) {
    case public_code::handshake_failed:
      return {stage::handshake, endpoint_errc::handshake_failed};
    case public_code::invalid_suite:
      return {stage::handshake, endpoint_errc::invalid_suite};
    case public_code::invalid_version:
      return {stage::handshake, endpoint_errc::invalid_version};
    case public_code::timestamp_out_of_skew:
      return {stage::handshake, endpoint_errc::timestamp_out_of_skew};
    case public_code::timestamp_after_init_exp:
      return {stage::handshake, endpoint_errc::timestamp_after_init_exp};
    case public_code::auth_tag_mismatch:
      return {stage::handshake, endpoint_errc::auth_tag_mismatch};
    case public_code::missing_channel_id:
      return {stage::validate, endpoint_errc::missing_channel_id};
    case public_code::invalid_input:
      return {stage::validate, endpoint_errc::invalid_input};
    case public_code::missing_init_exp:
      return {stage::validate, endpoint_errc::missing_init_exp};
    case public_code::invalid_option:
      return {stage::validate, endpoint_errc::invalid_option};
    case public_code::random_failed:
      return {stage::validate, endpoint_errc::random_failed};
  }
  return {stage::handshake, endpoint_errc::handshake_failed};
}

pair of_any(const error_code& why) {
  if (is_of<session_errc>(why)) return of_session_errc(static_cast<session_errc>(why.value()));
  if (is_of<rpc_errc>(why)) return of_rpc_errc(static_cast<rpc_errc>(why.value()));
  if (is_of<record_errc>(why)) return of_record_errc(static_cast<record_errc>(why.value()));
  if (is_of<yamux_errc>(why)) return of_yamux_errc(static_cast<yamux_errc>(why.value()));
  if (is_of<handshake_errc>(why)) return of_handshake_errc(static_cast<handshake_errc>(why.value()));
  return {stage::close, endpoint_errc::not_connected};
}

struct limit_hit {
  std::string_view stage;
  std::string_view resource;
};

constexpr std::string_view limit_reached = "resource_limit_reached";
constexpr limit_hit outbound{"transport", "websocket_outbound_bytes"};

// The limits that have a name for observers.
std::optional<limit_hit> limit_of(const error_code& why) noexcept {
  if (why == make_error_code(session_errc::open_limit)) return limit_hit{"yamux", "active_streams"};
  if (why == make_error_code(record_errc::outbound_overflow)) {
    return outbound;
  }
  if (why == make_error_code(yamux_errc::session_memory_exceeded)) return limit_hit{"yamux", "session_receive_bytes"};
  if (why == make_error_code(yamux_errc::window_exceeded)) return limit_hit{"yamux", "stream_receive_bytes"};
  if (why == make_error_code(rpc_errc::resource_exhausted)) return limit_hit{"rpc", {}};
  return std::nullopt;
}

// A limit that is reached is used up.
void tell_refused(const streams_refused& refused, const teller& events) {
  const auto name = refused.why == yamux::refusal::inbound_streams ? "inbound_streams" : "active_streams";
  const event_resource none{.name = {}};
  events.tell_limit(
      to_string(stage::yamux), "stream_rejected",
      refused.limit ? event_resource{.name = name, .current = refused.limit, .limit = refused.limit} : none);
}

// What a tunnel that drains, and a proxy without a server, answer to an upgrade.
constexpr unsigned service_unavailable = 503;

bool is_leaving_code(const std::optional<std::uint16_t>& close_code) noexcept {
  // RFC 6455, 7.4.1, and the codes registered since: going away, service restart, try again later.
  return close_code == 1001 || close_code == 1012 || close_code == 1013;
}

error_info with_path(path on, pair found) { return {.path = on, .stage = found.where, .code = found.what}; }

}  // namespace

error_info operation_failure(path on, const error_code& why) { return with_path(on, of_any(why)); }

error_info end_of_session(path on, const link_end& end) { return with_path(on, of_any(end.why)); }

error_info handshake_failure(path on, const error_code& why) { return with_path(on, of_any(why)); }

std::optional<endpoint_errc> attach_code_of(std::string_view reason) noexcept {
  for (const auto code : attach_codes) {
    if (reason == to_string(code)) return code;
  }
  return std::nullopt;
}

std::optional<endpoint_errc> open_code_of(std::string_view reason) noexcept {
  if (reason == "rate_limited") return endpoint_errc::resource_exhausted;
  if (reason == "open_timeout") return endpoint_errc::timeout;
  if (reason == "invalid_open") return endpoint_errc::invalid_open;
  if (reason == "unknown_key") return endpoint_errc::unknown_key;
  return std::nullopt;
}

error_info startup_failure(path on, const link_end& end) {
  if (on == path::tunnel && end.why == make_error_code(session_errc::transport_closed)) {
    if (const auto code = attach_code_of(end.transport.reason)) {
      return {.path = on, .stage = stage::attach, .code = *code};
    }
  }
  if (on == path::direct && end.why == make_error_code(session_errc::transport_closed)) {
    if (const auto code = open_code_of(end.transport.reason)) {
      return {.path = on, .stage = stage::handshake, .code = *code};
    }
  }
  if (end.why == make_error_code(session_errc::send_timeout)) {
    return {.path = on, .stage = stage::handshake, .code = endpoint_errc::timeout};
  }
  // Whatever else the peer or the network did before the session was up is a failed handshake.
  const auto found = of_any(end.why);
  const bool nameless = found.where == stage::close || is_of<record_errc>(end.why) ||
                        end.why == make_error_code(session_errc::wrong_message);
  return with_path(on, nameless ? pair{stage::handshake, endpoint_errc::handshake_failed} : found);
}

::flowersec::session::error_names names_for(path on, teller events) {
  auto of_operation = [on, events](error_code why) {
    const auto hit = limit_of(why);
    if (hit && events) events.tell_limit(hit->stage, limit_reached, {.name = hit->resource});
    return make_error(operation_failure(on, why));
  };
  return {.of_operation = std::move(of_operation),
          .of_end = [on](const link_end& end) { return make_error(startup_failure(on, end)); }};
}

std::function<void(const incident&)> reporter_for(path on, bool client, teller events) {
  if (!events) return {};
  return [on, client, events = std::move(events)](const incident& what) {
    if (const auto* refused = std::get_if<streams_refused>(&what)) return tell_refused(*refused, events);
    if (const auto* stalled = std::get_if<send_stalled>(&what)) {
      return events.tell_limit(outbound.stage, "queue_pressure",
                               {.name = outbound.resource, .current = stalled->bytes});
    }
    const auto why = std::get<session_errc>(what);
    if (why != session_errc::probe_timeout) return events.tell(operation_failure(on, make_error_code(why)));
    if (client) events.tell(to_string(stage::yamux), "liveness_timeout", event_result::fail);
  };
}

void tell_end(::flowersec::session::link& of, teller events) {
  if (!events) return;
  of.watch_end(of.next_serial(), [events = std::move(events)](const link_end* end) {
    if (end == nullptr) return;
    if (const auto hit = limit_of(end->why)) events.tell_limit(hit->stage, limit_reached, {.name = hit->resource});
    if (is_broken(*end)) events.tell(to_string(stage::close), "ws_error", event_result::skip);
    const bool by_peer = end->why == make_error_code(session_errc::transport_closed);
    events.tell(to_string(stage::close), by_peer ? "ws_close_peer_or_error" : "ws_close_local", event_result::skip);
  });
}

bool is_broken(const link_end& end) noexcept {
  if (end.why != make_error_code(session_errc::transport_closed)) {
    return end.why == make_error_code(session_errc::wrong_message) ||
           end.why == make_error_code(session_errc::send_timeout);
  }
  const auto& cause = end.transport.cause;
  return cause != ws::ws_errc::closed_by_peer && cause != ws::ws_errc::abrupt_end &&
         cause != ws::ws_errc::closed_locally;
}

bool is_draining(const link_end& end) noexcept {
  return end.why == make_error_code(yamux_errc::go_away) || is_leaving_code(end.transport.close_code);
}

bool is_going_away(const std::optional<ws::close_payload>& said) noexcept {
  return said && is_leaving_code(said->code);
}

bool is_unavailable(const error_code& not_opened) noexcept {
  return ws::refused_status(not_opened) == service_unavailable;
}

}  // namespace flowersec::endpoint
