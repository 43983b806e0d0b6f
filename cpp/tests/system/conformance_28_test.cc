// The conformance list of the tunnel against the program itself, each item by its number. Boundaries of tokens (04, in
// tunnel_tenants_test.cc), signals (12, in tunnel_reload_test.cc) and what needs an authorizer (conformance_28_policy_
// test.cc) have files of their own.
// The same exchanges with TLS and with two I/O threads are in tunnel_conformance_test.cc.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include "support/standstill.h"
#include "tunnel_process.h"

namespace flowersec::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// An HTTP request, and the whole answer.
std::string ask(const std::string& address, const std::string& method, const std::string& headers) {
  tunnel_client client{address};
  client.send_text(method + " /ws HTTP/1.1\r\nHost: t\r\nConnection: close" + headers + "\r\n\r\n");
  return std::string{as_text(client.read_to_end())};
}

const std::string upgrade_headers =
    ", Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
const std::string good_origin = "\r\nOrigin: https://app.example";

void expect_closed(tunnel_client& client, std::uint16_t code, std::string_view reason) {
  const auto frame = client.frame();
  ASSERT_TRUE(frame) << reason;
  EXPECT_EQ(frame->op, op_close) << reason;
  EXPECT_EQ(frame->close_code(), code) << reason;
  EXPECT_EQ(frame->close_reason(), reason);
  EXPECT_TRUE(client.ended()) << reason;
}

tunnel_client upgraded(const tunnel_process& tunnel) {
  tunnel_client client{tunnel.address()};
  client.upgrade({});
  return client;
}

void send_attach(tunnel_client& client, const std::string& text) { client.send(client_frame(op_text, text)); }

double refusals(const tunnel_process& tunnel, const std::string& reason) {
  const auto text = tunnel.metrics();
  const auto sample = "flowersec_tunnel_attach_total{reason=\"" + reason + "\",result=\"fail\"} ";
  const auto at = text.find(sample);
  return at == std::string::npos ? 0 : std::stod(text.substr(at + sample.size()));
}

TEST(conformance_28, 01_upgrade_refusals_with_bodies) {
  const tunnel_process tunnel;
  struct row {
    std::string method;
    std::string headers;
    std::string status;
    std::string body;
  };
  auto with = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  const auto good = upgrade_headers + good_origin;
  const std::vector<row> rows{
      {"GET", with(good, ", Upgrade", ""), "400 ", "Bad Request\n"},
      {"GET", with(good, "Upgrade: websocket", "Upgrade: h2c"), "400 ", "Bad Request\n"},
      {"POST", good, "405 ", "Method Not Allowed\n"},
      {"GET", with(good, "Version: 13", "Version: 12"), "400 ", "Bad Request\n"},
      {"GET", upgrade_headers + "\r\nOrigin: https://evil.example", "403 ", "Forbidden\n"},
      {"GET", upgrade_headers, "403 ", "Forbidden\n"},
      {"GET", with(good, "AAAA==", "AAA=="), "400 ", "Bad Request\n"},
  };
  for (const auto& each : rows) {
    const auto answer = ask(tunnel.address(), each.method, each.headers);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + each.status)) << each.headers;
    EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n" + each.body)) << each.headers;
    EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff")) << each.headers;
  }
  EXPECT_EQ(refusals(tunnel, "upgrade_error"), static_cast<double>(rows.size()));
}

TEST(conformance_28, 01_no_subprotocol_and_no_compression) {
  const tunnel_process tunnel;
  tunnel_client client{tunnel.address()};
  client.send_text("GET /ws HTTP/1.1\r\nHost: t\r\nConnection: keep-alive" + upgrade_headers + good_origin +
                   "\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
  const auto head = client.read_http_head();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101 "));
  EXPECT_THAT(head, Not(::testing::AnyOf(HasSubstr("Extensions"), HasSubstr("Protocol:"))));
}

TEST(conformance_28, 02_one_connection_too_many) {
  tunnel_process tunnel{{"--max-conns", "1"}};
  const auto first = tunnel.accepted("room", 1);
  auto second = upgraded(tunnel);
  expect_closed(second, 1013, "too_many_connections");
  EXPECT_EQ(refusals(tunnel, "too_many_connections"), 1);
}

TEST(conformance_28, 02_one_channel_too_many_and_a_full_replay_store) {
  tunnel_process tunnel{{"--max-channels", "1", "--max-replay-entries", "2"}};
  const auto first = tunnel.accepted("room", 1);
  auto second = tunnel.attach("other", 1);
  expect_closed(second, 1013, "too_many_connections");
  auto third = tunnel.attach("room", 2);
  expect_closed(third, 1008, "token_replay");
}

TEST(conformance_28, 02_nothing_complete_within_ten_seconds) {
  const tunnel_process tunnel;
  const auto begin = std::chrono::steady_clock::now();
  auto silent = upgraded(tunnel);
  auto pinging = upgraded(tunnel);
  pinging.send(client_frame(op_ping, "x"));
  EXPECT_EQ(pinging.frame()->op, op_pong);
  expect_closed(silent, 1008, "timeout");
  expect_closed(pinging, 1008, "timeout");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds{10});
}

TEST(conformance_28, 02_first_messages_that_are_no_attach) {
  const tunnel_process tunnel;
  auto binary = upgraded(tunnel);
  binary.binary("{}");
  expect_closed(binary, 1002, "expected_attach");
  auto leaving = upgraded(tunnel);
  leaving.send(client_close(1000));
  expect_closed(leaving, 1000, "");
  auto unmasked = upgraded(tunnel);
  const std::array frame{std::byte{0x81}, std::byte{0x01}, std::byte{'x'}};
  unmasked.send(frame);
  const auto diagnosis = unmasked.frame();
  ASSERT_TRUE(diagnosis);
  EXPECT_EQ(diagnosis->close_code(), 1002);
  EXPECT_TRUE(unmasked.ended());
  EXPECT_EQ(refusals(tunnel, "expected_attach"), 3);
}

TEST(conformance_28, 02_attach_messages_that_are_unacceptable) {
  tunnel_process tunnel;
  const auto good = tunnel.mint.attach_text("room", 1);
  const auto with = [&](const std::string& from, const std::string& to) {
    auto text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  const std::vector<std::string> rows{
      "",
      "[]",
      "null",
      good + '1',
      with("\"v\":1", "\"v\":2"),
      with("\"v\":1", "\"v\":1.0"),
      with("\"role\":1", "\"role\":3"),
      with("\"role\":1", "\"role\":257"),
      with("\"role\":1", "\"role\":\"1\""),
      with("\"room\"", "\" \""),
      with("\"room\"", '"' + std::string(257, 'x') + '"'),
      with("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA"),
      with("\"v\":1", "\"v\":1,\"caps\":[]"),
      with("\"v\":1", "\"v\":1,\"caps\":{\"a\":1}"),
  };
  for (const auto& text : rows) {
    auto client = upgraded(tunnel);
    send_attach(client, text);
    SCOPED_TRACE(text);
    expect_closed(client, 1002, "invalid_attach");
  }
  EXPECT_EQ(refusals(tunnel, "invalid_attach"), static_cast<double>(rows.size()));
}

TEST(conformance_28, 02_tokens_for_another_channel_or_role) {
  tunnel_process tunnel;
  const auto attach_as = [&](const std::string& channel, int role) {
    auto client = upgraded(tunnel);
    send_attach(client, token_mint::attach_text(channel, role, tunnel.mint.sign(tunnel.mint.draft("room", 1))));
    return client;
  };
  auto channel = attach_as("other", 1);
  expect_closed(channel, 1008, "channel_mismatch");
  auto both = attach_as("other", 2);
  expect_closed(both, 1008, "channel_mismatch");
  auto role = attach_as("room", 2);
  expect_closed(role, 1008, "role_mismatch");
}

TEST(conformance_28, 02_a_second_endpoint_that_does_not_fit_the_channel) {
  tunnel_process tunnel;
  const auto first = tunnel.accepted("room", 1);
  auto token = tunnel.mint.draft("room", 2);
  token.init_exp += 1;
  token.idle_timeout_seconds += 1;
  auto init = tunnel.attach(token);
  expect_closed(init, 1008, "init_exp_mismatch");
  token = tunnel.mint.draft("room", 2);
  token.idle_timeout_seconds += 1;
  auto idle = tunnel.attach(token);
  expect_closed(idle, 1008, "idle_timeout_mismatch");
}

TEST(conformance_28, 03_sizes_at_their_limits_and_one_past) {
  tunnel_process tunnel;
  auto text = tunnel.mint.attach_text("room", 1);
  text.resize(8192, ' ');
  auto client = upgraded(tunnel);
  send_attach(client, text);
  auto server = tunnel.accepted("room", 2);
  client.binary(std::string(1048576, 'm'));
  EXPECT_EQ(server.message(), std::string(1048576, 'm'));
  client.send(client_frame_header(op_binary, 1048577));
  expect_closed(client, 1009, "");
  EXPECT_TRUE(server.ended());

  auto longer = upgraded(tunnel);
  send_attach(longer, std::string(8193, ' '));
  expect_closed(longer, 1009, "");

  auto full = tunnel.accepted("full", 1);
  full.binary(std::string(262144, 'p'));
  auto peer = tunnel.attach("full", 2);
  EXPECT_EQ(peer.message().size(), 262144u);
  auto over = tunnel.accepted("over", 1);
  over.binary(std::string(262144, 'p'));
  over.binary("x");
  EXPECT_TRUE(over.ended());
}

TEST(conformance_28, 05_binary_frames_right_behind_the_attach_keep_their_order) {
  tunnel_process tunnel;
  for (const int first : {1, 2}) {
    const auto room = "room" + std::to_string(first);
    auto early = upgraded(tunnel);
    auto bytes = client_frame(op_text, tunnel.mint.attach_text(room, first));
    for (int i = 0; i < 50; ++i) append(bytes, client_frame(op_binary, std::to_string(i)));
    early.send(bytes);
    auto late = tunnel.attach(room, 3 - first);
    late.binary("answer");
    for (int i = 0; i < 50; ++i) EXPECT_EQ(late.message(), std::to_string(i));
    EXPECT_EQ(early.message(), "answer");
  }
}

TEST(conformance_28, 06_replacement_drops_both_and_the_sixth_is_refused) {
  tunnel_process tunnel;
  std::vector<tunnel_client> old;
  old.push_back(tunnel.accepted("room", 1));
  old.push_back(tunnel.accepted("room", 2));
  for (int i = 0; i < 5; ++i) old.push_back(tunnel.accepted("room", 1));
  auto newest = std::move(old.back());
  old.pop_back();
  for (auto& each : old) EXPECT_TRUE(each.ended());
  auto peer = tunnel.accepted("room", 2);
  auto sixth = tunnel.attach("room", 1);
  expect_closed(sixth, 1013, "replace_rate_limited");
  newest.binary("survives");
  EXPECT_EQ(peer.message(), "survives");
}

TEST(conformance_28, 08_the_peer_sees_an_abnormal_end_after_all_that_was_sent) {
  tunnel_process tunnel;
  auto client = tunnel.accepted("room", 1);
  auto server = tunnel.accepted("room", 2);
  for (int i = 0; i < 50; ++i) client.binary(std::string(2000, 'd'));
  client.send(client_close(4001, "bye"));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(server.message().size(), 2000u);
  EXPECT_EQ(server.message(), "<end>") << "no close frame";
  expect_closed(client, 4001, "");
}

TEST(conformance_28, 08_a_text_message_ends_both_without_a_close_frame) {
  tunnel_process tunnel;
  auto client = tunnel.accepted("room", 1);
  auto server = tunnel.accepted("room", 2);
  client.binary("before");
  client.send(client_frame(op_text, "text"));
  EXPECT_EQ(server.message(), "before");
  EXPECT_EQ(server.message(), "<end>");
  EXPECT_EQ(client.message(), "<end>");
}

/// What is wrong with the idle time of one channel with pings and one with messages.
std::string idle_time_of_two_channels() {
  constexpr std::chrono::seconds idle{2};
  tunnel_process tunnel;
  const auto attach = [&](const std::string& channel, int role) {
    auto token = tunnel.mint.draft(channel, role);
    token.idle_timeout_seconds = idle.count();
    return tunnel.attach(token);
  };
  const auto begin = std::chrono::steady_clock::now();
  auto pinging = attach("pinging", 1);
  auto talking = attach("talking", 1);
  auto listening = attach("talking", 2);
  // An echo a round trip apart, until the other channel has ended.
  const auto echo = [&](std::string_view text) {
    talking.binary(text);
    return listening.message() == text;
  };
  while (true) {
    if (!echo("tick")) return "the channel with messages ended";
    try {
      pinging.send(client_frame(op_ping, "x"));
    } catch (const std::runtime_error&) {
      break;
    }
    const auto answer = pinging.frame();
    if (!answer) break;
    EXPECT_EQ(answer->op, op_pong);
  }
  const auto lasted = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(lasted, idle);
  if (lasted >= std::chrono::seconds{10}) return "pings kept a channel";
  return echo("still here") ? "" : "the channel with messages has ended";
}

TEST(conformance_28, 09_only_binary_messages_keep_a_channel_from_being_idle) {
  expect_when_undisturbed(std::chrono::seconds{1}, [] {
    try {
      return idle_time_of_two_channels();
    } catch (const std::runtime_error& ended) {
      return std::string{"the channel with messages ended: "} + ended.what();
    }
  });
}

TEST(conformance_28, 09_the_init_window_ends_only_channels_that_never_showed_a_record) {
  tunnel_process tunnel;
  // With the skew, eight seconds from now.
  const auto init_exp = count(to_unix_seconds(system_clocks().wall_now())) - 22;
  const auto attach = [&](const std::string& channel, int role) {
    auto token = tunnel.mint.draft(channel, role);
    token.iat = init_exp - 74;
    token.init_exp = token.exp = init_exp;
    return tunnel.attach(token);
  };
  auto shy = attach("shy", 1);
  auto client = attach("shown", 1);
  auto server = attach("shown", 2);
  byte_buffer record = to_buffer(as_bytes("FSEC"));
  record.resize(18);
  record[4] = std::byte{1};
  client.binary(record);
  EXPECT_EQ(server.message().size(), 18u);
  EXPECT_TRUE(shy.ended()) << "some seconds later";
  EXPECT_THAT(tunnel.metrics(), HasSubstr("flowersec_tunnel_close_total{reason=\"init_expired\"} 1"));
  client.binary("alive");
  EXPECT_EQ(server.message(), "alive");
}

TEST(conformance_28, 10_a_reader_that_stalls_stops_its_source_and_costs_it_the_channel) {
  tunnel_process tunnel{{"--write-timeout", "1s"}};
  auto source = tunnel.accepted("room", 1);
  auto reader = tunnel.accepted("room", 2);
  constexpr std::size_t more_than_fits = 256u << 20;
  std::size_t taken = 0;
  try {
    // What comes once the channel has ended is read and thrown away, so that the source sees why.
    const std::string piece(1 << 20, 'x');
    for (; taken < more_than_fits && is_silent(source); taken += piece.size()) source.binary(piece);
  } catch (const std::runtime_error&) {
    // The tunnel ended the connection: the write had its time.
  }
  EXPECT_LT(taken, more_than_fits) << "it was read all the same";
  EXPECT_THAT(tunnel.metrics(), HasSubstr("flowersec_tunnel_close_total{reason=\"write_error\"}"));
}

TEST(conformance_28, 10_the_budgets_of_a_scope_and_of_the_process) {
  for (const std::string limit : {"tenant_queued_bytes", "total_queued_bytes"}) {
    auto flag = "--max-" + limit;
    std::ranges::replace(flag, '_', '-');
    tunnel_process tunnel{{flag, "1000"}};
    auto at_limit = tunnel.accepted("first", 1);
    at_limit.binary(std::string(1000, 'x'));
    at_limit.send(client_frame(op_ping, ""));
    EXPECT_EQ(at_limit.frame()->op, op_pong) << "the message was read and kept";
    auto past = tunnel.accepted("second", 1);
    past.binary("x");
    EXPECT_TRUE(past.ended()) << limit;
    EXPECT_THAT(tunnel.metrics(), HasSubstr("limit=\"" + limit + "\",tenant=\"aud|iss\"} 1"));
    auto peer = tunnel.attach("first", 2);
    EXPECT_EQ(peer.message().size(), 1000u) << "others are not affected";
  }
}

TEST(conformance_28, 11_the_ready_line_has_its_keys_in_order) {
  testing_support::temporary_folder folder;
  const auto keys = folder.file("keys.json");
  testing_support::write_whole_file(
      keys, R"({"keys":[{"kid":"a","pubkey_b64u":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]})");
  testing_support::process tunnel{"flowersec-tunnel",
                                  {"--issuer-keys-file", keys, "--aud=a", "--iss=i", "--allow-origin=x",
                                   "--metrics-listen=127.0.0.1:0", "--advertise-host=tunnel.example"},
                                  {{"FSEC_TUNNEL_WS_PATH", "/from-environment"}}};
  const auto line = tunnel.read_line().value_or("");
  std::size_t at = 0;
  for (const std::string key : {"version", "commit", "date", "listen", "ws_path", "advertise_host", "ws_url",
                                "http_url", "healthz_url", "metrics_url"}) {
    at = line.find('"' + key + "\":", at);
    ASSERT_NE(at, std::string::npos) << key << " in " << line;
  }
  EXPECT_THAT(line, HasSubstr("\"ws_path\":\"/from-environment\""));
}

TEST(conformance_28, 11_exit_codes_and_help_on_stderr) {
  const auto help = testing_support::run_program("flowersec-tunnel", {"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.out, "");
  for (const auto* title : {"Usage:", "Examples:", "Output:", "Exit codes:", "Signals:", "Env defaults:", "Flags:"}) {
    EXPECT_THAT(help.err, HasSubstr(title));
  }
  const auto usage = testing_support::run_program("flowersec-tunnel", {});
  EXPECT_EQ(usage.exit_code, 2);
  EXPECT_EQ(usage.out, "");
  const auto runtime = testing_support::run_program(
      "flowersec-tunnel", {"--issuer-keys-file=/nonexistent", "--aud=a", "--iss=i", "--allow-origin=x"});
  EXPECT_EQ(runtime.exit_code, 1);
  EXPECT_EQ(runtime.out, "");
  const auto precedence = testing_support::run_program("flowersec-tunnel", {"--max-conns=1", "--version"},
                                                       {{"FSEC_TUNNEL_MAX_CONNS", "many"}});
  EXPECT_EQ(precedence.exit_code, 2);
  EXPECT_THAT(precedence.err, HasSubstr("invalid FSEC_TUNNEL_MAX_CONNS"));
}

}  // namespace
}  // namespace flowersec::testing
