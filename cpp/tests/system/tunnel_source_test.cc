// Bounds per source address, through flowersec-tunnel.
#include "tunnel_program.h"

namespace flowersec::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing_support::run_program;

tunnel_client::options from(std::string address, std::string forwarded_for = {}) {
  tunnel_client::options how;
  how.from = std::move(address);
  if (!forwarded_for.empty()) how.more_headers = "X-Forwarded-For: " + forwarded_for + "\r\n";
  return how;
}

/// The head of the answer to an upgrade, or to nothing at all.
std::string answer(const tunnel_program& tunnel, const tunnel_client::options& how) {
  try {
    (void)tunnel.connect(how);
  } catch (const std::runtime_error& refused) {
    return refused.what();
  }
  return "HTTP/1.1 101 ";
}

TEST(source_bounds, connections_of_one_address) {
  tunnel_program tunnel{{"--max-conns-per-ip", "2"}};
  tunnel.enable_metrics();
  const auto here = from("127.0.0.2");
  auto c = tunnel.attach("room", 1, here);
  auto s = tunnel.attach("room", 2, here);
  attached_pair pair{std::move(c), std::move(s)};
  pair.echo("there");
  tunnel_client third{tunnel.address(), here};
  const auto head = third.read_http_head();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_THAT(head, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_EQ(third.read_until("\n"), "too many connections from this address\n");
  EXPECT_TRUE(third.ended());
  EXPECT_TRUE(tunnel.process.wait_for_err(
      " warning: too many connections from 127.0.0.2: answered with 429, see --max-conns-per-ip\n"));
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_attach_total{reason=\"too_many_connections\",result=\"fail\"}"), 1);
  EXPECT_EQ(answer(tunnel, from("127.0.0.3")), "HTTP/1.1 101 ") << "another address";
  pair.echo("still there");
  pair.client.close();
  pair.server.close();
  EXPECT_TRUE(tunnel_program::eventually([&] { return answer(tunnel, here) == "HTTP/1.1 101 "; }));
}

TEST(source_bounds, a_flood_of_refusals_is_one_log_line) {
  tunnel_program tunnel{{"--max-conns-per-ip", "1"}};
  const auto first = tunnel.connect(from("127.0.0.2"));
  for (int i = 0; i < 50; ++i) {
    tunnel_client more{tunnel.address(), from("127.0.0.2")};
    EXPECT_THAT(more.read_http_head(), StartsWith("HTTP/1.1 429 "));
  }
  tunnel.process.send_signal(SIGTERM);
  const auto log = tunnel.process.wait().err;
  const auto at = log.find("too many connections from");
  ASSERT_NE(at, log.npos);
  EXPECT_EQ(log.find("too many connections from", at + 1), log.npos) << log;
}

TEST(source_bounds, attaches_of_one_address) {
  tunnel_program tunnel{{"--attach-rate-per-ip", "5"}};
  // Attaches can be had back only as time passes: the sixth in less than a fifth of a second is one too many.
  const auto begin = std::chrono::steady_clock::now();
  std::string last = "HTTP/1.1 101 ";
  int given = 0;
  while (last == "HTTP/1.1 101 " && given < 10'000) {
    last = answer(tunnel, from("127.0.0.2"));
    given += last == "HTTP/1.1 101 " ? 1 : 0;
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  EXPECT_THAT(last, StartsWith("HTTP/1.1 429 "));
  EXPECT_GE(given, 5);
  EXPECT_LE(given, 5 + 5 * taken.count());
  EXPECT_TRUE(tunnel.process.wait_for_err(
      " warning: too many attaches from 127.0.0.2: answered with 429, see --attach-rate-per-ip\n"));
  EXPECT_EQ(answer(tunnel, from("127.0.0.3")), "HTTP/1.1 101 ");
  EXPECT_TRUE(tunnel_program::eventually([&] { return answer(tunnel, from("127.0.0.2")) == "HTTP/1.1 101 "; }));
}

TEST(source_bounds, a_trusted_proxy_names_the_source_and_nobody_else_does) {
  tunnel_program tunnel{
      {"--max-conns-per-ip", "1", "--trusted-proxy", "127.0.0.8/31", "--trusted-proxy", "2001:db8::/32"}};
  const auto proxy = [](std::string text) { return from("127.0.0.9", std::move(text)); };
  auto one = tunnel.connect(proxy("192.0.2.1"));
  auto two = tunnel.connect(proxy("198.51.100.1, 192.0.2.2:4711, [2001:db8::7]:80"));
  EXPECT_THAT(answer(tunnel, proxy("192.0.2.3, 192.0.2.1")), StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(answer(tunnel, proxy("192.0.2.2")), StartsWith("HTTP/1.1 429 "));
  auto nobody = tunnel.connect(proxy("garbage"));
  EXPECT_THAT(answer(tunnel, from("127.0.0.9")), StartsWith("HTTP/1.1 429 ")) << "the proxy itself";
  auto stranger = tunnel.connect(from("127.0.0.2", "192.0.2.7"));
  tunnel_client again{tunnel.address(), from("127.0.0.2")};
  EXPECT_THAT(again.read_http_head(), StartsWith("HTTP/1.1 429 ")) << "an untrusted peer is its own source";
}

TEST(source_bounds, proxies_come_from_the_environment_too) {
  tunnel_program tunnel{{},
                        {{"FSEC_TUNNEL_MAX_CONNS_PER_IP", "1"}, {"FSEC_TUNNEL_TRUSTED_PROXY", "192.0.2.1, 127.0.0.9"}}};
  auto one = tunnel.connect(from("127.0.0.9", "192.0.2.7"));
  EXPECT_EQ(answer(tunnel, from("127.0.0.9", "192.0.2.8")), "HTTP/1.1 101 ");
  EXPECT_THAT(answer(tunnel, from("127.0.0.9", "192.0.2.7")), StartsWith("HTTP/1.1 429 "));
}

TEST(source_bounds, nothing_is_bounded_by_default) {
  tunnel_program tunnel;
  std::vector<tunnel_client> many;
  for (int i = 0; i < 100; ++i) many.push_back(tunnel.connect(from("127.0.0.2")));
  tunnel.process.send_signal(SIGTERM);
  EXPECT_THAT(tunnel.process.wait().err, Not(HasSubstr("429")));
}

TEST(source_bounds, bad_texts_are_usage_errors_that_name_the_flag) {
  const auto refuse = [](const std::string& flag, const std::string& value, const std::string& message) {
    const auto result = run_program("flowersec-tunnel", {"--aud=a", "--issuer-keys-file=x", flag, value});
    EXPECT_EQ(result.exit_code, 2) << value;
    EXPECT_THAT(result.err, HasSubstr(message)) << value;
    EXPECT_THAT(result.err, HasSubstr("Usage:"));
  };
  for (const auto* text : {"proxy.example", "10.0.0.0/33", "::1/129", "[::1]", "10.0.0.1:80", "10.0.0.0/"}) {
    refuse("--trusted-proxy", text, std::string{"invalid --trusted-proxy: "} + text + " is neither an address nor a");
  }
  refuse("--max-conns-per-ip", "-1", "--max-conns-per-ip must be >= 0");
  refuse("--attach-rate-per-ip", "-1", "--attach-rate-per-ip must be >= 0");
}

}  // namespace
}  // namespace flowersec::testing
