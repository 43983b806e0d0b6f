// The bandwidth statistics of flowersec-tunnel over the life of channels.
#include <set>

#include "apps_policy_fixture.h"
#include "flowersec/tunnel/server.h"
#include "support/standstill.h"

namespace flowersec::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class stats : public ::testing::Test {
 protected:
  explicit stats(process::words more = {}) : tunnel(with_stats(std::move(more))) {
    const auto url = text_at(tunnel.ready, "stats_url");
    EXPECT_THAT(url, ::testing::MatchesRegex("http://127\\.0\\.0\\.1:[1-9][0-9]*/stats/v1/bandwidth"));
    address = url.substr(7, url.find('/', 7) - 7);
  }
  static process::words with_stats(process::words more) {
    more.insert(more.end(), {"--stats-listen", "127.0.0.1:0"});
    return more;
  }
  [[nodiscard]] boost::json::object report() const {
    const auto answer = http_get(address, "/stats/v1/bandwidth");
    return json_of(answer.substr(answer.find("\r\n\r\n") + 4));
  }
  [[nodiscard]] boost::json::array rows() const { return report().at("channels").as_array(); }
  /// The whole answer to a request of that method.
  [[nodiscard]] std::string ask(const std::string& method) const {
    tunnel_client client{address};
    client.send_text(method + " /stats/v1/bandwidth HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    return std::string{as_text(client.read_to_end())};
  }

  tunnel_process tunnel;
  std::string address;
};

TEST_F(stats, are_one_page_for_one_method) {
  const auto answer = http_get(address, "/stats/v1/bandwidth");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nCache-Control: no-store\r\n"));
  EXPECT_THAT(answer, ::testing::ContainsRegex("\r\n\r\n\\{\"now_unix_ms\":[1-9][0-9]*,\"channels\":\\[\\]\\}\n$"));
  EXPECT_THAT(http_get(address, "/stats/v1/bandwidth?x=1"), StartsWith("HTTP/1.1 200 "));
  for (const auto* path : {"/", "/stats/v1/bandwidth/", "/metrics", "/healthz"}) {
    EXPECT_THAT(http_get(address, path), EndsWith("\r\n\r\n404 page not found\n")) << path;
  }
  for (const auto* method : {"HEAD", "POST", "PUT", "DELETE", "OPTIONS"}) {
    const auto refused = ask(method);
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(refused, EndsWith("\r\n\r\n")) << method << ": an empty body";
  }
  EXPECT_THAT(http_get(tunnel.address, "/stats/v1/bandwidth"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(stats, follow_a_channel_through_its_life) {
  const auto began = report().at("now_unix_ms").as_int64();
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  EXPECT_TRUE(passes(client, server, "12345"));
  EXPECT_TRUE(passes(server, client, "123"));
  EXPECT_EQ(rows(), boost::json::parse(R"([{"channel_id":"room","bytes_to_client":3,"bytes_to_server":5}])"));

  client.close();
  EXPECT_TRUE(server.ended());
  auto closed = rows().at(0).as_object();
  const auto closed_at = closed.at("closed_at_unix_ms").as_int64();
  EXPECT_GE(closed_at, began);
  EXPECT_LE(closed_at, report().at("now_unix_ms").as_int64());
  closed.erase("closed_at_unix_ms");
  EXPECT_EQ(closed, json_of(R"({"channel_id":"room","bytes_to_client":3,"bytes_to_server":5})"));

  auto again = tunnel.attach("room", 1);
  auto server_again = tunnel.attach("room", 2);
  EXPECT_TRUE(passes(again, server_again, "6"));
  EXPECT_EQ(rows(), boost::json::parse(R"([{"channel_id":"room","bytes_to_client":3,"bytes_to_server":6}])"));

  auto replacement = tunnel.attach("room", 1);
  EXPECT_TRUE(again.ended());
  EXPECT_EQ(rows(), boost::json::parse(R"([{"channel_id":"room","bytes_to_client":3,"bytes_to_server":6}])"));
}

TEST_F(stats, show_equal_names_of_two_scopes_as_two_rows) {
  auto p = tunnel.mint.draft("room", 1);
  auto q = tunnel.mint.draft("room", 2);
  q.iss = "another";
  auto a = tunnel.attach(p);
  auto b = tunnel.attach(q);
  auto other = tunnel.attach("other", 1);
  auto other_server = tunnel.attach("other", 2);
  auto paired = tunnel.mint.draft("room", 1);
  paired.iss = "another";
  auto c = tunnel.attach(paired);
  EXPECT_TRUE(passes(b, c, "1234"));
  // The first one was attached long before, but on another thread perhaps.
  auto peer = tunnel.attach("room", 2);
  EXPECT_TRUE(passes(a, peer, "12"));
  std::multiset<std::string> seen;
  for (const auto& row : rows()) seen.insert(boost::json::serialize(row));
  EXPECT_THAT(seen, ::testing::IsSupersetOf({R"({"channel_id":"room","bytes_to_client":4,"bytes_to_server":0})",
                                             R"({"channel_id":"room","bytes_to_client":0,"bytes_to_server":2})"}));
}

TEST_F(stats, do_not_hold_up_a_stop) {
  tunnel_client idle{address};
  idle.send_text("GET /stats/v1/bandwidth HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_THAT(idle.read_until("\"channels\":[]}\n"), StartsWith("HTTP/1.1 200 ")) << "and stays connected";
  undisturbed_time taken;
  tunnel.program->send_signal(SIGTERM);
  EXPECT_EQ(tunnel.program->wait().exit_code, 0);
  EXPECT_LT(taken.elapsed(), flowersec::tunnel::http_patience);
  EXPECT_TRUE(idle.ended());
}

TEST_F(stats, a_request_in_progress_is_answered_whatever_signals_follow_the_first) {
  tunnel_client idle{address};
  idle.send_text("GET /stats/v1/bandwidth HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_THAT(idle.read_until("\"channels\":[]}\n"), StartsWith("HTTP/1.1 200 "));
  tunnel_client half{address};
  half.send_text("GET /stats/v1/bandwidth HTTP/1.1\r\nHost: t\r\n");
  // Its connection is served when another one that came behind it is.
  tunnel_client behind{address};
  behind.send_text("GET /stats/v1/bandwidth HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_THAT(behind.read_until("\"channels\":[]}\n"), StartsWith("HTTP/1.1 200 "));
  tunnel.program->send_signal(SIGTERM);
  EXPECT_TRUE(idle.ended()) << "the stop has begun";
  EXPECT_TRUE(behind.ended());
  for (const int again : {SIGTERM, SIGINT, SIGTERM}) tunnel.program->send_signal(again);
  half.send_text("Connection: close\r\n\r\n");
  EXPECT_THAT(half.read_http_head(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(tunnel.program->wait().exit_code, 0);
}

class stats_of_few : public stats {
 protected:
  stats_of_few() : stats({"--max-channels=1"}) {}
};

TEST_F(stats_of_few, refused_attaches_leave_nothing) {
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  EXPECT_TRUE(passes(client, server, "x"));
  EXPECT_EQ(tunnel.fate_of_attach(), "1013 too_many_connections");
  auto bad = tunnel.mint.draft("bad", 1);
  bad.aud = "nobody";
  EXPECT_EQ(tunnel.fate_of_attach(bad), "1008 invalid_token");
  const auto all = rows();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(text_at(all[0].as_object(), "channel_id"), "room");
}

TEST(stats_listener, is_off_by_default_and_a_bad_address_ends_the_start) {
  tunnel_process tunnel{{}};
  EXPECT_EQ(tunnel.ready.count("stats_url"), 0u);
  testing_support::temporary_folder folder;
  const auto keys = folder.file("keys.json");
  testing_support::write_whole_file(
      keys, R"({"keys":[{"kid":"k","pubkey_b64u":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]})");
  const auto result = testing_support::run_program(
      "flowersec-tunnel", {"--issuer-keys-file", keys, "--aud", "a", "--stats-listen", tunnel.address});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot listen on --stats-listen " + tunnel.address));
  EXPECT_EQ(result.out, "");
}

}  // namespace
}  // namespace flowersec::testing
