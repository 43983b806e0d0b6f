// What a peer said before it closed is not lost when the close makes our own write fail.
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "direct_fixture.h"
#include "endpoint/failure.h"
#include "endpoint/ws_transport.h"
#include "flowersec/session/error.h"
#include "flowersec/ws/upgrade.h"
#include "support/client_frames.h"
#include "unit/ws/socket_pair.h"

namespace flowersec::testing {
namespace {

using asio::ip::tcp;
using endpoint::endpoint_errc;
using session::outbox;
using session::transport_end;

/// Makes the next write of the other side fail, as it does when a peer has closed and gone.
void vanish(tcp::socket& socket) {
  socket.set_option(asio::socket_base::linger{true, 0});
  socket.close();
}

byte_buffer server_close(std::string_view reason) {
  return ws::make_frame(ws::opcode::close, ws::encode_close_payload({.code = 1008, .reason = std::string{reason}}), {});
}

/// A tunnel that says why it refuses before it has read anything, and is gone.
awaitable<void> refuse_at_once(tcp::acceptor& at, std::string reason) {
  auto socket = co_await at.async_accept(endpoint::default_token{});
  std::string head;
  co_await asio::async_read_until(socket, asio::dynamic_buffer(head), "\r\n\r\n", endpoint::default_token{});
  constexpr std::string_view name = "Sec-WebSocket-Key: ";
  const auto key_at = head.find(name) + name.size();
  const auto key = head.substr(key_at, head.find("\r\n", key_at) - key_at);
  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
      ws::sec_websocket_accept(key) + "\r\n\r\n";
  const auto close = server_close(reason);
  answer += as_text(close);
  asio::write(socket, asio::buffer(answer));  // in one step, so that the client sees all of it or nothing
  vanish(socket);
}

error_code attach_to_refusing_tunnel(const std::string& reason) {
  asio::io_context context;
  tcp::acceptor at{context, {asio::ip::make_address("127.0.0.1"), 0}};
  endpoint::channel_init_grant grant;
  grant.tunnel_url = "ws://127.0.0.1:" + std::to_string(at.local_endpoint().port()) + "/ws";
  grant.channel_id = "channel";
  grant.channel_init_expire_at_unix_s = std::time(nullptr) + 60;
  grant.idle_timeout_seconds = 60;
  grant.role = static_cast<messages::controlplane::v1::role>(1);
  grant.token = messages::sensitive_text{"FST2.a.b"};
  grant.e2ee_psk_b64u = messages::sensitive_text{psk_text()};
  grant.allowed_suites = {messages::controlplane::v1::suite::x25519_hkdf_sha256_aes_256_gcm};
  grant.default_suite = grant.allowed_suites[0];
  asio::co_spawn(context, refuse_at_once(at, reason), asio::detached);
  error_code seen;
  const auto whole = [&]() -> awaitable<void> {
    auto [failed, up] =
        co_await endpoint::async_connect(context.get_executor(), std::move(grant), dial_options(), with_error);
    seen = failed;
  };
  run(context, whole());
  return seen;
}

TEST(refused_attach, keeps_the_tunnels_reason_when_the_attach_cannot_be_written) {
  const auto refused = attach_to_refusing_tunnel("token_replay");
  EXPECT_EQ(refused, endpoint_errc::token_replay) << refused.message();
  EXPECT_EQ(refused, endpoint::stage::attach);
}

TEST(refused_attach, without_a_known_reason_is_a_failed_attach) {
  for (const std::string reason : {"", "dial_failed"}) {
    const auto refused = attach_to_refusing_tunnel(reason);
    EXPECT_EQ(refused, endpoint_errc::attach_failed) << refused.message();
  }
}

struct listening_user final : session::transport_user {
  void on_message(session::transport_message) override { ADD_FAILURE() << "nothing was asked for"; }
  void on_sent() override { send(); }
  void on_end(transport_end why) override { end = std::move(why); }

  /// Sends until that fails.
  void send() {
    do {
      batch.clear();
      auto frame = batch.add(100);
      std::ranges::fill(frame, std::byte{1});
    } while (over->send(batch));
  }

  session::transport* over = nullptr;
  outbox batch{[](std::size_t bytes) noexcept { return ws::frame_header_bytes(bytes, false); }};
  std::optional<transport_end> end;
};

/// How a transport ends whose peer sends `words` and is gone while nothing is being read.
transport_end end_behind(byte_buffer words) {
  asio::io_context context;
  ws::testing::loopback net{context};
  std::unique_ptr<session::transport> over;
  const auto user = std::make_shared<listening_user>();
  const auto server = [&]() -> awaitable<void> {
    over = endpoint::make_ws_transport(co_await net.accept());
    over->set_user(user);
    user->over = over.get();
  };
  const auto client = [&]() -> awaitable<void> {
    auto socket = co_await net.tcp_client();
    co_await ws::testing::upgrade_raw(socket);
    asio::write(socket, asio::buffer(words));
    vanish(socket);
  };
  run_tasks(context, server(), client());
  user->send();
  context.restart();
  while (!user->end && context.run_one_for(20s) != 0) {
  }
  EXPECT_TRUE(user->end);
  auto seen = user->end.value_or(transport_end{});
  over.reset();
  return seen;
}

TEST(ws_transport, finds_the_peers_reason_behind_a_write_that_failed) {
  const auto end = end_behind(client_close(1008, "invalid_token"));
  EXPECT_EQ(end.reason, "invalid_token");
  EXPECT_EQ(end.close_code, 1008);
  EXPECT_TRUE(end.cause);
}

TEST(ws_transport, finds_it_behind_messages_that_nobody_reads_any_more) {
  auto words = client_frame(op_binary, std::string_view{"a message"});
  append(words, client_close(1008, "invalid_token"));
  EXPECT_EQ(end_behind(words).reason, "invalid_token");
}

TEST(ws_transport, a_peer_that_said_nothing_gave_no_reason) {
  for (const auto& words : {byte_buffer{}, client_frame(op_binary, std::string_view{"a message"})}) {
    const auto end = end_behind(words);
    EXPECT_EQ(end.reason, "");
    EXPECT_EQ(end.close_code, std::nullopt);
    EXPECT_TRUE(end.cause);
  }
}

}  // namespace
}  // namespace flowersec::testing
