// What must work: meeting, streams and RPC over the tunnel, however the bytes are cut, delayed and held back.
#include "world.h"

namespace flowersec::sim {
namespace {

/// Closes from the client and waits until everybody has noticed.
void close_and_check(world& all, side& client, side& server) {
  client.close();
  all.run(5s);
  EXPECT_EQ(client.over_because(), session_errc::closed_here);
  EXPECT_EQ(server.over_because(), session_errc::transport_closed);
  expect_typed_end(client);
  expect_typed_end(server);
  all.expect_empty_tunnel();
}

TEST(simulation, handshake_streams_and_rpc_pass_with_every_chunking) {
  for (const std::size_t piece : {1, 2, 3, 5, 7, 13, 64, 125, 1000, 70000}) {
    for (const auto suite : {crypto::suite::x25519, crypto::suite::p256}) {
      SCOPED_TRACE(piece);
      world all{piece, {.smallest_piece = piece, .largest_piece = piece}};
      const side_options options{.plan = {.up_bytes = 700, .down_bytes = 500}, .suite = suite};
      auto& client = all.add_client(options);
      auto& server = all.add_server(options);
      ASSERT_TRUE(all.run_until_done(client, server));
      EXPECT_EQ(client.sent(), server.received());
      EXPECT_EQ(server.sent(), client.received());
      close_and_check(all, client, server);
    }
  }
}

TEST(simulation, either_end_may_come_first_and_wait) {
  for (const bool client_first : {true, false}) {
    for (const auto wait : {0ms, 1ms, 100ms, 9000ms}) {
      SCOPED_TRACE(wait.count());
      world all{11, {.longest_delay = 20ms}};
      side* client = client_first ? &all.add_client() : nullptr;
      side* server = client_first ? nullptr : &all.add_server();
      all.run(wait);
      if (client == nullptr) client = &all.add_client();
      if (server == nullptr) server = &all.add_server();
      ASSERT_TRUE(all.run_until_done(*client, *server));
      close_and_check(all, *client, *server);
    }
  }
}

TEST(simulation, a_mebibyte_each_way_passes_tiny_pipes) {
  world all{12, {.longest_delay = 100us, .capacity_bytes = 4096, .largest_piece = 4096}};
  const side_options options{.plan = {.streams = 1, .up_bytes = 1 << 20, .down_bytes = 1 << 20}};
  auto& client = all.add_client(options);
  auto& server = all.add_server(options);
  ASSERT_TRUE(all.run_until_done(client, server, 600s));
  // One read of each direction waits. It touches two records, each counted whole, and a few small ones.
  EXPECT_LE(all.most_queued_bytes(), 2 * (2 * record::sealed_bytes(16384) + 4096));
  close_and_check(all, client, server);
}

TEST(simulation, pipes_of_a_few_bytes_are_enough) {
  for (const std::size_t capacity : {1, 2, 7, 33}) {
    SCOPED_TRACE(capacity);
    world all{capacity, {.capacity_bytes = capacity}};
    const side_options options{.plan = {.streams = 1, .up_bytes = 2000, .down_bytes = 2000, .calls = 1}};
    auto& client = all.add_client(options);
    auto& server = all.add_server(options);
    ASSERT_TRUE(all.run_until_done(client, server));
    close_and_check(all, client, server);
  }
}

TEST(simulation, a_reader_that_pauses_loses_nothing_and_stops_nobody_else) {
  world all{13, {.longest_delay = 1ms}};
  const side_options options{.plan = {.streams = 3, .up_bytes = 400'000, .down_bytes = 10'000}};
  auto& client = all.add_client(options);
  auto& server = all.add_server(options);
  ASSERT_TRUE(all.run(5s, [&] { return client.connected() && server.connected(); }));
  server.app.set_reading(false);
  all.run(20s);
  EXPECT_FALSE(server.core().over());
  // The windows are full and the tunnel holds nothing: a slow application costs only its own end.
  EXPECT_EQ(all.tunnel.shared->total_bytes.held(), 0u);
  server.app.set_reading(true);
  ASSERT_TRUE(all.run_until_done(client, server));
  close_and_check(all, client, server);
}

TEST(simulation, rekeys_in_both_directions_do_not_disturb_a_transfer) {
  world all{14, {.longest_delay = 2ms, .largest_piece = 3000}};
  const side_options options{.plan = {.streams = 2, .up_bytes = 150'000, .down_bytes = 150'000, .calls = 20}};
  auto& client = all.add_client(options);
  auto& server = all.add_server(options);
  ASSERT_TRUE(all.run(5s, [&] { return client.connected() && server.connected(); }));
  int rekeys = 0;
  all.before_step = [&](std::size_t step) {
    if (step % 7 != 0) return;
    auto& one = step % 2 == 0 ? client : server;
    if (one.core().rekey()) ++rekeys;
  };
  ASSERT_TRUE(all.run_until_done(client, server));
  EXPECT_GT(rekeys, 50);
  all.before_step = [](std::size_t) {};
  close_and_check(all, client, server);
}

TEST(simulation, a_replaced_pair_ends_and_the_new_one_starts_clean) {
  for (std::size_t read_before = 1; read_before < 300'000; read_before += 60'000) {
    SCOPED_TRACE(read_before);
    world all{read_before, {.longest_delay = 1ms, .capacity_bytes = 20'000}};
    const side_options options{.plan = {.streams = 1, .up_bytes = 200'000, .down_bytes = 200'000}};
    auto& client = all.add_client(options);
    auto& server = all.add_server(options);
    ASSERT_TRUE(all.run(60s, [&] { return client.app.bytes_read() + server.app.bytes_read() >= read_before; }));
    auto& new_client = all.add_client(options);
    all.run(100ms);
    EXPECT_EQ(client.over_because(), session_errc::transport_closed);
    EXPECT_EQ(server.over_because(), session_errc::transport_closed);
    auto& new_server = all.add_server(options);
    ASSERT_TRUE(all.run_until_done(new_client, new_server));
    expect_typed_end(client);
    expect_typed_end(server);
    close_and_check(all, new_client, new_server);
  }
}

}  // namespace
}  // namespace flowersec::sim
