// flowersec-tunnel with an external authorizer: who may attach, who may stay, and what happens when nobody can say.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <set>

#include "apps_policy_fixture.h"
#include "support/standstill.h"
#include "support/test_certificates.h"

namespace flowersec::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* denied = "1008 policy_denied";
constexpr const char* failed = "1008 policy_error";
constexpr const char* yes = R"({"allowed":true})";

std::int64_t unix_ms() {
  return std::chrono::floor<milliseconds>(system_clocks().wall_now().time_since_epoch()).count();
}
std::string allow_until(std::int64_t lease_unix_ms) {
  return R"({"allowed":true,"lease_expires_at_unix_ms":)" + std::to_string(lease_unix_ms) + "}";
}
std::string decisions(const std::string& list) { return R"({"decisions":[)" + list + "]}"; }
std::string decision(const std::string& id, const std::string& rest) {
  return R"({"channel_id":")" + id + R"(","audience":"aud","issuer":"iss",)" + rest + "}";
}

/// A tunnel that asks `authorizer`, with everything at its paths /attach and /observe.
process::words asking(const authorizer_server& authorizer, process::words more = {}) {
  more.insert(more.end(), {"--attach-authorizer-url", authorizer.url("/attach")});
  return more;
}
process::words observing(const authorizer_server& authorizer, process::words more = {}) {
  more.insert(more.end(), {"--observe-authorizer-url", authorizer.url("/observe"), "--policy-observe-interval=100ms"});
  return asking(authorizer, std::move(more));
}

TEST(attach_policy, is_asked_everything_that_is_known) {
  authorizer_server authorizer;
  authorizer.answer("/attach", yes);
  tunnel_process tunnel{
      asking(authorizer, {"--authorizer-header", "X-Key: one", "--authorizer-header=x-key:two", "--authorizer-header",
                          " ", "--authorizer-header", "Authorization: Bearer a:b"})};
  auto p = tunnel.mint.draft("room", 2);
  auto client = tunnel.attach(p);
  const auto asked = authorizer.wait_for("/attach").at(0);
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(http::find_header(asked.headers, "Content-Type"), "application/json");
  EXPECT_EQ(http::find_header(asked.headers, "Accept"), "application/json");
  EXPECT_EQ(http::find_header(asked.headers, "Authorization"), "Bearer a:b");
  EXPECT_EQ(std::ranges::count_if(asked.headers, [](const auto& h) { return h.value == "one" || h.value == "two"; }),
            2);
  auto question = json_of(asked.body);
  EXPECT_THAT(text_at(question, "remote_addr"), ::testing::MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  question.erase("remote_addr");
  EXPECT_EQ(question, json_of(R"({"channel_id":"room","audience":"aud","issuer":"iss","role":"server",
      "endpoint_instance_id":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","token_id":")" +
                              p.token_id + R"(","init_exp_unix":)" + std::to_string(p.init_exp) +
                              R"(,"idle_timeout_seconds":60,"origin":"https://app.example"})"));
}

struct http_row {
  std::string name;
  http::response response;
  std::string_view fate;
};

TEST(attach_policy, follows_the_response_and_fails_closed) {
  authorizer_server authorizer;
  const std::string padding(1048576 - std::string_view{yes}.size(), ' ');
  const std::vector<http_row> rows{
      {"allowed", http::json_response(200, yes), admitted},
      {"allowed in an envelope", http::json_response(200, R"({"success":true,"data":{"allowed":true}})"), admitted},
      {"success false without error", http::json_response(200, R"({"success":false,"allowed":true})"), admitted},
      {"any status below 400", http::json_response(399, yes), admitted},
      {"a redirect to nowhere has a body", http::json_response(302, yes), admitted},
      {"as plain text", http::text_response(200, yes), admitted},
      {"the largest body", http::json_response(200, yes + padding), admitted},
      {"one byte more", http::json_response(200, yes + padding + ' '), failed},
      {"denied", http::json_response(200, R"({"allowed":false})"), denied},
      {"empty", http::json_response(200, ""), denied},
      {"white space", http::json_response(200, " \n"), denied},
      {"null", http::json_response(200, "null"), denied},
      {"an envelope without data", http::json_response(200, R"({"success":true})"), denied},
      {"a failed envelope", http::json_response(200, R"({"success":false,"error":{"code":"c","message":"m"}})"),
       failed},
      {"a trailing byte", http::json_response(200, std::string{yes} + "x"), failed},
      {"no JSON", http::json_response(200, "yes"), failed},
      {"status 400", http::json_response(400, yes), failed},
      {"status 500", http::json_response(500, yes), failed},
  };
  tunnel_process tunnel{asking(authorizer)};
  for (const auto& row : rows) {
    authorizer.answer("/attach", row.response);
    EXPECT_EQ(tunnel.fate_of_attach(), row.fate) << row.name;
  }
  EXPECT_TRUE(tunnel.program->wait_for_err(" warning: attach authorizer: HTTP body is too large; "));
}

TEST(attach_policy, redirects_stay_on_the_origin) {
  authorizer_server authorizer;
  authorizer_server elsewhere;
  elsewhere.answer("/end", yes);
  authorizer.answer("/end", yes);
  std::size_t arrived = 0;
  tunnel_process tunnel{asking(authorizer)};
  const auto redirect = [&](unsigned status, const std::string& to) {
    authorizer.answer("/attach", {.status = status, .headers = {{"Location", to}}});
    return tunnel.fate_of_attach();
  };
  for (const unsigned status : {301u, 302u, 303u}) {
    EXPECT_EQ(redirect(status, "/end"), admitted) << status;
    const auto asked = authorizer.wait_for("/end", ++arrived).back();
    EXPECT_EQ(asked.method, "GET") << status;
    EXPECT_EQ(asked.body, "") << status;
  }
  for (const unsigned status : {307u, 308u}) {
    EXPECT_EQ(redirect(status, authorizer.url("/end")), admitted) << status;
    const auto asked = authorizer.wait_for("/end", ++arrived).back();
    EXPECT_EQ(asked.method, "POST") << status;
    EXPECT_THAT(asked.body, StartsWith("{")) << status;
  }
  for (const unsigned status : {302u, 307u}) EXPECT_EQ(redirect(status, elsewhere.url("/end")), failed) << status;
  EXPECT_EQ(elsewhere.requests(), 0u);
}

TEST(attach_policy, follows_ten_redirects_and_no_more) {
  authorizer_server authorizer;
  std::atomic<int> left = 0;
  authorizer.on("/attach", [&](const http::request&, const http::responder& respond) {
    if (left-- == 0) return respond(http::json_response(200, yes));
    respond({.status = 307, .headers = {{"Location", "/attach"}}});
  });
  tunnel_process tunnel{asking(authorizer)};
  left = 10;
  EXPECT_EQ(tunnel.fate_of_attach(), admitted);
  left = 11;
  EXPECT_EQ(tunnel.fate_of_attach(), failed);
}

TEST(attach_policy, nobody_there_is_a_failure) {
  tunnel_process tunnel{{"--attach-authorizer-url", "http://127.0.0.1:1/"}};
  EXPECT_EQ(tunnel.fate_of_attach(), failed);
  EXPECT_EQ(tunnel.attach_count("policy_error"), 1);
}

TEST(attach_policy, waits_for_an_answer_only_so_long) {
  authorizer_server authorizer;  // never answers
  tunnel_process tunnel{asking(authorizer, {"--policy-request-timeout=200ms"})};
  const auto begin = std::chrono::steady_clock::now();
  undisturbed_time taken;
  EXPECT_EQ(tunnel.fate_of_attach(), failed);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds{200});
  EXPECT_LT(taken.elapsed(), seconds{3}) << "the time-out that was asked for, not the standard one";
}

TEST(attach_policy, more_attaches_than_calls_wait_in_line_and_none_is_lost) {
  authorizer_server authorizer;
  std::mutex mutex;
  std::vector<http::responder> held;
  authorizer.on("/attach", [&](const http::request&, const http::responder& respond) {
    const std::scoped_lock lock(mutex);
    held.push_back(respond);
  });
  tunnel_process tunnel{asking(authorizer, {"--policy-request-timeout=25s"})};
  constexpr std::size_t calls = 128;
  std::vector<tunnel_client> clients;
  for (std::size_t i = 0; i < calls + 2; ++i) {
    clients.push_back(tunnel.attach("room-" + std::to_string(i), 1));
    clients.back().send(client_frame(op_text, std::string_view{"the end"}));
  }
  EXPECT_EQ(authorizer.wait_for("/attach", calls).size(), calls);
  authorizer.answer("/attach", yes);
  {
    const std::scoped_lock lock(mutex);
    for (const auto& respond : held) respond(http::json_response(200, yes));
  }
  EXPECT_EQ(authorizer.wait_for("/attach", calls + 2).size(), calls + 2);
  for (auto& client : clients) EXPECT_EQ(client.frame(), std::nullopt) << "admitted";
}

TEST(attach_policy, a_denied_or_failed_call_does_not_consume_the_token) {
  authorizer_server authorizer;
  tunnel_process tunnel{asking(authorizer)};
  const auto p = tunnel.mint.draft("room", 1);
  authorizer.answer("/attach", R"({"allowed":false})");
  EXPECT_EQ(tunnel.fate_of_attach(p), denied);
  authorizer.answer("/attach", http::error_response(503, "busy"));
  EXPECT_EQ(tunnel.fate_of_attach(p), failed);
  authorizer.answer("/attach", yes);
  EXPECT_EQ(tunnel.fate_of_attach(p), admitted);
  EXPECT_EQ(tunnel.fate_of_attach(p), "1008 token_replay");
  EXPECT_EQ(authorizer.requests(), 4u) << "policy comes before the replay store";
}

TEST(attach_policy, is_not_asked_about_tokens_that_are_no_good) {
  authorizer_server authorizer;
  authorizer.answer("/attach", yes);
  tunnel_process tunnel{asking(authorizer)};
  auto p = tunnel.mint.draft("room", 1);
  p.aud = "another";
  EXPECT_EQ(tunnel.fate_of_attach(p), "1008 invalid_token");
  auto client = tunnel_client::attached(
      tunnel.address, token_mint::attach_text("other room", 1, tunnel.mint.sign(tunnel.mint.draft("room", 1))));
  EXPECT_EQ(client.frame().value().close_reason(), "channel_mismatch");
  EXPECT_EQ(authorizer.requests(), 0u);
}

TEST(attach_policy, keeps_what_comes_while_it_thinks) {
  authorizer_server authorizer;
  http::responder later;
  authorizer.on("/attach", [&](const http::request&, const http::responder& respond) { later = respond; });
  tunnel_process tunnel{asking(authorizer)};
  auto client = tunnel.attach("room", 1);
  client.binary("early");
  client.binary("and more");
  (void)authorizer.wait_for("/attach");
  authorizer.answer("/attach", yes);
  later(http::json_response(200, yes));
  auto server = tunnel.attach("room", 2);
  EXPECT_EQ(server.message(), "early");
  EXPECT_EQ(server.message(), "and more");
}

/// An authorizer that reads one request and then only waits for the end of the connection.
TEST(attach_policy, a_call_ends_when_its_endpoint_leaves) {
  boost::asio::io_context context;
  boost::asio::ip::tcp::acceptor acceptor{context, {boost::asio::ip::address_v4::loopback(), 0}};
  const auto url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/";
  tunnel_process tunnel{{"--attach-authorizer-url", url, "--policy-request-timeout=25s"}};
  undisturbed_time taken;
  for (const bool with_goodbye : {false, true}) {
    auto client = tunnel.attach("room", 1);
    auto call = acceptor.accept();
    std::string request;
    boost::asio::read_until(call, boost::asio::dynamic_buffer(request), "\r\n\r\n");
    if (with_goodbye) {
      client.send(client_close(1000));
      EXPECT_EQ(client.frame().value().close_code(), 1000);
    } else {
      client.close();
    }
    error_code ended;
    while (!ended) call.read_some(boost::asio::buffer(request), ended);
  }
  EXPECT_LT(taken.elapsed(), seconds{20}) << "long before the calls time out";
  EXPECT_EQ(tunnel.attach_count("policy_error"), 2);
}

TEST(attach_policy, a_stop_does_not_wait_for_an_authorizer) {
  authorizer_server authorizer;
  tunnel_process tunnel{asking(authorizer, {"--policy-request-timeout=25s"})};
  auto client = tunnel.attach("room", 1);
  (void)authorizer.wait_for("/attach");
  undisturbed_time taken;
  tunnel.program->send_signal(SIGTERM);
  EXPECT_EQ(tunnel.program->wait().exit_code, 0);
  EXPECT_LT(taken.elapsed(), seconds{15});
  EXPECT_TRUE(client.ended()) << "without a close frame";
}

TEST(attach_policy, over_tls_trusts_what_the_system_trusts) {
  test_authority authority;
  const auto certificate = authority.issue("IP:127.0.0.1");
  authorizer_server authorizer{http::load_server_tls(certificate.chain, certificate.key).value()};
  authorizer.answer("/attach", yes);
  testing_support::temporary_folder folder;
  testing_support::write_whole_file(folder.file("ca.pem"), authority.ca_pem());
  {
    tunnel_process tunnel{asking(authorizer), {{"SSL_CERT_FILE", folder.file("ca.pem")}}};
    EXPECT_EQ(tunnel.fate_of_attach(), admitted);
    EXPECT_EQ(tunnel.fate_of_attach(), admitted);
  }
  tunnel_process stranger{asking(authorizer)};
  EXPECT_EQ(stranger.fate_of_attach(), failed);
}

/// More than this of a short lease, and who is to use it comes late.
constexpr milliseconds tolerable{250};

TEST(lease, ends_a_channel) {
  authorizer_server authorizer;
  expect_when_undisturbed(tolerable, [&]() -> std::string {
    tunnel_process tunnel{asking(authorizer)};
    const auto until = unix_ms() + 2000;
    authorizer.answer("/attach", allow_until(until));
    auto client = tunnel.attach("room", 1);
    auto server = tunnel.attach("room", 2);
    if (!passes(client, server, "while it lasts")) return "nothing passed while it lasted";
    EXPECT_TRUE(client.ended()) << "without a close frame";
    EXPECT_TRUE(server.ended());
    EXPECT_GE(unix_ms(), until);
    EXPECT_EQ(tunnel.closed_count("policy_lease_expired"), 1);
    return unix_ms() < until + 5000 ? "" : "it ended long after";
  });
}

TEST(lease, is_extended_by_observation) {
  expect_when_undisturbed(tolerable, []() -> std::string {
    authorizer_server authorizer;
    tunnel_process tunnel{observing(authorizer)};
    const auto until = unix_ms() + 1500;
    authorizer.answer("/attach", allow_until(until));
    authorizer.answer("/observe", decisions(decision("room", R"("allowed":true,"lease_expires_at_unix_ms":)" +
                                                                 std::to_string(until + 600000))));
    auto client = tunnel.attach("room", 1);
    auto server = tunnel.attach("room", 2);
    // A second after the first lease, which is two sweeps. A channel that has ended is not asked about.
    const auto asked_later = [&] {
      const auto requests = authorizer.wait_for("/observe", 0);
      return !requests.empty() && json_of(requests.back().body).at("now_unix_ms").as_int64() > until + 1000;
    };
    while (!asked_later()) {
      if (!is_silent(client, milliseconds{50})) return "it ended with its first lease";
    }
    return passes(client, server, "still here") ? "" : "it has ended";
  });
}

TEST(observe_policy, tells_what_passed_and_ends_what_is_denied) {
  authorizer_server authorizer;
  authorizer.answer("/attach", yes);
  std::atomic<bool> deny = false;
  authorizer.on("/observe", [&](const http::request&, const http::responder& respond) {
    respond(http::json_response(200, deny ? decisions(decision("room", R"("allowed":false)")) : "{}"));
  });
  tunnel_process tunnel{observing(authorizer)};
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  EXPECT_TRUE(passes(client, server, "12345"));
  EXPECT_TRUE(passes(server, client, "123"));
  const auto told = authorizer.wait_until("/observe", [](const auto& requests) {
    return !requests.empty() && requests.back().body.find(R"("bytes_to_server":5)") != std::string::npos &&
           requests.back().body.find(R"("bytes_to_client":3)") != std::string::npos;
  });
  EXPECT_EQ(told.back().method, "POST");
  const auto question = json_of(told.back().body);
  EXPECT_EQ(question.at("channels"), boost::json::parse(R"([{"channel_id":"room","audience":"aud","issuer":"iss",
      "bytes_to_client":3,"bytes_to_server":5}])"));
  deny = true;
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(server.ended());
  EXPECT_EQ(tunnel.closed_count("policy_denied"), 1);
  EXPECT_EQ(tunnel.closed_count("peer_closed"), 2);
  deny = false;
  const auto before = authorizer.wait_for("/observe").size();
  auto other = tunnel.attach("other", 1);
  for (const auto& one : authorizer.wait_until("/observe", [&](const auto& all) { return all.size() > before; })) {
    EXPECT_THAT(one.body, Not(HasSubstr(R"("channels":[])"))) << "nothing is asked while there is no channel";
  }
}

TEST(observe_policy, asks_in_batches_with_one_timestamp) {
  authorizer_server authorizer;
  authorizer.answer("/attach", yes);
  tunnel_process tunnel{observing(authorizer, {"--policy-batch-size=2"})};
  authorizer.answer("/observe", "null");
  std::vector<tunnel_client> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(tunnel.attach("room-" + std::to_string(i), 1));
  (void)authorizer.wait_for("/attach", 5);
  std::vector<std::size_t> sizes;
  std::set<std::string> ids;
  (void)authorizer.wait_until("/observe", [&](const std::vector<http::request>& all) {
    std::int64_t round = 0;
    for (const auto& one : all) {
      const auto question = json_of(one.body);
      const auto now = question.at("now_unix_ms").as_int64();
      if (now != round) {
        sizes.clear();
        ids.clear();
      }
      round = now;
      const auto& channels = question.at("channels").as_array();
      sizes.push_back(channels.size());
      for (const auto& channel : channels) ids.insert(text_at(channel.as_object(), "channel_id"));
      if (ids.size() == 5) return true;
    }
    return false;
  });
  EXPECT_THAT(sizes, ElementsAre(2u, 2u, 1u));
}

TEST(observe_policy, drops_a_response_with_one_bad_decision) {
  const std::string deny = decision("room", R"("allowed":false)");
  const std::vector<std::string> bad{
      decisions(deny + "," + decision("room", R"("allowed":true)")),
      decisions(deny + R"(,{"channel_id":" ","audience":"aud","issuer":"iss","allowed":true})"),
      decisions(deny + R"(,{"channel_id":"x","audience":"aud","allowed":true})"),
      decisions(deny + "," + decision("other", R"("allowed":true,"tenant_id":"nobody")")),
      decisions(deny) + "x",
      R"({"success":false,"error":{},"data":)" + decisions(deny) + "}",
  };
  authorizer_server authorizer;
  authorizer.answer("/attach", yes);
  std::atomic<bool> started = false;
  std::atomic<bool> now_a_good_one = false;
  std::atomic<std::size_t> row = 0;
  authorizer.on("/observe", [&](const http::request&, const http::responder& respond) {
    if (now_a_good_one) return respond(http::json_response(200, decisions(deny)));
    if (!started || row++ >= bad.size()) return respond(http::json_response(200, "{}"));
    respond(http::json_response(200, bad[row - 1]));
  });
  tunnel_process tunnel{observing(authorizer)};
  auto other = tunnel.attach("other", 1);
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  EXPECT_TRUE(passes(client, server, "before"));
  started = true;
  // All of them were read when the next one is asked for.
  (void)authorizer.wait_until("/observe", [&](const auto&) { return row > bad.size(); });
  EXPECT_EQ(tunnel.closed_count("policy_denied"), 0);
  EXPECT_TRUE(passes(server, client, "still here"));
  now_a_good_one = true;
  EXPECT_TRUE(client.ended()) << "the good one does it";
  EXPECT_EQ(tunnel.closed_count("policy_denied"), 1);
}

TEST(observe_policy, a_failing_authorizer_changes_nothing) {
  authorizer_server authorizer;
  authorizer.answer("/attach", yes);
  authorizer.answer("/observe", http::json_response(500, decisions(decision("room", R"("allowed":false)"))));
  tunnel_process tunnel{observing(authorizer)};
  auto client = tunnel.attach("room", 1);
  auto server = tunnel.attach("room", 2);
  (void)authorizer.wait_for("/observe", 4);
  EXPECT_TRUE(passes(client, server, "still here"));
  EXPECT_TRUE(tunnel.program->wait_for_err(" warning: observe authorizer: it answered with status 500"));
}

struct usage_row {
  process::words arguments;
  std::string message;
};

TEST(policy_usage, errors_come_in_their_order) {
  const process::words base{"--issuer-keys-file", "none", "--aud", "a", "--allow-origin", "https://app.example"};
  const std::string url = "http://127.0.0.1:1/";
  const std::vector<usage_row> rows{
      {{"--observe-authorizer-url", url, "--authorizer-header=x"},
       "--observe-authorizer-url requires --attach-authorizer-url"},
      {{"--policy-request-timeout=-1s"}, "--policy-request-timeout must be >= 0"},
      {{"--policy-observe-interval=-1s"}, "--policy-observe-interval must be >= 0"},
      {{"--policy-batch-size=-1"}, "--policy-batch-size must be >= 0"},
      {{"--authorizer-header", "hidden"}, "invalid --authorizer-header"},
      {{"--authorizer-header", ": hidden"}, "invalid --authorizer-header"},
      {{"--authorizer-header", "name:  "}, "invalid --authorizer-header"},
      {{"--authorizer-header", "na me: hidden"}, "invalid --authorizer-header"},
      {{"--authorizer-header", "Host: hidden"}, "invalid --authorizer-header"},
      {{"--authorizer-header", "name: sec\nret"}, "invalid --authorizer-header"},
      {{"--authorizer-header", "hidden", "--attach-authorizer-url", "ftp://x"}, "invalid --authorizer-header"},
      {{"--attach-authorizer-url", "ftp://x"}, "invalid --attach-authorizer-url"},
      {{"--attach-authorizer-url", "http://user@x/"}, "invalid --attach-authorizer-url"},
      {{"--attach-authorizer-url", "http:///path"}, "invalid --attach-authorizer-url"},
      {{"--attach-authorizer-url", "/attach", "--ws-path=x"}, "invalid --attach-authorizer-url"},
      {{"--attach-authorizer-url", url, "--observe-authorizer-url", "x"}, "invalid --observe-authorizer-url"},
      {{"--attach-authorizer-url", url, "--ws-path=x"}, "path must start with /"},
  };
  for (const auto& row : rows) {
    auto arguments = base;
    arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
    const auto result = testing_support::run_program("flowersec-tunnel", arguments);
    EXPECT_EQ(result.exit_code, 2) << row.message;
    EXPECT_THAT(result.err.substr(0, result.err.find('\n')), HasSubstr(row.message));
    EXPECT_THAT(result.err, Not(HasSubstr("hidden"))) << "headers carry keys";
    EXPECT_EQ(result.out, "");
  }
}

}  // namespace
}  // namespace flowersec::testing
