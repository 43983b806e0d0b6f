#include "rendezvous/registry_desk.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "flowersec/ws/upgrade.h"
#include "rendezvous/registry_link.h"
#include "ws/time_limit.h"

namespace flowersec::rendezvous {

namespace asio = boost::asio;
using asio::ip::tcp;
using transport = registry_server::transport;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
/// From the end of the handshake to the stream.
constexpr std::chrono::seconds stream_timeout{5};
/// Streams of a session: one for frames, and a few that are refused.
constexpr std::size_t max_streams = 4;
/// Records and WebSocket messages: frames are small, but senders gather them.
constexpr std::size_t max_record_bytes = 262'144;

asio::awaitable<std::tuple<error_code, endpoint::session>> accept_sealed(ws::message_socket socket,
                                                                         endpoint::sealed_credentials credentials,
                                                                         endpoint::common_options common) {
  co_return co_await endpoint::async_accept_sealed(std::move(socket), std::move(credentials), std::move(common),
                                                   as_result);
}

asio::awaitable<stream> accept_frames(endpoint::session session) {
  while (true) {
    auto [failed, incoming] = co_await session.async_accept_stream(as_result);
    if (failed) co_return stream{};
    if (incoming.kind == registry_stream_kind) co_return std::move(incoming.stream);
    incoming.stream.reset();
  }
}

}  // namespace

result<std::shared_ptr<registry_desk>> registry_desk::make(std::shared_ptr<registry_core> core,
                                                           const registry_options& options) {
  auto made = std::make_shared<registry_desk>();
  made->core_ = std::move(core);
  made->port_ = options.port.value_or(registry_port_options{});
  made->credentials_.keys = options.keys;
  made->limits_ = options.limits;
  made->legacy_ = options.legacy;
  made->socket_.limits.max_message_bytes = max_record_bytes;
  made->socket_.limits.max_block_bytes = max_registry_frame_bytes;
  made->socket_.ping_after = keepalive_interval;
  made->socket_.silence_limit = options.limits.silence;
  made->socket_.going_away = made->going_away_;
  made->common_.clocks = options.clocks;
  made->common_.random = options.random;
  made->common_.session.record.max_record_bytes = max_record_bytes;
  made->common_.session.yamux.max_active_streams = max_streams;
  made->common_.session.yamux.max_inbound_streams = max_streams;
  made->common_.session.yamux.wide_window_session_bytes = 0;  // frames are short, and anybody may come
  made->common_.session.hello_timeout = stream_timeout;
  auto trusted = ws::network_list::parse(made->port_.trusted_proxies);
  auto origins = ws::origin_rule::make(made->port_.allowed_origins, made->port_.allow_no_origin);
  const bool has_places = made->port_.max_handshakes > 0 && made->port_.max_handshakes_per_address > 0;
  if (!trusted || !origins || !has_places) return make_error_code(registry_errc::invalid_option);
  made->way_in_ =
      std::make_shared<ws::entrance>(made->port_.max_handshakes, made->port_.max_handshakes_per_address, *trusted);

  made->trusted_ = std::move(*trusted);
  made->origins_ = std::move(*origins);
  return made;
}

void registry_desk::receive(const std::shared_ptr<registry_desk>& desk, tcp::socket socket, ws::entrance::place place) {
  error_code gone;
  const auto peer = socket.remote_endpoint(gone).address();
  if (gone) return;
  const bool busy = place.busy();
  const auto in = std::make_shared<registry_entrance>();
  ws::accept_options options{
      .origins = ws::origin_policy::everybody(), .tls = desk->port_.tls, .busy = busy, .socket = desk->socket_};
  options.on_head = [desk, in, peer, busy](const ws::request_head& head) {
    return desk->look_at(head, peer, busy, *in);
  };
  const auto where = socket.get_executor();
  auto held = std::make_shared<ws::entrance::place>(std::move(place));
  asio::co_spawn(where, accept(desk, std::move(socket), std::move(options), in, std::move(held)), asio::detached);
}

asio::awaitable<void> registry_desk::accept(std::shared_ptr<registry_desk> desk, tcp::socket socket,
                                            ws::accept_options options, std::shared_ptr<registry_entrance> in,
                                            std::shared_ptr<ws::entrance::place> place) {
  auto accepted = co_await ws::upgrade(std::move(socket), std::move(options));
  if (accepted) co_await serve(desk, std::move(accepted->socket), std::move(*in), std::move(place));
}

asio::awaitable<void> registry_desk::serve(std::shared_ptr<registry_desk> desk, ws::message_socket socket,
                                           registry_entrance in, std::shared_ptr<ws::entrance::place> place) {
  // Before any computation: a flood costs one upgrade each.
  const auto& core = desk->core_;
  const auto arriving = std::make_shared<ws::farewell>(socket.get_executor());
  auto admission = on_core(*core, [&core, &in, &arriving] {
    auto admitted = core->machine().admit(in.from, core->now());
    if (admitted) core->expect(arriving);
    core->perform();
    return admitted;
  });
  const auto who = co_await std::move(admission);
  if (!who && *desk->going_away_) {
    co_await socket.async_close(ws::close_code::going_away, {}, as_result);
    co_return;
  }
  if (!who) {
    const auto refusal = in.how == transport::legacy
                             ? legacy_failure(legacy_too_often)
                             : encode(server_frame{error_frame{.code = rendezvous_errc::rate_limited, .fatal = true}});
    if (in.how != transport::sealed) {
      co_await socket.async_write_message(ws::message_kind::text, as_bytes(refusal), as_result);
    }
    co_await socket.async_close(ws::close_code::policy_violation, "rate_limited", as_result);
    co_return;
  }
  place.reset();
  if (in.how == transport::sealed) {
    auto serving = serve_sealed(desk, std::move(socket), *who, arriving, std::move(in.from.shown));
    co_return co_await std::move(serving);
  }
  const auto link = make_link(core, *who, std::move(socket), desk->limits_);
  auto opening = on_core(*core, [&core, &in, &link, &arriving, id = *who] {
    core->add(id, link);
    core->arrived(arriving);
    if (in.how == transport::legacy) {
      core->machine().on_open_legacy(id, in.path_key, core->now(), core->wall_now());
    } else {
      core->machine().on_open(id, core->now());
    }
    core->perform();
    return true;
  });
  co_await std::move(opening);
  co_await registry_link::live(link);
}

asio::awaitable<void> registry_desk::serve_sealed(std::shared_ptr<registry_desk> desk, ws::message_socket socket,
                                                  socket_id who, std::shared_ptr<ws::farewell> arriving,
                                                  std::string shown) {
  const auto& core = desk->core_;
  auto shaking = accept_sealed(std::move(socket), desk->credentials_, desk->common_);
  auto met = co_await arriving->unless_said(std::move(shaking));
  const auto failed = met ? std::get<0>(*met) : error_code{asio::error::operation_aborted};
  endpoint::session session;
  stream frames;
  if (!failed) {
    session = std::move(std::get<1>(*met));
    auto waiting = ws::within(stream_timeout, accept_frames(session));
    auto opened = co_await arriving->unless_said(std::move(waiting));
    if (opened && *opened) frames = std::move(**opened);
  }
  if (!frames) {
    registry_event event{.kind = registry_event_kind::open_failed,
                         .remote_addr = std::move(shown),
                         .detail = failed ? failed.message() : "no stream rv/registry"};
    if (!failed) co_await session.async_close(as_result);
    auto leaving = on_core(*core, [&core, &event, &arriving, who] {
      core->count_failed_open(event);
      core->remove(who);
      core->arrived(arriving);
      return true;
    });
    co_await std::move(leaving);
    co_return;
  }
  const auto strand = co_await asio::this_coro::executor;
  const auto link = make_link(core, who, strand, std::move(session), std::move(frames), desk->limits_);
  auto opening = on_core(*core, [&core, &link, &arriving, who] {
    core->add(who, link);
    core->arrived(arriving);
    core->machine().on_open(who, core->now());
    core->perform();
    return true;
  });
  co_await std::move(opening);
  co_await registry_link::live(link);
}

std::optional<registry_entrance> registry_desk::entrance_of(const ws::request_head& head) const {
  const auto path = head.path();
  if (path == registry_ws_path) return registry_entrance{.how = transport::clear};
  if (path == registry_sealed_path) return registry_entrance{.how = transport::sealed};
  if (!legacy_) return std::nullopt;
  if (path == "/legacy") return registry_entrance{.how = transport::legacy};
  // A browser that follows a location of the form site/key gets the page.
  if (!path.starts_with('/') || !head.first("Upgrade")) return std::nullopt;
  const auto key = public_key::parse(path.substr(1));
  if (!key) return std::nullopt;
  return registry_entrance{.how = transport::legacy, .path_key = *key};
}

ws::head_decision registry_desk::look_at(const ws::request_head& head, const asio::ip::address& peer, bool busy,
                                         registry_entrance& in) const {
  if (busy) return ws::head_answer{ws::plain_answer_text(503, "Service Unavailable", false)};
  if (auto entrance = entrance_of(head)) {
    in = std::move(*entrance);
    in.from = address_of_visitor(peer, head, trusted_);
    // A plain request is no WebSocket of a stranger: the upgrade answers it.
    if (!ws::asks_for_upgrade(head) || origins_.allows(head)) return ws::head_pass{.any_origin = true};
    registry_event event{.kind = registry_event_kind::origin_refused,
                         .remote_addr = in.from.shown,
                         .detail = std::string{head.first("Origin").value_or("none")}};
    asio::post(core_->serial(), [core = core_, event = std::move(event)] { core->count_refused_origin(event); });
    return ws::head_answer{ws::refusal_text(ws::refusal::forbidden, false)};
  }
  if (head.path() == "/healthz") return ws::head_answer{ws::plain_answer_text(200, "ok", false)};
  if (port_.page) {
    if (auto answer = port_.page(head)) return ws::head_answer{std::move(*answer)};
  }
  return ws::head_answer{ws::plain_answer_text(404, "404 page not found", false)};
}

}  // namespace flowersec::rendezvous
