// A session's life: coming up, its streams, its ends.
#include <gtest/gtest.h>

#include "support/raw_peer.h"
#include "support/session_pair.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using record::record_errc;
using session::session_errc;
using session::session_over;
using yamux::yamux_errc;

TEST(machine, comes_up_with_both_suites_and_opens_the_rpc_stream) {
  for (const auto suite : {crypto::suite::x25519, crypto::suite::p256}) {
    session_pair pair{client_options_of(suite), server_options_of(suite)};
    pair.settle();
    ASSERT_NE(pair.client.last<session::connected>(), nullptr);
    EXPECT_TRUE(pair.client.last<session::connected>()->rpc_stream);
    ASSERT_NE(pair.server.last<session::connected>(), nullptr);
    EXPECT_FALSE(pair.server.last<session::connected>()->rpc_stream);
    ASSERT_NE(pair.server.last<session::stream_arrived>(), nullptr);
    EXPECT_EQ(pair.server.last<session::stream_arrived>()->kind, "rpc");
  }
}

/// Whatever an application tries, and however long it waits: nothing leaves.
void expect_silence(session_pair& pair, end_point& end) {
  for (int second = 0; second < 2; ++second) {
    EXPECT_FALSE(end.core().open("x", end.now()));
    EXPECT_EQ(end.core().ping().error(), session_errc::channel_gone);
    EXPECT_EQ(end.core().rekey().error(), session_errc::channel_gone);
    EXPECT_FALSE(end.core().probe(1s, end.now()));
    EXPECT_TRUE(end.take_messages().empty());
    pair.pass(1s);
  }
  EXPECT_FALSE(end.core().over());
}

/// The only message that is due, which must be one of the handshake.
byte_buffer only_handshake_message(end_point& from) {
  auto messages = from.take_messages();
  EXPECT_EQ(messages.size(), 1u);
  EXPECT_TRUE(as_text(messages.at(0)).starts_with("FSEH"));
  return messages.at(0);
}

TEST(machine, sends_no_record_before_the_server_has_finished) {
  for (const auto suite : {crypto::suite::x25519, crypto::suite::p256}) {
    session_pair pair{client_options_of(suite), server_options_of(suite)};
    pair.server.give(only_handshake_message(pair.client));
    expect_silence(pair, pair.client);
    pair.client.give(only_handshake_message(pair.server));
    pair.server.give(only_handshake_message(pair.client));
    expect_silence(pair, pair.client);
    const auto finished = pair.server.take_messages();
    ASSERT_EQ(finished.size(), 1u);
    expect_silence(pair, pair.client);
    pair.client.give(finished[0]);
    const auto records = pair.client.take_messages();
    ASSERT_FALSE(records.empty());
    for (const auto& record : records) EXPECT_TRUE(as_text(record).starts_with("FSEC"));
  }
}

TEST(machine, a_server_sends_no_record_before_the_client_has_proved_itself) {
  for (const auto suite : {crypto::suite::x25519, crypto::suite::p256}) {
    session_pair pair{client_options_of(suite), server_options_of(suite)};
    expect_silence(pair, pair.server);
    pair.server.give(only_handshake_message(pair.client));
    pair.client.give(only_handshake_message(pair.server));
    expect_silence(pair, pair.server);
    pair.server.give(only_handshake_message(pair.client));
    EXPECT_NE(pair.server.last<session::connected>(), nullptr);
    ASSERT_TRUE(pair.server.core().open("x", pair.time.now()));
    const auto records = pair.server.take_messages();
    ASSERT_GT(records.size(), 1u);
    EXPECT_EQ(records[0][5], std::byte{1}) << "what ends the handshake comes first";
    for (const auto& record : records) EXPECT_TRUE(as_text(record).starts_with("FSEC"));
  }
}

TEST(interop_traps, trap_07_the_server_finished_ping_uses_sequence_one) {
  session_pair pair;
  session_pair::carry(pair.client, pair.server);  // INIT
  session_pair::carry(pair.server, pair.client);  // RESP
  session_pair::carry(pair.client, pair.server);  // ACK
  const auto messages = pair.server.take_messages();
  ASSERT_EQ(messages.size(), 1u);
  ASSERT_EQ(messages[0].size(), 34u);
  EXPECT_EQ(load_be<std::uint64_t>(messages[0].data() + 6), 1u);
  EXPECT_EQ(messages[0][5], std::byte{1});
  // An app record in its place ends the client.
  virtual_time time;
  end_point client{client_options_of(), time};
  auto peer = raw_peer::unfinished_server_of(client);
  peer.send(yamux::encode_ping(0));
  EXPECT_EQ(client.over_because(), record_errc::not_server_finished);
}

TEST(interop_traps, trap_01_a_ping_with_opaque_zero_is_answered_and_may_come_first) {
  virtual_time time;
  end_point client{client_options_of(), time};
  auto peer = raw_peer::server_of(client);
  peer.send(yamux::encode_ping(0));
  bool answered = false;
  for (const auto& frame : peer.take_frames()) {
    const auto* ping = std::get_if<yamux::ping_frame>(&frame.header);
    answered = answered || (ping != nullptr && ping->is == yamux::ping_frame::direction::reply && ping->opaque == 0);
  }
  EXPECT_TRUE(answered);
  EXPECT_FALSE(client.core().over());
}

TEST(interop_traps, trap_05_the_hello_has_a_data_frame_of_its_own) {
  virtual_time time;
  end_point client{client_options_of(), time};
  auto peer = raw_peer::server_of(client);
  const auto id = client.core().open("chat", time.now()).value();
  client.write(id, "first bytes");
  std::vector<byte_buffer> bodies;
  for (const auto& frame : peer.take_frames()) {
    const auto* data = std::get_if<yamux::data_frame>(&frame.header);
    if (data != nullptr && data->id == id) bodies.push_back(frame.body);
  }
  ASSERT_EQ(bodies.size(), 2u);
  EXPECT_EQ(bodies[0], encode_json_frame(R"({"kind":"chat","v":1})"));
  EXPECT_EQ(as_text(bodies[1]), "first bytes");
}

TEST(interop_traps, trap_06_no_app_record_is_empty_and_a_received_one_is_ignored) {
  virtual_time time;
  end_point client{client_options_of(), time};
  auto peer = raw_peer::server_of(client);
  static_cast<void>(peer.take_frames());
  const auto id = client.core().open("x", time.now()).value();
  client.write(id, "");
  client.write(id, "a");
  static_cast<void>(peer.take_frames());
  for (const auto size : peer.record_sizes) EXPECT_GT(size, 0u);
  peer.send_empty_app_record();
  EXPECT_FALSE(client.core().over());
}

TEST(machine, its_end_fails_every_stream_refuses_new_ones_and_is_reported_once) {
  session_pair pair;
  pair.settle();
  const auto id = pair.client.core().open("x", pair.time.now()).value();
  pair.client.core().end(make_error_code(session_errc::transport_closed), pair.time.now());
  pair.client.core().end(make_error_code(session_errc::closed_here), pair.time.now());
  EXPECT_EQ(pair.client.count<yamux::stream_failed>(), 2u);  // this one and the rpc stream
  EXPECT_EQ(pair.client.count<session_over>(), 1u);
  EXPECT_TRUE(std::holds_alternative<session_over>(pair.client.events.back()));
  EXPECT_FALSE(pair.client.last<session_over>()->before_connected);
  EXPECT_FALSE(pair.client.core().has_output());
  EXPECT_EQ(pair.client.core().open("y", pair.time.now()).error(), session_errc::streams_gone);
  EXPECT_FALSE(pair.client.core().write(id, as_bytes("x"), pair.time.now()));
}

TEST(interop_traps, trap_18_a_text_message_ends_the_session) {
  session_pair pair;
  pair.settle();
  pair.client.give(as_bytes("{}"), session::message_kind::text);
  EXPECT_EQ(pair.client.over_because(), session_errc::wrong_message);
}

TEST(interop_traps, trap_21_the_servers_time_out_includes_waiting_for_the_client) {
  session_pair pair;
  pair.pass(9'999ms);
  EXPECT_FALSE(pair.server.core().over());
  pair.pass(1ms);
  EXPECT_EQ(pair.server.over_because(), session_errc::handshake_timeout);
  EXPECT_TRUE(pair.server.last<session_over>()->before_connected);
}

TEST(machine, a_rejected_ack_is_not_answered_and_the_client_is_not_up_when_the_transport_closes) {
  auto other_key = client_options_of();
  std::get<handshake::client_options>(other_key.side).psk = test_psk(8);
  session_pair pair{std::move(other_key)};
  pair.settle();
  EXPECT_EQ(pair.server.over_because(), handshake::handshake_errc::auth_tag_mismatch);
  EXPECT_TRUE(pair.server.last<session_over>()->before_connected);
  EXPECT_TRUE(pair.server.take_messages().empty());
  ASSERT_FALSE(pair.client.core().over());
  pair.client.core().end(make_error_code(session_errc::transport_closed), pair.time.now());
  EXPECT_EQ(pair.client.count<session::connected>(), 0u);
  EXPECT_TRUE(pair.client.last<session_over>()->before_connected);
}

TEST(interop_traps, trap_24_a_hello_may_come_in_any_number_of_data_frames) {
  const auto hello = encode_json_frame(R"({"kind":"chat","v":1})");
  for (std::size_t cut = 1; cut < hello.size(); ++cut) {
    virtual_time time;
    end_point server{server_options_of(), time};
    auto peer = raw_peer::client_of(server);
    const stream_id id{1};
    peer.send(yamux::encode_open(id));
    peer.send(yamux::encode_data(id, static_cast<std::uint32_t>(cut)), byte_view{hello}.first(cut));
    EXPECT_EQ(server.last<session::stream_arrived>(), nullptr);
    peer.send(yamux::encode_data(id, static_cast<std::uint32_t>(hello.size() - cut)), byte_view{hello}.subspan(cut));
    ASSERT_NE(server.last<session::stream_arrived>(), nullptr) << cut;
    EXPECT_EQ(server.last<session::stream_arrived>()->kind, "chat");
  }
}

TEST(machine, held_streams_start_only_when_told) {
  auto options = server_options_of();
  options.hold_streams = true;
  session_pair pair{client_options_of(), std::move(options)};
  session_pair::carry(pair.client, pair.server);
  session_pair::carry(pair.server, pair.client);
  session_pair::carry(pair.client, pair.server);
  EXPECT_EQ(pair.server.count<session::authenticated>(), 1u);
  EXPECT_EQ(pair.server.count<session::connected>(), 0u);
  session_pair::carry(pair.server, pair.client);  // the finished ping goes out all the same
  EXPECT_EQ(pair.client.count<session::connected>(), 1u);
  pair.server.core().start_streams(pair.time.now());
  pair.settle();
  EXPECT_EQ(pair.server.count<session::connected>(), 1u);
  EXPECT_EQ(pair.server.count<session::stream_arrived>(), 1u);
}

TEST(machine, a_record_while_streams_are_held_ends_the_session) {
  auto options = server_options_of();
  options.hold_streams = true;
  session_pair pair{client_options_of(), std::move(options)};
  pair.settle();
  EXPECT_EQ(pair.server.over_because(), session_errc::held_too_long);
}

TEST(machine, the_handshake_deadline_runs_until_held_streams_start) {
  auto options = server_options_of();
  options.hold_streams = true;
  session_pair pair{client_options_of(), std::move(options)};
  session_pair::carry(pair.client, pair.server);
  session_pair::carry(pair.server, pair.client);
  session_pair::carry(pair.client, pair.server);
  ASSERT_EQ(pair.server.count<session::authenticated>(), 1u);
  pair.pass(10s);
  EXPECT_EQ(pair.server.over_because(), session_errc::handshake_timeout);
}

TEST(machine, ends_for_every_kind_of_bad_record_and_forgets_its_keys) {
  struct row {
    const char* name;
    std::size_t at;
    record_errc why;
  };
  for (const auto& row : {row{"magic", 0, record_errc::bad_magic}, row{"version", 4, record_errc::bad_version},
                          row{"flags", 5, record_errc::bad_flags}, row{"sequence", 13, record_errc::bad_sequence},
                          row{"length", 17, record_errc::size_mismatch}, row{"tag", 33, record_errc::open_failed}}) {
    SCOPED_TRACE(row.name);
    session_pair pair;
    pair.settle();
    ASSERT_TRUE(pair.client.core().ping());
    auto message = pair.client.take_messages().at(0);
    message[row.at] ^= std::byte{0x40};
    pair.server.give(message);
    EXPECT_EQ(pair.server.over_because(), row.why);
    EXPECT_FALSE(pair.server.core().has_output());
    EXPECT_EQ(pair.server.core().rekey().error(), session_errc::channel_gone);
  }
}

TEST(machine, rekeys_in_both_directions_at_any_time) {
  session_pair pair;
  pair.settle();
  const auto id = pair.client.core().open("x", pair.time.now()).value();
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(pair.client.core().rekey());
    ASSERT_TRUE(pair.server.core().rekey());
    pair.client.write(id, "ping");
    pair.settle();
    EXPECT_EQ(pair.server.read(id), "ping");
    pair.server.write(id, "pong");
    ASSERT_TRUE(pair.server.core().rekey());
    pair.settle();
    EXPECT_EQ(pair.client.read(id), "pong");
  }
}

TEST(machine, controls_have_a_bound_and_leave_in_order) {
  virtual_time time;
  end_point client{client_options_of(), time};
  auto peer = raw_peer::server_of(client);
  static_cast<void>(peer.take_frames());
  peer.record_kinds.clear();
  for (std::size_t i = 0; i < session::max_queued_controls; ++i) {
    ASSERT_TRUE(i % 2 == 0 ? client.core().ping() : client.core().rekey());
  }
  EXPECT_EQ(client.core().ping().error(), session_errc::controls_full);
  static_cast<void>(peer.take_frames());
  ASSERT_EQ(peer.record_kinds.size(), session::max_queued_controls);
  for (std::size_t i = 0; i < peer.record_kinds.size(); ++i) {
    EXPECT_EQ(peer.record_kinds[i], i % 2 == 0 ? record::record_kind::ping : record::record_kind::rekey);
  }
}

TEST(machine, go_away_ends_the_session) {
  virtual_time time;
  end_point client{client_options_of(), time};
  auto peer = raw_peer::server_of(client);
  byte_buffer go_away{std::byte{0}, std::byte{3}};
  go_away.resize(12);
  peer.send(go_away);
  EXPECT_EQ(client.over_because(), yamux_errc::go_away);
}

TEST(machine, every_message_of_the_handshake_may_be_lost_and_the_end_is_a_time_out) {
  for (int lost = 0; lost < 4; ++lost) {
    SCOPED_TRACE(lost);
    session_pair pair;
    for (int step = 0; step < lost; ++step) {
      step % 2 == 0 ? session_pair::carry(pair.client, pair.server) : session_pair::carry(pair.server, pair.client);
    }
    static_cast<void>((lost % 2 == 0 ? pair.client : pair.server).take_messages());
    pair.settle();
    pair.pass(10s);
    EXPECT_EQ(pair.client.over_because(), session_errc::handshake_timeout);
    if (lost < 3) {
      EXPECT_EQ(pair.server.over_because(), session_errc::handshake_timeout);
    } else {
      EXPECT_FALSE(pair.server.core().over());  // it had done its part
    }
  }
}

TEST(machine, a_repeated_init_gets_the_identical_answer) {
  virtual_time time;
  end_point client{client_options_of(), time};
  end_point server{server_options_of(), time};
  const auto init = client.take_messages().at(0);
  server.give(init);
  const auto first = server.take_messages().at(0);
  server.give(init);
  server.give(init);
  const auto again = server.take_messages();
  ASSERT_EQ(again.size(), 1u);  // not one for each: the answer that waits already serves
  EXPECT_EQ(first, again[0]);
}

TEST(machine, waits_for_its_peer_for_ever_when_the_handshake_has_no_time_out) {
  auto client = client_options_of();
  auto server = server_options_of();
  client.session.handshake_timeout = server.session.handshake_timeout = 0ms;
  session_pair pair{std::move(client), std::move(server)};
  EXPECT_EQ(pair.client.core().deadline(), std::nullopt);
  EXPECT_EQ(pair.server.core().deadline(), std::nullopt);
  pair.pass(24h);
  EXPECT_FALSE(pair.client.core().over());
  EXPECT_FALSE(pair.server.core().over());
}

TEST(machine, refuses_options_out_of_range) {
  const auto refused = [](auto change) {
    auto options = client_options_of();
    change(options);
    virtual_time time;
    return !machine::create(std::move(options), system_random(), time.now());
  };
  EXPECT_TRUE(refused([](machine_options& o) { o.session.handshake_timeout = -1ms; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.session.handshake_timeout = 24h + 1ms; }));
  EXPECT_FALSE(refused([](machine_options& o) { o.session.handshake_timeout = 0ms; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.session.hello_timeout = 0ms; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.session.hello_timeout = -1ms; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.session.probe_timeout = std::chrono::hours{25}; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.probes = session::liveness{.interval = 0ms, .timeout = 1ms}; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.session.yamux.max_inbound_streams = 65; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.session.record.max_record_bytes = 34; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.session.record.outbound_record_chunk_bytes = 12; }));
  EXPECT_FALSE(refused([](machine_options& o) { o.session.record.outbound_record_chunk_bytes = 13; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.session.handshake.max_payload_bytes = 1; }));
  EXPECT_TRUE(refused([](machine_options& o) { o.session.rpc_client.max_frame_bytes = 0; }));
  EXPECT_TRUE(refused([](machine_options& o) { std::get<handshake::client_options>(o.side).channel_id.clear(); }));
  EXPECT_FALSE(refused([](machine_options&) {}));
}

}  // namespace
}  // namespace flowersec::testing
