// What only real sockets and threads show: shards, shutdown, refusals to start, resets, many channels at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tunnel_fixture.h"

namespace flowersec::testing {
namespace {

using ::testing::HasSubstr;

class sockets : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(over, sockets, ::testing::Values(false, true),
                         [](const auto& row) { return row.param ? "tls" : "plain"; });

TEST_P(sockets, many_channels_on_many_threads_carry_their_own_bytes) {
  real_tunnel tunnel{GetParam(), {}, 4};
  struct both {
    tunnel_client client;
    tunnel_client server;
  };
  std::vector<both> pairs;
  for (unsigned i = 0; i < 40; ++i) {
    const auto room = "room-" + std::to_string(i);
    auto client = tunnel.attach(room, 1);
    pairs.push_back({std::move(client), tunnel.attach(room, 2)});
  }
  for (unsigned i = 0; i < pairs.size(); ++i) {
    pairs[i].client.binary(pattern(10000, i));
    pairs[i].server.binary(pattern(333, i));
  }
  for (unsigned i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(pairs[i].server.frame()->payload, pattern(10000, i));
    EXPECT_EQ(pairs[i].client.frame()->payload, pattern(333, i));
  }
  EXPECT_EQ(tunnel.server->channels(), 40u);
  EXPECT_EQ(tunnel.server->connections(), 80u);
}

TEST_P(sockets, bulk_both_ways_arrives_whole) {
  real_tunnel tunnel{GetParam()};
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  // What comes before the peer has a bound far below this.
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  const auto run = [](tunnel_client& from, tunnel_client& to) {
    std::thread sender([&from] {
      for (unsigned i = 0; i < 60; ++i) from.binary(pattern(150000 + i, i));
    });
    for (unsigned i = 0; i < 60; ++i) EXPECT_EQ(to.frame()->payload, pattern(150000 + i, i)) << i;
    sender.join();
  };
  run(client, server);
  run(server, client);
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_queued_bytes"), 0);
}

TEST_P(sockets, a_reader_that_pauses_gets_everything_in_the_end) {
  real_tunnel tunnel{GetParam()};
  auto small = tunnel.how();
  small.receive_buffer_bytes = 4096;
  auto source = tunnel.attach("room", 1);
  auto reader = tunnel_client::attached(tunnel.address(), tunnel.mint.attach_text("room", 2), small);
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  std::thread sender([&source] {
    for (unsigned i = 0; i < 100; ++i) source.binary(pattern(100000, i));
  });
  // The tunnel is stalled once it holds bytes for somebody.
  while (tunnel.metric("flowersec_tunnel_queued_bytes") == 0) std::this_thread::yield();
  for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(reader.frame()->payload, pattern(100000, i)) << i;
  sender.join();
}

TEST_P(sockets, a_parked_client_that_vanishes_is_noticed) {
  real_tunnel tunnel{GetParam()};
  auto c = tunnel.attach("room", 1);
  ASSERT_TRUE(tunnel.events->wait_for("attached"));
  c.close();
  EXPECT_TRUE(tunnel.events->wait_for("closed peer_closed"));
  EXPECT_EQ(tunnel.server->connections(), 0u);
}

TEST_P(sockets, a_connection_too_many_of_one_address_is_told_so_unasked) {
  real_tunnel tunnel{GetParam()};
  tunnel.options.sources.max_connections = 1;
  tunnel.start();
  // Whose turn it is must be settled: each thread accepts by itself.
  const auto first = tunnel.connect();
  tunnel_client second{tunnel.address(), tunnel.how()};
  EXPECT_THAT(second.read_http_head(), HasSubstr("HTTP/1.1 429 "));
  EXPECT_EQ(second.read_until("\n"), "too many connections from this address\n");
  EXPECT_TRUE(second.ended());
  // The first is counted where it lives, after it was answered where it came in.
  while (tunnel.server->connections() == 0) std::this_thread::yield();
  EXPECT_EQ(tunnel.server->connections(), 1u);
}

TEST_P(sockets, a_drain_tells_who_is_alone_and_reports_its_end_once) {
  real_tunnel tunnel{GetParam(), {}, 4};
  std::vector<tunnel_client> alone;
  for (int i = 0; i < 20; ++i) alone.push_back(tunnel.attach("alone-" + std::to_string(i), 1));
  auto c = tunnel.attach("room", 1);
  auto s = tunnel.attach("room", 2);
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  ASSERT_TRUE(tunnel.events->wait_for("attached", 22));
  std::promise<void> done;
  tunnel.server->begin_drain(std::chrono::minutes{10}, [&] { done.set_value(); });
  tunnel.server->begin_drain(std::chrono::minutes{10}, [] { ADD_FAILURE() << "it was draining already"; });
  for (auto& one : alone) {
    expect_refusal(one, 1001, "draining");
    one.close();
  }
  c.binary("undisturbed");
  EXPECT_EQ(s.message(), "undisturbed");
  auto ended = done.get_future();
  EXPECT_EQ(ended.wait_for(std::chrono::seconds{0}), std::future_status::timeout);
  c.close();
  s.close();
  EXPECT_EQ(ended.wait_for(tunnel_client::patience), std::future_status::ready);
  tunnel.server->stop();
  EXPECT_EQ(tunnel.server->connections(), 0u);
}

TEST(sockets, a_reset_client_ends_its_channel) {
  real_tunnel tunnel;
  auto c = tunnel.attach("room", 1);
  auto s = tunnel.attach("room", 2);
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  c.abort();
  EXPECT_TRUE(s.ended());
  EXPECT_EQ(tunnel.server->channels(), 0u);
}

TEST(sockets, a_refused_client_reads_the_reason_though_it_kept_sending) {
  real_tunnel tunnel;
  for (int i = 0; i < 10; ++i) {
    auto c = tunnel.connect();
    auto bytes = client_frame(op_text, "{}");
    append(bytes, client_frame(op_binary, pattern(200000)));
    c.send(bytes);
    expect_refusal(c, 1002, "invalid_attach");
  }
}

TEST(sockets, stop_drops_upgraded_connections_without_a_close_frame) {
  real_tunnel tunnel;
  auto c = tunnel.attach("room", 1);
  auto s = tunnel.attach("room", 2);
  auto waiting = tunnel.connect();
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  tunnel.server->stop();
  EXPECT_TRUE(c.read_to_end().empty());
  EXPECT_TRUE(s.read_to_end().empty());
  EXPECT_TRUE(waiting.read_to_end().empty());
  EXPECT_THROW(tunnel_client{tunnel.address()}, std::runtime_error);
  EXPECT_EQ(tunnel.server->connections(), 0u);
  tunnel.server->stop();
}

TEST(sockets, stop_lets_a_request_in_progress_finish_while_channels_flow) {
  real_tunnel tunnel;
  auto c = tunnel.attach("room", 1);
  auto s = tunnel.attach("room", 2);
  tunnel_client upgrading{tunnel.address()};
  tunnel_client healthy{tunnel.address()};
  upgrading.send_text("GET /ws HTTP/1.1\r\nHost: t\r\n");
  healthy.send_text("GET /healthz HTTP/1.1\r\nHost: t\r\n");
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  // A third connection answered behind the two shows that the two were read.
  tunnel_client third{tunnel.address()};
  third.send_text("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  (void)third.read_http_head();
  std::thread stopping([&] { tunnel.server->stop(); });
  try {
    for (;;) tunnel_client{tunnel.address()}.close();
  } catch (const std::runtime_error&) {
    // Nobody is accepted any more.
  }
  c.binary("still flowing");
  EXPECT_EQ(s.message(), "still flowing");
  upgrading.send_text("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_THAT(upgrading.read_http_head(), HasSubstr("503"));
  EXPECT_EQ(upgrading.read_until("\n"), "tunnel server closed\n");
  healthy.send_text("\r\n");
  EXPECT_THAT(healthy.read_http_head(), HasSubstr("200"));
  stopping.join();
  EXPECT_TRUE(c.read_to_end().empty());
}

TEST(starting, refuses_what_cannot_work_and_names_it) {
  real_tunnel running;
  const auto start = [&](auto change) {
    auto options = running.options;
    change(options);
    return tunnel::server{options}.start();
  };
  using tunnel::tunnel_errc;
  EXPECT_EQ(start([](auto& o) { o.verifier = nullptr; }), tunnel_errc::invalid_options);
  EXPECT_EQ(start([](auto& o) { o.ws_path = "/healthz"; }), tunnel_errc::invalid_options);
  EXPECT_EQ(start([](auto& o) { o.origins.allowed.clear(); }), tunnel_errc::invalid_options);
  EXPECT_EQ(start([](auto& o) { o.listen = "nonsense"; }), tunnel_errc::bad_listen_address);
  EXPECT_EQ(start([](auto& o) {
              o.tls = tunnel::tls_files{"/nonexistent", "/nonexistent"};
            }),
            tunnel_errc::tls_files_unusable);
  EXPECT_EQ(start([&](auto& o) { o.listen = running.address(); }).message(),
            boost::system::error_code(EADDRINUSE, boost::system::system_category()).message());
  EXPECT_EQ(running.server->start(), tunnel_errc::already_started);
  EXPECT_FALSE(start([](auto&) {}));
}

TEST(http, over_long_and_broken_heads_are_answered) {
  real_tunnel tunnel;
  tunnel_client broken{tunnel.address()};
  broken.send_text("this is not http\r\n\r\n");
  EXPECT_THAT(broken.read_http_head(), HasSubstr("400"));
  tunnel_client longer{tunnel.address()};
  longer.send_text("GET /healthz HTTP/1.1\r\nX: " + std::string(40000, 'a') + "\r\n\r\n");
  EXPECT_THAT(longer.read_http_head(), HasSubstr("431"));
}

TEST(http, plain_requests_to_a_tls_port_are_told) {
  real_tunnel tunnel{true};
  for (const std::string method : {"GET", "POST", "HEAD"}) {
    tunnel_client c{tunnel.address()};
    c.send_text(method + " /ws HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_EQ(as_text(c.read_to_end()),
              "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
    EXPECT_FALSE(c.was_reset()) << method;
  }
}

/// Sends the same bytes until the connection ends, and drops what comes back.
class flood {
 public:
  flood(tunnel_client client, byte_buffer bytes)
      : client_(std::move(client)),
        sender_([this, bytes = std::move(bytes)] {
          try {
            for (;;) client_.send(bytes);
          } catch (const std::runtime_error&) {
            // The tunnel has had enough.
          }
        }),
        reader_([this] { received_ = client_.read_to_end(); }) {}
  ~flood() { join(); }
  /// What the tunnel said before the end, after the end.
  byte_buffer join() {
    if (sender_.joinable()) sender_.join();
    if (reader_.joinable()) reader_.join();
    return std::exchange(received_, {});
  }

 private:
  tunnel_client client_;
  byte_buffer received_;
  std::thread sender_;
  std::thread reader_;
};

byte_buffer repeated(byte_view piece, std::size_t times) {
  byte_buffer all;
  for (std::size_t i = 0; i < times; ++i) append(all, piece);
  return all;
}

TEST(floods, an_unattached_connection_does_not_stop_its_thread_and_still_runs_out_of_time) {
  tunnel::tunnel_limits limits;
  limits.attach_timeout = std::chrono::seconds{5};
  real_tunnel tunnel{false, limits, 1};
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  flood pings{tunnel.connect(), repeated(client_frame(op_ping, ""), 4000)};
  for (int i = 0; i < 20; ++i) {
    client.binary("through");
    EXPECT_EQ(server.message(), "through");
  }
  EXPECT_TRUE(tunnel.events->wait_for("refused timeout"));
  auto answers = pings.join();
  const auto frames = take_server_frames(answers);
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().close_reason(), "timeout");
}

TEST(floods, requests_without_end_do_not_stop_their_thread_nor_a_stop) {
  real_tunnel tunnel{false, {}, 1};
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  ASSERT_TRUE(tunnel.events->wait_for("paired"));
  std::string head = "GET /healthz HTTP/1.1\r\nHost: t\r\n";
  for (int i = 0; i < 3500; ++i) head += "a" + std::to_string(i) + ":b\r\n";
  flood requests{tunnel_client{tunnel.address()}, repeated(as_bytes(head + "\r\n"), 8)};
  for (int i = 0; i < 20; ++i) {
    client.binary("through");
    EXPECT_EQ(server.message(), "through");
  }
  tunnel.server->stop();
  EXPECT_EQ(tunnel.server->connections(), 0u);
}

TEST(http, metrics_switch_on_and_off) {
  real_tunnel tunnel;
  const auto ask = [&] {
    tunnel_client c{tunnel.address()};
    c.send_text("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n");
    return c.read_http_head();
  };
  EXPECT_THAT(ask(), HasSubstr("200"));
  tunnel.server->disable_metrics();
  EXPECT_THAT(ask(), HasSubstr("404"));
  EXPECT_EQ(tunnel.server->metrics_text(), std::nullopt);
  tunnel.server->enable_metrics();
  EXPECT_THAT(ask(), HasSubstr("200"));
}

TEST(http, many_small_requests_on_one_connection) {
  real_tunnel tunnel;
  tunnel_client c{tunnel.address()};
  std::string batch;
  for (int i = 0; i < 50; ++i) batch += "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n";
  c.send_text(batch);
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(c.read_http_head(), HasSubstr("200"));
    EXPECT_EQ(c.read_until("ok"), "ok");
  }
}

}  // namespace
}  // namespace flowersec::testing
