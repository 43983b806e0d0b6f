// A registry of a test, in the io_context of the test: keeps to the rules unless it is told to tamper.
// Test support. Both transports on one port. It can be stopped and started again on the same port.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "flowersec/base/json_frame.h"
#include "flowersec/controlplane/channel_init.h"
#include "flowersec/endpoint/accept.h"
#include "flowersec/rendezvous/frames.h"
#include "flowersec/ws/accept.h"
#include "support/tunnel_grants.h"

namespace flowersec::testing {

namespace asio = boost::asio;

class rendezvous_registry {
 public:
  using frames_to_client = std::function<void(const rendezvous::public_key& to, rendezvous::server_frame& frame)>;

  rendezvous_registry(asio::io_context& context, token_mint& mint, std::string tunnel_address)
      : context_(&context), mint_(&mint), tunnel_(std::move(tunnel_address)), acceptor_(context) {
    start();
  }

  /// Sees, and may change, each frame before it leaves.
  frames_to_client tamper;
  /// The same for the text.
  std::function<void(std::string& text)> tamper_text;
  /// Plays the callee: a call goes here instead of to the one who is called.
  std::function<void(const rendezvous::public_key& caller, std::uint64_t rid,
                     const rendezvous::incoming_frame& incoming, const rendezvous::channel_ticket& client)>
      on_ring;
  /// Instead of a fresh one.
  std::function<std::string()> channel_id;
  /// Told of each pair of grants, the server's first.
  std::function<void(const rendezvous::channel_ticket&, const rendezvous::channel_ticket&)> minted;
  /// Leading zero bits asked for.
  std::optional<std::uint32_t> work{};
  std::size_t registrations = 0;
  std::size_t calls = 0;

  /// Of the grants from now on.
  void use_tunnel(std::string address) { tunnel_ = std::move(address); }

  [[nodiscard]] std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] const rendezvous::public_key& key() const { return self_.key(); }
  [[nodiscard]] bool has(const rendezvous::public_key& who) const { return members_.contains(who); }
  /// Says something to somebody out of turn.
  void say(const rendezvous::public_key& to, rendezvous::server_frame frame) { send(to, std::move(frame)); }

  void start() {
    const asio::ip::tcp::endpoint at{asio::ip::address_v4::loopback(), port_};
    acceptor_.open(at.protocol());
    acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address{true});
    acceptor_.bind(at);
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
    asio::co_spawn(*context_, accept(), asio::detached);
  }
  /// Everybody is cut off.
  void stop() {
    acceptor_.close();
    for (const auto& each : std::exchange(lines_, {})) {
      if (const auto at = each.lock()) at->end();
    }
    members_.clear();
    open_.clear();
  }
  void cut(const rendezvous::public_key& who) {
    if (const auto found = members_.find(who); found != members_.end()) found->second->end();
  }

 private:
  struct line {
    explicit line(asio::io_context& context) : wake(context) {}
    void say(std::string text) {
      outbox.push_back(std::move(text));
      wake.cancel();
    }
    void end() {
      over = true;
      wake.cancel();
      socket.abort();
      stream = {};
      session = {};
    }
    ws::message_socket socket;
    endpoint::session session;
    flowersec::stream stream;
    std::deque<std::string> outbox;
    asio::steady_timer wake;
    bool over = false;
    rendezvous::challenge_value challenge{};
    std::optional<rendezvous::public_key> who{};
  };
  using line_ptr = std::shared_ptr<line>;
  struct call {
    rendezvous::public_key caller;
    std::uint64_t rid;
    rendezvous::channel_ticket ticket;
  };

  asio::awaitable<void> accept() {
    while (acceptor_.is_open()) {
      auto [failed, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (failed) co_return;
      asio::co_spawn(*context_, serve(std::move(socket)), asio::detached);
    }
  }

  asio::awaitable<void> serve(asio::ip::tcp::socket socket) {
    ws::accept_options options{.origins = ws::origin_policy::everybody()};
    auto [failed, accepted] =
        co_await ws::async_accept(std::move(socket), std::move(options), asio::as_tuple(asio::use_awaitable));
    if (failed) co_return;
    const auto at = std::make_shared<line>(*context_);
    lines_.push_back(at);
    if (accepted.target == rendezvous::registry_sealed_path) {
      const auto ready = co_await open_sealed(*at, std::move(accepted.socket));
      if (!ready) co_return;
      asio::co_spawn(*context_, write(at), asio::detached);
      greet(*at);
      co_await read_sealed(at);
    } else {
      at->socket = std::move(accepted.socket);
      asio::co_spawn(*context_, write(at), asio::detached);
      greet(*at);
      co_await read_plain(at);
    }
    if (at->who && members_.contains(*at->who) && members_.at(*at->who) == at) members_.erase(*at->who);
    at->end();
  }

  asio::awaitable<bool> open_sealed(line& at, ws::message_socket socket) {
    const auto secret = self_.export_private().value();
    sealed::keyring keys{{.key = sealed::key_pair::from_private(secret.view())}};
    auto credentials = endpoint::sealed_credentials::of(std::move(keys));
    auto [failed, session] = co_await endpoint::async_accept_sealed(
        std::move(socket), std::move(credentials), endpoint::common_options{}, asio::as_tuple(asio::use_awaitable));
    if (failed) co_return false;
    at.session = session;
    while (true) {
      auto [refused, incoming] = co_await session.async_accept_stream(asio::as_tuple(asio::use_awaitable));
      if (refused) co_return false;
      if (incoming.kind != rendezvous::registry_stream_kind) continue;
      at.stream = std::move(incoming.stream);
      co_return true;
    }
  }

  asio::awaitable<void> read_plain(line_ptr at) {
    while (!at->over) {
      auto [failed, message] = co_await at->socket.async_read_message(asio::as_tuple(asio::use_awaitable));
      if (failed) co_return;
      take(at, as_text(message.payload));
    }
  }

  asio::awaitable<void> read_sealed(line_ptr at) {
    json_frame_splitter splitter{rendezvous::max_registry_frame_bytes};
    std::array<std::byte, 4096> input;
    while (!at->over) {
      auto [failed, bytes] =
          co_await at->stream.async_read_some(asio::buffer(input), asio::as_tuple(asio::use_awaitable));
      if (failed) co_return;
      byte_view rest{input.data(), bytes};
      while (splitter.consume(rest) == json_frame_splitter::status::frame) take(at, splitter.text());
    }
  }

  asio::awaitable<void> write(line_ptr at) {
    while (!at->over) {
      if (at->outbox.empty()) {
        at->wake.expires_at(asio::steady_timer::time_point::max());
        (void)co_await at->wake.async_wait(asio::as_tuple(asio::use_awaitable));
        continue;
      }
      const auto text = std::move(at->outbox.front());
      at->outbox.pop_front();
      if (at->stream) {
        const auto frame = encode_json_frame(text);
        (void)co_await asio::async_write(at->stream, asio::buffer(frame), asio::as_tuple(asio::use_awaitable));
      } else {
        (void)co_await at->socket.async_write_message(ws::message_kind::text, as_bytes(text),
                                                      asio::as_tuple(asio::use_awaitable));
      }
    }
  }

  void greet(line& at) {
    (void)system_random().fill(at.challenge);
    rendezvous::challenge_frame frame{.registry_keys = {self_.key()}, .challenge = at.challenge, .pow_bits = work};
    at.say(encode(rendezvous::server_frame{std::move(frame)}));
  }

  void send(const rendezvous::public_key& to, rendezvous::server_frame frame) {
    if (tamper) tamper(to, frame);
    const auto found = members_.find(to);
    if (found == members_.end()) return;
    auto text = encode(frame);
    if (tamper_text) tamper_text(text);
    found->second->say(std::move(text));
  }

  void take(const line_ptr& at, std::string_view text) {
    auto frame = rendezvous::decode_client_frame(text);
    ASSERT_TRUE(frame) << text;
    if (const auto* registering = std::get_if<rendezvous::register_frame>(&*frame)) return enrol(at, *registering);
    if (!at->who) return;
    if (const auto* ping = std::get_if<rendezvous::ping_frame>(&*frame)) {
      return at->say(encode(rendezvous::server_frame{rendezvous::pong_frame{ping->t}}));
    }
    if (const auto* calling = std::get_if<rendezvous::call_frame>(&*frame)) return ring(*at->who, *calling);
    if (const auto* accepted = std::get_if<rendezvous::accept_frame>(&*frame)) grant(*accepted);
  }

  void enrol(const line_ptr& at, const rendezvous::register_frame& frame) {
    const bool good = identity::verify_registration(self_, frame.key, identity::challenge_view{at->challenge},
                                                    frame.replace, frame.proof)
                          .has_value();
    const bool worked = !work || (frame.pow_nonce && identity::is_work(identity::challenge_view{at->challenge},
                                                                       frame.key, *work, *frame.pow_nonce));
    if (!good || !worked) {
      const auto code = good ? rendezvous::rendezvous_errc::pow_required : rendezvous::rendezvous_errc::proof_failed;
      return at->say(encode(rendezvous::server_frame{rendezvous::error_frame{.code = code, .fatal = true}}));
    }
    ++registrations;
    at->who = frame.key;
    members_.insert_or_assign(frame.key, at);
    send(frame.key, rendezvous::registered_frame{.key = frame.key, .session = "s"});
  }

  void ring(const rendezvous::public_key& from, const rendezvous::call_frame& frame) {
    ++calls;
    if (!members_.contains(frame.to)) {
      return send(
          from, rendezvous::error_frame{.code = rendezvous::rendezvous_errc::recipient_unavailable, .rid = frame.rid});
    }
    const auto id = channel_id ? channel_id() : controlplane::random_channel_id(system_random()).value();
    auto server = rendezvous::to_ticket(make_grant(*mint_, tunnel_, id, endpoint::role::server));
    auto client = rendezvous::to_ticket(make_grant(*mint_, tunnel_, id, endpoint::role::client));
    if (minted) minted(server, client);
    const auto call_id = "call-" + std::to_string(++last_call_);
    if (on_ring) {
      const rendezvous::incoming_frame incoming{
          .call_id = call_id, .from = from, .eph = frame.eph, .note = frame.note, .grant = std::move(server)};
      return on_ring(from, frame.rid, incoming, client);
    }
    open_.insert_or_assign(call_id, call{.caller = from, .rid = frame.rid, .ticket = std::move(client)});
    send(frame.to,
         rendezvous::incoming_frame{
             .call_id = call_id, .from = from, .eph = frame.eph, .note = frame.note, .grant = std::move(server)});
  }

  void grant(const rendezvous::accept_frame& frame) {
    auto found = open_.extract(frame.call_id);
    if (!found) return;
    send(found.mapped().caller, rendezvous::grant_frame{.rid = found.mapped().rid,
                                                        .call_id = frame.call_id,
                                                        .eph = frame.eph,
                                                        .grant = std::move(found.mapped().ticket)});
  }

  asio::io_context* context_;
  token_mint* mint_;
  std::string tunnel_;
  asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  identity::identity self_ = identity::identity::generate(system_random()).value();
  std::vector<std::weak_ptr<line>> lines_;
  std::map<rendezvous::public_key, line_ptr> members_;
  std::map<std::string, call> open_;
  std::uint64_t last_call_ = 0;
};

}  // namespace flowersec::testing
