#include "ownwire/public_port.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "flowersec/ws/upgrade.h"
#include "ownwire/front.h"
#include "ownwire/user_link.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
/// Streams of a session: one chat, and a few that are refused.
constexpr std::size_t max_streams = 8;

template <class F>
asio::awaitable<std::invoke_result_t<F>> call(F function) {
  co_return function();
}

/// Runs `function` on the core's strand.
template <class F>
auto on_core(const core& owner, F function) {
  return asio::co_spawn(owner.serial(), call(std::move(function)), asio::use_awaitable);
}

asio::awaitable<std::tuple<error_code, endpoint::session>> accept_sealed(ws::message_socket socket,
                                                                         endpoint::sealed_credentials credentials,
                                                                         endpoint::common_options common) {
  co_return co_await endpoint::async_accept_sealed(std::move(socket), std::move(credentials), std::move(common),
                                                   as_result);
}

ws::head_answer unavailable() { return {ws::plain_answer_text(503, "Service Unavailable", false)}; }

bool ends_request(const ws::request_head& head) { return head.path() == "/healthz"; }

}  // namespace

result<std::shared_ptr<public_desk>> public_desk::make(std::shared_ptr<core> owner, const gateway_options& options) {
  auto made = std::make_shared<public_desk>();
  made->core_ = std::move(owner);
  made->options_ = options.public_port.value_or(public_port_options{});
  made->credentials_ = options.credentials;
  made->limits_ = options.limits;
  made->socket_.limits.max_message_bytes = endpoint::session_options{}.record.max_record_bytes;
  made->socket_.limits.max_block_bytes = 16'384;
  made->socket_.ping_after = options.limits.ping_after;
  made->socket_.silence_limit = options.limits.silence_limit;
  made->socket_.going_away = made->going_away_;
  made->common_.clocks = options.clocks;
  made->common_.random = options.random;
  made->common_.session.yamux.max_active_streams = max_streams;
  made->common_.session.yamux.max_inbound_streams = max_streams;
  made->common_.session.yamux.wide_window_session_bytes = 0;  // texts are short, and anybody may come
  made->common_.session.hello_timeout = options.limits.hello_timeout;
  auto trusted = network_list::parse(made->options_.trusted_proxies);
  const auto& port = made->options_;
  const bool has_places = port.max_requests > 0 && port.max_requests_per_address > 0 && port.max_handshakes > 0 &&
                          port.max_handshakes_per_address > 0;
  if (!trusted || !port.path.starts_with('/') || !has_places) return make_error_code(gateway_errc::invalid_option);
  made->handshakes_ = std::make_shared<entrance>(port.max_handshakes, port.max_handshakes_per_address, network_list{});
  made->refusals_ = std::make_shared<entrance>(entrance::max_refusals, entrance::max_refusals, network_list{});
  made->trusted_ = std::move(*trusted);
  auto origins = origin_rule::make(made->options_.allowed_origins, made->options_.allow_no_origin);
  if (!origins) return make_error_code(gateway_errc::invalid_option);
  made->origins_ = std::move(*origins);
  return made;
}

asio::awaitable<void> public_desk::receive(std::shared_ptr<public_desk> desk, tcp::socket socket,
                                           entrance::place place) {
  auto request = std::make_optional(std::move(place));
  const bool busy = request->busy();
  error_code gone;
  const auto peer = socket.remote_endpoint(gone).address();
  if (gone) co_return;
  const auto user = std::make_shared<arrival>();
  ws::accept_options options{.origins = ws::origin_policy::everybody(), .busy = busy, .socket = desk->socket_};
  options.on_head = [desk, user, peer, busy](const ws::request_head& head) {
    return desk->look_at(head, peer, busy, *user);
  };
  auto accepted = co_await upgrade(std::move(socket), std::move(options));
  request.reset();
  if (!accepted) co_return;
  if (!user->handshake) {
    co_await accepted->socket.async_close(ws::close_code::policy_violation, "rate_limited", as_result);
    co_return;
  }
  co_await open(desk, std::move(accepted->socket), std::move(*user));
}

asio::awaitable<void> public_desk::adopt(std::shared_ptr<public_desk> desk, ws::message_socket socket,
                                         visitor_address from) {
  arrival user{.from = std::move(from)};
  user.handshake = desk->handshakes_->enter(user.from);
  if (!user.handshake) {
    desk->report_refused({.kind = gateway_event_kind::visitor_refused, .remote_addr = user.from.shown});
    co_await socket.async_close(ws::close_code::policy_violation, "rate_limited", as_result);
    co_return;
  }
  co_await open(desk, std::move(socket), std::move(user));
}

asio::awaitable<void> public_desk::open(std::shared_ptr<public_desk> desk, ws::message_socket socket, arrival user) {
  const auto kept = std::move(user.handshake);
  const auto shown = user.from.shown;
  const auto arriving = std::make_shared<farewell>(socket.get_executor());
  // Before any computation: a flood costs one upgrade each.
  auto admission = on_core(*desk->core_, [desk, arriving, from = std::move(user.from)] {
    auto admitted = desk->core_->machine().admit(from, desk->core_->now());
    if (admitted) desk->core_->expect(arriving);
    desk->core_->perform();
    return admitted;
  });
  const auto who = co_await std::move(admission);
  if (!who) {
    const bool ending = *desk->going_away_;
    const auto code = ending ? ws::close_code::going_away : ws::close_code::policy_violation;
    co_await socket.async_close(code, ending ? "" : "rate_limited", as_result);
    co_return;
  }
  auto opening = accept_sealed(std::move(socket), desk->credentials_, desk->common_);
  auto opened = co_await arriving->unless_said(std::move(opening));
  const auto id = *who;
  if (!opened || std::get<0>(*opened)) {
    const auto failed = opened ? std::get<0>(*opened) : error_code{asio::error::operation_aborted};
    gateway_event event{.kind = gateway_event_kind::open_failed, .remote_addr = shown, .detail = failed.message()};
    asio::post(desk->core_->serial(), [desk, arriving, id, event = std::move(event)] {
      desk->core_->report(event);
      desk->core_->remove_user(id);
      desk->core_->arrived(arriving);
    });
    co_return;
  }
  asio::post(desk->core_->serial(), [desk, arriving, id, up = std::move(std::get<1>(*opened))]() mutable {
    std::make_shared<user_link>(desk->core_, id, std::move(up), desk->limits_)->start();
    desk->core_->arrived(arriving);
  });
}

ws::head_decision public_desk::look_at(const ws::request_head& head, const asio::ip::address& peer, bool busy,
                                       arrival& user) const {
  if (busy) return unavailable();
  if (head.path() == options_.path) {
    // A plain request is no WebSocket of a stranger: the upgrade answers it.
    if (!ws::asks_for_upgrade(head)) return ws::head_pass{.any_origin = true};
    user.from = address_of_visitor(peer, head, trusted_);
    if (!origins_.allows(head)) {
      report_refused({.kind = gateway_event_kind::origin_refused,
                      .remote_addr = user.from.shown,
                      .detail = std::string{head.first("Origin").value_or("none")}});
      return ws::head_answer{ws::refusal_text(ws::refusal::forbidden, false)};
    }
    user.handshake = handshakes_->enter(user.from);
    if (!user.handshake) {
      // A page cannot read the status of a refused upgrade: the reason comes with a close, while there is room for
      // that.
      report_refused({.kind = gateway_event_kind::visitor_refused, .remote_addr = user.from.shown});
      user.refusal = refusals_->enter(user.from);
      if (!user.refusal) return unavailable();
    }
    return ws::head_pass{.any_origin = true};
  }
  if (options_.page) {
    if (auto answer = options_.page(head)) return ws::head_answer{std::move(*answer)};
  }
  if (ends_request(head)) return ws::head_answer{ws::plain_answer_text(200, "ok", false)};
  return ws::head_answer{ws::plain_answer_text(404, "404 page not found", false)};
}

void public_desk::report_refused(gateway_event event) const {
  asio::post(core_->serial(), [owner = core_, event = std::move(event)] { owner->report_refused(event); });
}

}  // namespace flowersec::ownwire
