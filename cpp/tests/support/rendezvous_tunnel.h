// A tunnel of a test that pairs whoever comes, and does with their messages what it is told: change, repeat, drop,
// send back, send to others. Test support, in the io_context of the test.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "flowersec/messages/tunnel_v1.h"
#include "flowersec/ws/accept.h"

namespace flowersec::testing {

namespace asio = boost::asio;

class rendezvous_tunnel {
 public:
  /// One message on its way, and what becomes of it.
  struct passing {
    bool from_client;
    std::size_t index;  ///< of this direction of this channel, from 0
    std::vector<byte_buffer> forward;
    std::vector<byte_buffer> back{};
  };

  explicit rendezvous_tunnel(asio::io_context& context)
      : context_(&context), acceptor_(context, {asio::ip::address_v4::loopback(), 0}) {
    asio::co_spawn(context, accept(), asio::detached);
  }
  ~rendezvous_tunnel() {
    for (const auto& each : ends_) each->peer.reset();
  }
  rendezvous_tunnel(const rendezvous_tunnel&) = delete;
  rendezvous_tunnel& operator=(const rendezvous_tunnel&) = delete;

  /// Absent: as a good tunnel.
  std::function<void(passing&)> tamper;
  /// Whom an end is paired with; absent: the other end of its channel.
  std::function<std::string(const std::string& channel, bool client)> pair_under;
  std::size_t pairs = 0;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  void cut() {
    for (const auto& each : std::exchange(ends_, {})) each->drop();
    waiting_.clear();
  }

 private:
  struct end {
    end(asio::io_context& context, ws::message_socket from) : socket(std::move(from)), wake(context) {}
    void say(byte_buffer message) {
      outbox.push_back(std::move(message));
      wake.cancel();
    }
    void drop() {
      over = true;
      wake.cancel();
      socket.abort();
    }
    ws::message_socket socket;
    asio::steady_timer wake;
    std::deque<byte_buffer> outbox;
    bool client = false;
    bool over = false;
    std::shared_ptr<end> peer;
  };
  using end_ptr = std::shared_ptr<end>;

  asio::awaitable<void> accept() {
    while (true) {
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
    const auto self = std::make_shared<end>(*context_, std::move(accepted.socket));
    ends_.push_back(self);
    auto [silent, first] = co_await self->socket.async_read_message(asio::as_tuple(asio::use_awaitable));
    if (silent) co_return;
    const auto attach = messages::tunnel::v1::decode_attach(as_text(first.payload));
    if (!attach) co_return self->drop();
    self->client = attach->role == messages::tunnel::v1::role::client;
    const auto under = pair_under ? pair_under(attach->channel_id, self->client) : attach->channel_id;
    const auto key = std::pair{under, self->client};
    if (const auto other = waiting_.extract(std::pair{under, !self->client}); other) {
      self->peer = other.mapped();
      self->peer->peer = self;
      ++pairs;
      for (auto& each : std::exchange(early_[other.mapped()], {})) self->say(std::move(each));
    } else {
      waiting_.insert_or_assign(key, self);
    }
    asio::co_spawn(*context_, write(self), asio::detached);
    std::size_t index = 0;
    while (!self->over) {
      auto [gone, message] = co_await self->socket.async_read_message(asio::as_tuple(asio::use_awaitable));
      if (gone) break;
      passing what{.from_client = self->client, .index = index++, .forward = {to_buffer(message.payload)}};
      if (tamper) tamper(what);
      for (auto& each : what.back) self->say(std::move(each));
      for (auto& each : what.forward) {
        if (self->peer) {
          self->peer->say(std::move(each));
        } else {
          early_[self].push_back(std::move(each));
        }
      }
    }
    if (self->peer) self->peer->drop();
    self->drop();
    self->peer.reset();
  }

  asio::awaitable<void> write(end_ptr at) {
    while (!at->over) {
      if (at->outbox.empty()) {
        at->wake.expires_at(asio::steady_timer::time_point::max());
        (void)co_await at->wake.async_wait(asio::as_tuple(asio::use_awaitable));
        continue;
      }
      const auto message = std::move(at->outbox.front());
      at->outbox.pop_front();
      (void)co_await at->socket.async_write_message(ws::message_kind::binary, byte_view{message},
                                                    asio::as_tuple(asio::use_awaitable));
    }
  }

  asio::io_context* context_;
  asio::ip::tcp::acceptor acceptor_;
  std::vector<end_ptr> ends_;
  std::map<std::pair<std::string, bool>, end_ptr> waiting_;
  std::map<end_ptr, std::vector<byte_buffer>> early_;
};

}  // namespace flowersec::testing
