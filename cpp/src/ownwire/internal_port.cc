#include "ownwire/internal_port.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "flowersec/base/text.h"
#include "flowersec/ws/upgrade.h"
#include "ownwire/client_link.h"
#include "ownwire/front.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
/// A credential that is good for ever is told to the handshake as one that is good for so long.
constexpr std::int64_t init_window_seconds = 60;

asio::awaitable<result<endpoint::resolved_credential>> resolve(std::shared_ptr<const internal_link_credential> link,
                                                               const clock_source* clocks,
                                                               endpoint::credential_request asked) {
  if (asked.channel_id != link->channel_id) co_return make_error_code(boost::system::errc::permission_denied);
  const auto now = count(to_unix_seconds(clocks->wall_now()));
  endpoint::resolved_credential found{.psk = link->psk.clone(), .init_exp = unix_seconds{now + init_window_seconds}};
  co_return found;
}

asio::awaitable<std::tuple<error_code, endpoint::session>> accept_direct(ws::message_socket socket,
                                                                         endpoint::credential_resolver resolver,
                                                                         endpoint::common_options common) {
  co_return co_await endpoint::async_accept(std::move(socket), std::move(resolver), std::move(common), as_result);
}

/// Names of subprotocols are compared as they are written (RFC 6455 section 4.1).
bool offers(const ws::request_head& head, std::string_view subprotocol) {
  for (const auto& field : head.fields) {
    if (!ascii_iequals(field.name, "Sec-WebSocket-Protocol")) continue;
    for (auto rest = field.value;;) {
      const auto comma = rest.find(',');
      if (trim(rest.substr(0, comma)) == subprotocol) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

}  // namespace

result<std::shared_ptr<internal_desk>> internal_desk::make(std::shared_ptr<core> owner, gateway_options& options) {
  auto& port = options.internal_port;
  const bool has_places = port.max_requests > 0 && port.max_requests_per_address > 0;
  if (!has_places || (port.token && port.token->empty())) return make_error_code(gateway_errc::invalid_option);
  auto made = std::make_shared<internal_desk>();
  made->core_ = std::move(owner);
  made->token_ = port.token;
  made->tls_ = port.tls;
  made->limits_ = options.limits;
  made->common_.clocks = options.clocks;
  made->common_.random = options.random;
  made->socket_.limits.max_message_bytes = max_internal_frame_bytes;
  made->socket_.ping_after = options.limits.ping_after;
  made->socket_.silence_limit = options.limits.silence_limit;
  made->socket_.going_away = made->going_away_;
  if (port.link) {
    if (port.link->channel_id.empty()) return make_error_code(gateway_errc::invalid_option);
    made->link_ = std::make_shared<const internal_link_credential>(std::move(*port.link));
  }
  return made;
}

asio::awaitable<void> internal_desk::receive(std::shared_ptr<internal_desk> desk, tcp::socket socket,
                                             entrance::place place) {
  auto kept = std::make_optional(std::move(place));
  const bool busy = kept->busy();
  error_code gone;
  const auto peer = unmapped(socket.remote_endpoint(gone).address()).to_string();
  if (gone) co_return;
  const auto seen = std::make_shared<request>();
  ws::accept_options options{
      .origins = ws::origin_policy::everybody(), .tls = desk->tls_, .busy = busy, .socket = desk->socket_};
  options.on_head = [desk, seen, peer, busy](const ws::request_head& head) {
    return desk->look_at(head, peer, busy, *seen);
  };
  auto accepted = co_await upgrade(std::move(socket), std::move(options));
  if (!accepted) co_return;
  auto opened = std::move(accepted->socket);
  if (seen->where == request::path::clear) {
    kept.reset();
    co_await serve_client(desk->core_, std::move(opened), seen->how, peer);
    co_return;
  }
  const auto arriving = std::make_shared<farewell>(desk->core_->serial());
  desk->core_->expect(arriving);
  auto shaking = accept_direct(std::move(opened), desk->resolver(), desk->common_);
  auto met = co_await arriving->unless_said(std::move(shaking));
  if (!met || std::get<0>(*met)) {
    if (met) {
      desk->core_->report({.kind = gateway_event_kind::client_refused, .remote_addr = peer, .detail = "handshake"});
    }
    co_return desk->core_->arrived(arriving);
  }
  kept.reset();
  co_await serve_client(desk->core_, std::move(std::get<1>(*met)), arriving, desk->limits_, peer);
}

ws::head_decision internal_desk::look_at(const ws::request_head& head, const std::string& peer, bool busy,
                                         request& seen) const {
  if (busy) return refuse(503, "Service Unavailable", peer, "busy");
  const auto path = head.path();
  if (path == "/healthz") return ws::head_answer{ws::plain_answer_text(200, "ok", false)};
  const bool clear = path == "/ws";
  const bool encrypted = path == "/e2ee" && link_ != nullptr;
  if (!clear && !encrypted) return ws::head_answer{ws::plain_answer_text(404, "404 page not found", false)};
  // Programs send none. A page in a browser on this host must not read the sessions; on the encrypted link, whose
  // clients always send one, the key decides.
  if (clear && head.first("Origin")) return refuse(403, "Forbidden", peer, "origin");
  if (clear && !knows_token(head)) return refuse(401, "Unauthorized", peer, "token");
  seen.where = clear ? request::path::clear : request::path::encrypted;
  ws::head_pass pass{.any_origin = true};
  if (clear && offers(head, extended_subprotocol)) {
    seen.how = dialect::extended;
    pass.subprotocol = extended_subprotocol;
  }
  return pass;
}

bool internal_desk::knows_token(const ws::request_head& head) const {
  if (!token_) return true;
  constexpr std::string_view scheme = "Bearer ";
  const auto shown = head.first("Authorization").value_or("");
  if (shown.size() < scheme.size() || !ascii_iequals(shown.substr(0, scheme.size()), scheme)) return false;
  return crypto::constant_time_equal(as_bytes(trim(shown.substr(scheme.size()))), as_bytes(*token_));
}

ws::head_answer internal_desk::refuse(unsigned status, std::string_view line, const std::string& peer,
                                      std::string_view why) const {
  core_->report({.kind = gateway_event_kind::client_refused, .remote_addr = peer, .detail = std::string{why}});
  return {ws::plain_answer_text(status, line, false)};
}

endpoint::credential_resolver internal_desk::resolver() const {
  return [link = link_, clocks = common_.clocks](endpoint::credential_request asked) {
    return resolve(link, clocks, std::move(asked));
  };
}

}  // namespace flowersec::ownwire
