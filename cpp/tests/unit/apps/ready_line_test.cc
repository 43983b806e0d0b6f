#include "tunneld/ready_line.h"

#include <gtest/gtest.h>

namespace flowersec::apps {
namespace {

struct host_row {
  std::string text;
  std::string host;
  std::optional<std::uint16_t> port;
};

class advertised_hosts : public testing::TestWithParam<host_row> {};

TEST_P(advertised_hosts, contribute_host_and_perhaps_port) {
  const auto parsed = parse_advertised_host(GetParam().text);
  ASSERT_TRUE(parsed) << GetParam().text;
  EXPECT_EQ(parsed->host, GetParam().host);
  EXPECT_EQ(parsed->port, GetParam().port);
}

INSTANTIATE_TEST_SUITE_P(table, advertised_hosts,
                         testing::Values(host_row{"tunnel.example", "tunnel.example", {}},
                                         host_row{"tunnel.example:443", "tunnel.example", 443},
                                         host_row{"10.0.0.1:65535", "10.0.0.1", 65535}, host_row{"::1", "[::1]", {}},
                                         host_row{"[::1]", "[::1]", {}},
                                         host_row{"[2001:db8::1]:8443", "[2001:db8::1]", 8443},
                                         host_row{"fe80::1%eth0", "[fe80::1%eth0]", {}},
                                         host_row{"https://tunnel.example/path?x=1", "tunnel.example", {}},
                                         host_row{"wss://u:p@tunnel.example:9000/ws", "tunnel.example", 9000},
                                         host_row{"http://[::1]:80#x", "[::1]", 80}));

class refused_advertised_hosts : public testing::TestWithParam<std::string> {};

TEST_P(refused_advertised_hosts, are_told_apart_from_hosts) { EXPECT_FALSE(parse_advertised_host(GetParam())); }

INSTANTIATE_TEST_SUITE_P(table, refused_advertised_hosts,
                         testing::Values("", ":80", "h:0", "h:65536", "h:", "h:x", "h:+1", "a:b:c", "1:2:3:4", "[::1",
                                         "[::1]x", "[::1]:0", "[nope]", "http://", "https:///path", "http://:80",
                                         "two words", "host/path", "user@host", "ho\"st"));

TEST(ready_line, has_the_keys_in_order) {
  EXPECT_EQ(ready_line({.listen = "127.0.0.1:8080", .ws_path = "/ws"}, {"dev", "unknown", "unknown"}),
            R"({"version":"dev","commit":"unknown","date":"unknown","listen":"127.0.0.1:8080","ws_path":"/ws",)"
            R"("ws_url":"ws://127.0.0.1:8080/ws","http_url":"http://127.0.0.1:8080",)"
            R"("healthz_url":"http://127.0.0.1:8080/healthz"})");
}

TEST(ready_line, names_the_advertised_host_and_the_port_of_each_listener) {
  EXPECT_EQ(ready_line({.listen = "0.0.0.0:8080",
                        .ws_path = "/t",
                        .tls = true,
                        .advertise_text = "t.example:443",
                        .advertise = parse_advertised_host("t.example:443"),
                        .metrics_listen = "[::]:9090",
                        .stats_listen = "127.0.0.1:9091"},
                       {"v1", "c", "d"}),
            R"({"version":"v1","commit":"c","date":"d","listen":"0.0.0.0:8080","ws_path":"/t",)"
            R"("advertise_host":"t.example:443","ws_url":"wss://t.example:443/t","http_url":"https://t.example:443",)"
            R"("healthz_url":"https://t.example:443/healthz","metrics_url":"https://t.example:9090/metrics",)"
            R"("stats_url":"https://t.example:9091/stats/v1/bandwidth"})");
}

TEST(ready_line, a_host_without_port_gets_the_bound_port) {
  const auto line = ready_line(
      {.listen = "[::]:8080", .ws_path = "/ws", .advertise_text = "::1", .advertise = parse_advertised_host("::1")},
      {"v", "", ""});
  EXPECT_NE(line.find(R"("ws_url":"ws://[::1]:8080/ws")"), line.npos) << line;
}

}  // namespace
}  // namespace flowersec::apps
