// Source addresses: their texts, who speaks through a proxy, and how much one source may take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tunnel_world.h"
#include "tunnel/http_front.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using tunnel::parse_ip_address;
using tunnel::parse_ip_network;
using tunnel::source_bound;

tunnel::ip_address ip(std::string_view text) { return parse_ip_address(text).value(); }

TEST(ip_address, is_read_in_every_form_that_proxies_write) {
  struct row {
    std::string_view text;
    std::string meaning;
  };
  for (const auto& [text, meaning] :
       {row{"192.0.2.1", "192.0.2.1"}, row{" 192.0.2.1\t", "192.0.2.1"}, row{"192.0.2.1:4711", "192.0.2.1"},
        row{"192.0.2.1:0", "192.0.2.1"}, row{"192.0.2.1:65535", "192.0.2.1"}, row{"2001:DB8::1", "2001:db8::1"},
        row{"[2001:db8::1]", "2001:db8::1"}, row{"[2001:db8::1]:443", "2001:db8::1"}, row{"::", "::"},
        row{"::ffff:192.0.2.1", "192.0.2.1"}, row{"[::ffff:192.0.2.1]:1", "192.0.2.1"}, row{"fe80::1%eth0", "fe80::1"},
        row{"[fe80::1%eth0]:1", "fe80::1"}}) {
    const auto address = parse_ip_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_text(*address), meaning) << text;
  }
}

TEST(ip_address, other_texts_are_none) {
  using namespace std::string_view_literals;
  for (const auto text : {""sv,
                          " "sv,
                          "unknown"sv,
                          "_hidden"sv,
                          "192.0.2"sv,
                          "192.0.2.256"sv,
                          "192.0.2.1:"sv,
                          "192.0.2.1:65536"sv,
                          "192.0.2.1:+1"sv,
                          "192.0.2.1:http"sv,
                          "192.0.2.1 x"sv,
                          "[192.0.2.1]"sv,
                          "[2001:db8::1"sv,
                          "[2001:db8::1]443"sv,
                          "[2001:db8::1]:"sv,
                          "2001:db8::1]"sv,
                          "2001:db8::g"sv,
                          ":1"sv,
                          "::1::"sv,
                          "192.0.2.1\0"sv,
                          "\"192.0.2.1\""sv,
                          "for=192.0.2.1"sv}) {
    EXPECT_FALSE(parse_ip_address(text)) << text;
  }
}

TEST(ip_network, contains_what_shares_its_prefix) {
  struct row {
    std::string_view network;
    std::string_view inside;
    std::string_view outside;
  };
  for (const auto& [network, inside, outside] :
       {row{"192.0.2.0/24", "192.0.2.255", "192.0.3.0"}, row{"192.0.2.77/24", "192.0.2.0", "192.0.1.255"},
        row{"192.0.2.128/25", "192.0.2.128", "192.0.2.127"}, row{"10.0.0.0/9", "10.127.255.255", "10.128.0.0"},
        row{"192.0.2.1", "192.0.2.1", "192.0.2.2"}, row{"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
        row{"0.0.0.0/0", "255.255.255.255", "::1"}, row{"::/0", "2001:db8::1", "192.0.2.1"},
        row{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        row{"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"}, row{"::1", "::1", "::2"},
        row{"::1/128", "::1", "::"}, row{" ::1 ", "::1", "127.0.0.1"},
        row{"::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"}}) {
    const auto parsed = parse_ip_network(network);
    ASSERT_TRUE(parsed) << network;
    EXPECT_TRUE(parsed->contains(ip(inside))) << network;
    EXPECT_FALSE(parsed->contains(ip(outside))) << network;
  }
}

TEST(ip_network, other_texts_are_none) {
  for (const std::string_view text :
       {"", "proxy.example", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/8x",
        "192.0.2.0/8/8", "::/129", "192.0.2.1:80", "[::1]", "[::1]/128", "192.0.2.0 /24", "/24", "fe80::1%eth0"}) {
    EXPECT_FALSE(parse_ip_network(text)) << text;
  }
}

TEST(forwarded_source, is_the_right_most_address_that_is_no_trusted_proxy) {
  const std::vector<tunnel::ip_network> trusted{*parse_ip_network("10.0.0.0/8"), *parse_ip_network("fd00::/8")};
  struct row {
    std::string_view peer;
    std::vector<std::string_view> fields;
    std::string source;
  };
  const std::vector<row> rows{
      {"10.0.0.1", {"192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1", {"198.51.100.9, 192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1", {"192.0.2.1, 10.9.9.9"}, "192.0.2.1"},
      {"10.0.0.1", {"192.0.2.1,fd00::7 ,\t10.9.9.9"}, "192.0.2.1"},
      {"10.0.0.1", {"198.51.100.9", "192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1", {"192.0.2.1", "10.9.9.9"}, "192.0.2.1"},
      {"10.0.0.1", {"192.0.2.1", ""}, "192.0.2.1"},
      {"10.0.0.1", {"192.0.2.1, , "}, "192.0.2.1"},
      {"10.0.0.1", {"192.0.2.1:4711"}, "192.0.2.1"},
      {"10.0.0.1", {"[2001:db8::1]:4711"}, "2001:db8::1"},
      {"fd00::1", {"2001:db8::1"}, "2001:db8::1"},
      // Left of the address that counts anybody may have written anything.
      {"10.0.0.1", {"garbage, 192.0.2.1"}, "192.0.2.1"},
      // What a proxy itself wrote must be an address.
      {"10.0.0.1", {"192.0.2.1, garbage"}, "10.0.0.1"},
      {"10.0.0.1", {"192.0.2.1, garbage, 10.9.9.9"}, "10.0.0.1"},
      {"10.0.0.1", {"192.0.2.1, unknown"}, "10.0.0.1"},
      {"10.0.0.1", {"10.1.1.1, 10.9.9.9"}, "10.0.0.1"},
      {"10.0.0.1", {}, "10.0.0.1"},
      {"10.0.0.1", {" "}, "10.0.0.1"},
      // Nobody else is believed.
      {"192.0.2.7", {"198.51.100.9"}, "192.0.2.7"},
      {"::1", {"198.51.100.9"}, "::1"},
  };
  for (const auto& [peer, fields, source] : rows) {
    EXPECT_EQ(to_text(tunnel::forwarded_source(ip(peer), fields, trusted)), source)
        << peer << " <- " << ::testing::PrintToString(fields);
  }
}

TEST(source_key, is_the_network_of_an_ipv6_customer_and_one_ipv4_address) {
  EXPECT_EQ(tunnel::source_key(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
  EXPECT_NE(tunnel::source_key(ip("2001:db8:1:2::")), tunnel::source_key(ip("2001:db8:1:3::")));
  EXPECT_EQ(tunnel::source_key(ip("192.0.2.1")), ip("192.0.2.1"));
}

TEST(source_guard, counts_connections_up_to_its_bound_and_forgets_who_left) {
  tunnel::source_guard guard{{.max_connections = 2, .attaches_per_second = {}, .trusted_proxies = {}}};
  auto first = guard.try_enter(ip("2001:db8::1"));
  auto second = guard.try_enter(ip("2001:db8::2"));
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(guard.try_enter(ip("2001:db8::3"))) << "the same /64";
  const auto other = guard.try_enter(ip("2001:db8:0:1::1"));
  EXPECT_TRUE(other);
  EXPECT_EQ(guard.remembered(), 2u);
  auto moved = std::move(*first);
  first.reset();
  EXPECT_FALSE(guard.try_enter(ip("2001:db8::3"))) << "the place moved, it was not given back";
  moved.give_back();
  moved.give_back();
  EXPECT_TRUE(guard.try_enter(ip("2001:db8::3"))) << "one was given back";
  second.reset();
  EXPECT_EQ(guard.remembered(), 1u);
}

TEST(source_guard, remembers_nobody_while_nothing_is_bounded) {
  tunnel::source_guard guard{{}};
  EXPECT_FALSE(guard.is_on());
  const auto place = guard.try_enter(ip("192.0.2.1"));
  EXPECT_TRUE(place);
  EXPECT_TRUE(guard.try_attach(ip("192.0.2.1"), mono_time{}));
  EXPECT_EQ(guard.remembered(), 0u);
}

TEST(attach_meter, gives_one_seconds_worth_at_once_and_then_its_rate) {
  tunnel::attach_meter meter{4};
  mono_time now{1h};
  const auto taken = [&](std::string_view who) {
    int count = 0;
    while (count < 100 && meter.try_take(ip(who), now)) ++count;
    return count;
  };
  EXPECT_EQ(taken("192.0.2.1"), 4);
  EXPECT_EQ(taken("192.0.2.2"), 4) << "another source has its own";
  now += 249ms;
  EXPECT_EQ(taken("192.0.2.1"), 0);
  now += 1ms;
  EXPECT_EQ(taken("192.0.2.1"), 1);
  now += 500ms;
  EXPECT_EQ(taken("192.0.2.1"), 2);
  now += 10min;
  EXPECT_EQ(taken("192.0.2.1"), 4) << "no more than a second's worth is saved";
}

TEST(attach_meter, a_rate_is_kept_over_many_seconds) {
  for (const std::size_t rate : {1, 3, 7, 1000}) {
    tunnel::attach_meter meter{rate};
    std::size_t taken = 0;
    mono_time now{1h};
    for (const auto end = now + 10s; now < end; now += 1ms) {
      while (meter.try_take(ip("192.0.2.1"), now)) ++taken;
    }
    EXPECT_GE(taken, rate * 10) << rate;
    EXPECT_LE(taken, rate * 11) << rate;
  }
}

TEST(attach_meter, remembers_a_crowd_within_its_bound_and_forgets_it) {
  tunnel::attach_meter meter{1};
  mono_time now{1h};
  constexpr auto bound = 2 * tunnel::attach_meter::most_sources_per_half;
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 3 * bound; ++i) {
    tunnel::ip_address who = ip("10.0.0.0");
    who.bytes[13] = static_cast<std::uint8_t>(i >> 16);
    who.bytes[14] = static_cast<std::uint8_t>(i >> 8);
    who.bytes[15] = static_cast<std::uint8_t>(i);
    EXPECT_TRUE(meter.try_take(who, now));
    most = std::max(most, meter.remembered());
  }
  EXPECT_EQ(most, bound);
  now += 1s;
  EXPECT_TRUE(meter.try_take(ip("192.0.2.1"), now));
  now += 1s;
  EXPECT_TRUE(meter.try_take(ip("192.0.2.1"), now));
  EXPECT_LE(meter.remembered(), 2u);
}

class source_log final : public tunnel::observer {
 public:
  void on_source_refused(const tunnel::ip_address& source, source_bound bound) override {
    lines.push_back(tunnel::to_text(source) + ' ' + std::string{to_text(bound)});
  }
  std::vector<std::string> lines;
};

/// Visitors of a tunnel that bounds its sources, from the accept on.
class bounded : public ::testing::Test {
 protected:
  static tunnel::http_site make_site() {
    tunnel::server_options o;
    o.origins.allowed = {"https://app.example"};
    return *tunnel::http_site::make(o, nullptr);
  }
  [[nodiscard]] tunnel_world::client arrive(const std::string& from) {
    return world.visit([&](auto& home, auto pipe) {
      home.add(std::make_unique<tunnel::http_front>(home, std::move(pipe), site, from)).open();
    });
  }
  /// Its link takes nothing, as before the end of a TLS handshake.
  [[nodiscard]] tunnel_world::client arrive_shut(const std::string& from) {
    return world.visit([&](auto& home, auto pipe) {
      pipe->shared_wire().room = 0;
      home.add(std::make_unique<tunnel::http_front>(home, std::move(pipe), site, from)).open();
    });
  }
  static std::string upgrade(const std::string& more = {}) {
    return "GET /ws HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: https://app.example\r\n" +
           more + "\r\n";
  }
  /// The answer's status to an upgrade.
  [[nodiscard]] static std::string status(tunnel_world::client& visitor) {
    const auto bytes = visitor.take_bytes();
    return std::string{as_text(bytes).substr(0, 12)};
  }
  [[nodiscard]] std::string attach(const std::string& from, const std::string& forwarded) {
    auto visitor = arrive(from);
    visitor.send(as_bytes(upgrade("X-Forwarded-For: " + forwarded + "\r\n")));
    return status(visitor);
  }

  std::shared_ptr<source_log> log = std::make_shared<source_log>();
  tunnel_world world{
      {},
      nullptr,
      log,
      nullptr,
      {.max_connections = 2, .attaches_per_second = 3, .trusted_proxies = {*parse_ip_network("10.0.0.0/8")}}};
  tunnel::http_site site = make_site();
};

TEST_F(bounded, a_connection_too_many_is_answered_before_it_asks) {
  auto first = arrive("192.0.2.1:1");
  auto second = arrive("192.0.2.1:2");
  auto third = arrive("192.0.2.1:3");
  const auto bytes = third.take_bytes();
  const std::string answer{as_text(bytes)};
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\ntoo many connections from this address\n"));
  EXPECT_TRUE(third.saw_end());
  EXPECT_THAT(log->lines, ::testing::ElementsAre("192.0.2.1 connections"));
  EXPECT_EQ(world.attach_count("too_many_connections"), 1);
  auto other = arrive("192.0.2.2:1");
  EXPECT_FALSE(other.saw_end());
  first.end();
  auto again = arrive("192.0.2.1:4");
  EXPECT_FALSE(again.saw_end()) << "a place became free";
}

TEST_F(bounded, so_many_are_told_that_they_are_too_many_and_one_more_is_disconnected) {
  auto first = arrive("192.0.2.1:1");
  auto second = arrive("192.0.2.1:2");
  std::vector<tunnel_world::client> shut;
  while (shut.size() < tunnel::source_guard::max_refusals_under_way) shut.push_back(arrive_shut("192.0.2.1:3"));
  for (auto& each : shut) EXPECT_FALSE(each.saw_end());
  auto beyond = arrive_shut("192.0.2.1:4");
  EXPECT_TRUE(beyond.saw_end());
  EXPECT_TRUE(beyond.raw().tunnel_closed);
  EXPECT_EQ(world.attach_count("too_many_connections"), 65);
  auto other = arrive("192.0.2.2:1");
  EXPECT_FALSE(other.saw_end()) << "a source that has room is no refusal";
  shut.front().set_room(SIZE_MAX);
  EXPECT_EQ(status(shut.front()), "HTTP/1.1 429");
  auto next = arrive("192.0.2.1:5");
  EXPECT_EQ(status(next), "HTTP/1.1 429") << "one has been told";
  world.pass(6s);
  for (auto& each : shut) EXPECT_TRUE(each.saw_end()) << "none is waited for any longer";
}

TEST_F(bounded, a_place_is_kept_through_upgrade_attach_and_pairing_and_given_back_at_the_end) {
  auto c = arrive("192.0.2.1:1");
  auto s = arrive("192.0.2.1:2");
  for (auto* who : {&c, &s}) {
    who->send(as_bytes(upgrade()));
    EXPECT_EQ(status(*who), "HTTP/1.1 101");
  }
  c.text(world.mint.attach_text("room", 1));
  s.text(world.mint.attach_text("room", 2));
  c.binary("hello");
  EXPECT_THAT(s.messages(), ::testing::ElementsAre("hello"));
  auto third = arrive("192.0.2.1:3");
  EXPECT_TRUE(third.saw_end());
  c.end();
  s.end();
  world.pass(5s);
  EXPECT_EQ(world.shared->connections.value(), 0u);
  world.pass(2s);
  EXPECT_TRUE(world.shared->sources.try_attach(ip("198.51.100.1"), world.clock.mono));
  EXPECT_EQ(world.shared->sources.remembered(), 1u) << "only the last one";
}

TEST_F(bounded, a_refused_attach_gives_its_place_back) {
  for (int i = 0; i < 3; ++i) {
    auto c = arrive("192.0.2.1:1");
    c.send(as_bytes(upgrade()));
    c.text("{}");
    EXPECT_TRUE(c.saw_end());
  }
  EXPECT_THAT(log->lines, IsEmpty());
}

TEST_F(bounded, upgrades_above_the_rate_are_told_to_come_back) {
  for (int i = 0; i < 3; ++i) {
    auto c = arrive("192.0.2.1:1");
    c.send(as_bytes(upgrade()));
    EXPECT_EQ(status(c), "HTTP/1.1 101");
    c.end();
  }
  auto c = arrive("192.0.2.1:1");
  c.send(as_bytes(upgrade()));
  const auto bytes = c.take_bytes();
  EXPECT_THAT(std::string{as_text(bytes)}, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(std::string{as_text(bytes)}, EndsWith("\r\n\r\ntoo many attaches from this address\n"));
  EXPECT_THAT(log->lines, ::testing::ElementsAre("192.0.2.1 attach rate"));
  EXPECT_EQ(world.attach_count("too_many_connections"), 1);
  world.pass(340ms);
  c = arrive("192.0.2.1:1");
  c.send(as_bytes(upgrade()));
  EXPECT_EQ(status(c), "HTTP/1.1 101");
}

TEST_F(bounded, what_is_no_upgrade_costs_no_attach) {
  auto c = arrive("192.0.2.1:1");
  for (int i = 0; i < 5; ++i) {
    c.send(as_bytes("GET /ws HTTP/1.1\r\nHost: t\r\n\r\n"));
    EXPECT_EQ(status(c), "HTTP/1.1 400");
    c.send(as_bytes("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"));
    EXPECT_EQ(status(c), "HTTP/1.1 200");
  }
  c.send(as_bytes(upgrade()));
  EXPECT_EQ(status(c), "HTTP/1.1 101");
}

TEST_F(bounded, behind_a_trusted_proxy_each_client_has_its_own_bounds) {
  EXPECT_EQ(attach("10.0.0.1:1", "192.0.2.1"), "HTTP/1.1 101");
  EXPECT_EQ(attach("10.0.0.2:1", "198.51.100.1, 192.0.2.1"), "HTTP/1.1 101");
  EXPECT_EQ(attach("10.0.0.1:1", "203.0.113.5, 192.0.2.1"), "HTTP/1.1 429");
  EXPECT_EQ(attach("10.0.0.1:1", "192.0.2.2"), "HTTP/1.1 101");
  EXPECT_THAT(log->lines, ::testing::ElementsAre("192.0.2.1 connections"));
  std::vector<tunnel_world::client> idle;
  for (int i = 0; i < 5; ++i) {
    idle.push_back(arrive("10.0.0.1:1"));
    EXPECT_FALSE(idle.back().saw_end()) << "the proxy itself has no bound";
  }
}

TEST_F(bounded, a_proxy_that_names_nobody_is_the_source_itself) {
  EXPECT_EQ(attach("10.0.0.1:1", "unknown"), "HTTP/1.1 101");
  EXPECT_EQ(attach("10.0.0.1:1", ""), "HTTP/1.1 101");
  EXPECT_EQ(attach("10.0.0.1:1", "nobody"), "HTTP/1.1 429");
}

TEST_F(bounded, another_peer_cannot_name_a_source) {
  EXPECT_EQ(attach("192.0.2.1:1", "198.51.100.1"), "HTTP/1.1 101");
  EXPECT_EQ(attach("192.0.2.1:1", "198.51.100.2"), "HTTP/1.1 101");
  EXPECT_EQ(attach("192.0.2.1:1", "198.51.100.3"), "HTTP/1.1 429");
}

TEST_F(bounded, ipv6_peers_of_one_customer_are_one_source) {
  auto first = arrive("[2001:db8::1]:1");
  auto second = arrive("[2001:db8::2]:1");
  auto third = arrive("[2001:db8::3]:1");
  EXPECT_TRUE(third.saw_end());
  auto mapped = arrive("[::ffff:192.0.2.1]:1");
  auto plain = arrive("192.0.2.1:1");
  auto over = arrive("192.0.2.1:2");
  EXPECT_TRUE(over.saw_end()) << "an IPv4 peer is the same on a socket of both families";
}

}  // namespace
}  // namespace flowersec::testing
