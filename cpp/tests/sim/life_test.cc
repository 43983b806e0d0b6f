// How long a channel lives: idle time, init window, handshake time-outs, tokens used twice.
#include "world.h"

namespace flowersec::sim {
namespace {

side_options patient(std::chrono::milliseconds handshake_timeout) {
  side_options options{.idle_timeout_seconds = 600};
  options.session.handshake_timeout = handshake_timeout;
  return options;
}

TEST(interop_traps, trap_19_probes_keep_a_quiet_channel_alive_and_without_them_it_ends) {
  for (const bool probing : {true, false}) {
    world all{31};
    side_options options{};
    if (probing) options.probes = session::default_liveness(60s);
    auto& client = all.add_client(options);
    auto& server = all.add_server();
    ASSERT_TRUE(all.run_until_done(client, server));
    all.run(59s);
    EXPECT_FALSE(client.core().over());
    EXPECT_FALSE(server.core().over());
    all.run(probing ? 3600s : 3s);
    EXPECT_EQ(client.core().over(), !probing);
    EXPECT_EQ(server.core().over(), !probing);
    EXPECT_EQ(all.tunnel.closed_count("idle_timeout"), probing ? 0 : 1);
    if (probing) continue;
    EXPECT_EQ(client.over_because(), session_errc::transport_closed);
    EXPECT_EQ(server.over_because(), session_errc::transport_closed);
    all.run(5s);
    all.expect_empty_tunnel();
  }
}

TEST(interop_traps, trap_21_a_server_whose_client_does_not_come_gives_up) {
  world all{32};
  auto& server = all.add_server();
  all.run(9999ms);
  EXPECT_FALSE(server.core().over());
  all.run(1ms);
  EXPECT_EQ(server.over_because(), session_errc::handshake_timeout);
  all.run(5s);
  all.expect_empty_tunnel();
}

TEST(simulation, a_client_whose_server_does_not_come_is_told_nothing_until_the_init_window_is_over) {
  world all{33};
  auto& client = all.add_client(patient(300s));
  all.run(130s);
  EXPECT_FALSE(client.core().over());
  all.run(2s);
  EXPECT_EQ(client.over_because(), session_errc::transport_closed);
  EXPECT_EQ(all.tunnel.closed_count("init_expired"), 1);
  EXPECT_EQ(client.close_reason(), "");
  all.run(5s);
  all.expect_empty_tunnel();
}

TEST(simulation, a_pair_that_exchanges_no_record_ends_with_the_init_window) {
  world all{34};
  auto& client = all.add_client(patient(300s));
  auto& server = all.add_server(patient(300s));
  server.meddle = [](std::size_t, byte_buffer) { return message_list{}; };
  all.run(130s);
  EXPECT_EQ(server.received().size(), 1u);  // INIT
  EXPECT_FALSE(client.core().over());
  EXPECT_FALSE(server.core().over());
  all.run(2s);
  EXPECT_EQ(client.over_because(), session_errc::transport_closed);
  EXPECT_EQ(server.over_because(), session_errc::transport_closed);
  EXPECT_EQ(all.tunnel.closed_count("init_expired"), 1);
  all.run(5s);
  all.expect_empty_tunnel();
}

TEST(simulation, a_pair_that_has_exchanged_a_record_outlives_the_init_window) {
  world all{35};
  auto& client = all.add_client(patient(10s));
  auto& server = all.add_server(patient(10s));
  ASSERT_TRUE(all.run_until_done(client, server));
  all.run(500s);
  EXPECT_FALSE(client.core().over());
  EXPECT_FALSE(server.core().over());
}

TEST(simulation, a_token_used_twice_is_refused_and_its_first_user_is_not_disturbed) {
  world all{36, {.longest_delay = 3ms}};
  auto& client = all.add_client();
  all.run(100ms);
  auto& thief = all.add_client({.attach_text = client.attach_text()});
  all.run(100ms);
  EXPECT_EQ(thief.close_reason(), "token_replay");
  EXPECT_EQ(thief.over_because(), session_errc::transport_closed);
  EXPECT_FALSE(thief.connected());
  auto& server = all.add_server();
  EXPECT_TRUE(all.run_until_done(client, server));
  EXPECT_EQ(all.tunnel.attach_count("token_replay"), 1);
}

TEST(simulation, replacements_faster_than_allowed_are_refused_and_the_last_one_stays) {
  world all{37};
  side* last = &all.add_client();
  for (int i = 0; i < 5; ++i) {
    all.run(10ms);
    auto& next = all.add_client();
    all.run(10ms);
    EXPECT_TRUE(last->core().over());
    last = &next;
  }
  auto& refused = all.add_client();
  all.run(10ms);
  EXPECT_EQ(refused.close_reason(), "replace_rate_limited");
  EXPECT_TRUE(refused.core().over());
  auto& server = all.add_server();
  EXPECT_TRUE(all.run_until_done(*last, server));
}

}  // namespace
}  // namespace flowersec::sim
