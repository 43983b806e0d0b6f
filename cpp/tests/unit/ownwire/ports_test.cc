// Who is let in at the two ports, and how: origins, proxies, tokens, limits.
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <deque>

#include "gateway_world.h"
#include "ownwire/front.h"
#include "support/literals.h"

namespace flowersec::ownwire {
namespace {

awaitable<void> expect_status(std::uint16_t port, std::string request, std::string status) {
  const auto answer = co_await ask(port, request);
  EXPECT_EQ(status_of(answer), "HTTP/1.1 " + status) << request;
}

awaitable<void> try_origins(gateway_world& world, std::vector<std::pair<std::string, std::string>> rows) {
  for (const auto& [origin, status] : rows) {
    const auto header = origin.empty() ? std::string{} : "Origin: " + origin + "\r\n";
    co_await expect_status(world.gate.public_port(), upgrade_request("/ws", "chat.example:8443", header), status);
  }
}

const std::string let_in = "101 Switching Protocols";
const std::string refused = "403 Forbidden";

TEST(public_port, pages_of_its_own_host_are_let_in) {
  gateway_world world;
  world.run(try_origins(world, {{"https://chat.example:8443", let_in},
                                {"http://chat.example:8443", let_in},
                                {"HTTPS://CHAT.example:8443", let_in},
                                {"https://chat.example", refused},
                                {"https://chat.example:443", refused},
                                {"https://other.example:8443", refused},
                                {"https://chat.example:8443.evil.example", refused},
                                {"https://evil.example/chat.example:8443", refused},
                                {"ftp://chat.example:8443", refused},
                                {"null", refused},
                                {"", refused}}));
}

TEST(public_port, others_by_the_list) {
  auto options = usual_options();
  options.public_port->allowed_origins = {"https://site.example", "*.shop.example"};
  options.public_port->allow_no_origin = true;
  gateway_world world{std::move(options)};
  world.run(try_origins(world, {{"https://site.example", let_in},
                                {"https://a.shop.example", let_in},
                                {"https://shop.example", refused},
                                {"https://chat.example:8443", let_in},
                                {"", let_in}}));
}

awaitable<void> default_ports(gateway_world& world) {
  const auto port = world.gate.public_port();
  co_await expect_status(port, upgrade_request("/ws", "chat.example", "Origin: https://chat.example\r\n"), let_in);
  co_await expect_status(port, upgrade_request("/ws", "chat.example:443", "Origin: https://chat.example\r\n"), let_in);
  co_await expect_status(port, upgrade_request("/ws", "chat.example:80", "Origin: https://chat.example\r\n"), refused);
  co_await expect_status(
      port, upgrade_request("/ws", "chat.example", "Origin: https://chat.example\r\nSec-WebSocket-Protocol: x\r\n"),
      let_in);
}

TEST(public_port, the_ports_of_the_schemes_are_filled_in) {
  gateway_world world;
  world.run(default_ports(world));
}

TEST(public_port, has_so_many_places_on_the_way_in_and_fewer_for_one_address) {
  auto options = usual_options();
  options.public_port->trusted_proxies.clear();
  options.public_port->max_requests = 3;
  options.public_port->max_requests_per_address = 2;
  gateway_world world{std::move(options)};
  world.run(fill_the_entrance(world.gate.public_port()));
}

awaitable<void> crowd_behind_a_proxy(gateway_world& world) {
  const auto port = world.gate.public_port();
  auto first = co_await arrive(port, 1);
  auto second = co_await arrive(port, 1);
  EXPECT_EQ(co_await health(second), "HTTP/1.1 200 OK");
  EXPECT_EQ(co_await health(first), "HTTP/1.1 200 OK");
}

TEST(public_port, does_not_count_those_behind_a_trusted_proxy_as_one) {
  auto options = usual_options();
  options.public_port->max_requests_per_address = 1;
  gateway_world world{std::move(options)};
  world.run(crowd_behind_a_proxy(world));
}

/// One that says nothing after its upgrade, if it got that.
struct silent_user {
  tcp::socket socket;
  std::string status{};
  std::string heard{};  ///< behind the head of the answer
};

awaitable<silent_user> upgrade_and_be_silent(std::uint16_t port, std::string forwarded_for) {
  auto socket = co_await arrive(port, 1);
  silent_user user{.socket = std::move(socket)};
  const auto request =
      upgrade_request("/ws", "h", "Origin: http://h\r\nX-Forwarded-For: 6.6.6.6, " + forwarded_for + "\r\n");
  co_await asio::async_write(user.socket, asio::buffer(request), as_result);
  std::string answer;
  const auto [failed, bytes] =
      co_await asio::async_read_until(user.socket, asio::dynamic_buffer(answer), "\r\n\r\n", as_result);
  if (failed) co_return user;
  user.status = status_of(answer);
  user.heard = answer.substr(bytes);
  co_return user;
}

/// Why the gateway closes one that says "x" instead of opening; empty when it is no close with 1008.
awaitable<std::string> reason_after_x(silent_user& user) {
  const auto frame = testing::hex("8181 00000000 78");
  co_await asio::async_write(user.socket, asio::buffer(frame), as_result);
  const auto hear = [&user](std::size_t bytes) -> awaitable<bool> {
    if (user.heard.size() >= bytes) co_return true;
    const auto missing = asio::transfer_exactly(bytes - user.heard.size());
    const auto [failed, got] =
        co_await asio::async_read(user.socket, asio::dynamic_buffer(user.heard), missing, as_result);
    co_return !failed;
  };
  const bool has_code = co_await hear(4);
  if (!has_code || !user.heard.starts_with("\x88") || user.heard.substr(2, 2) != "\x03\xf0") co_return "";
  const auto whole = 2 + static_cast<std::size_t>(user.heard[1]);
  const bool has_reason = co_await hear(whole);
  if (!has_reason) co_return "";
  co_return user.heard.substr(4, whole - 4);
}

awaitable<void> fill_the_handshakes(gateway_world& world) {
  const auto port = world.gate.public_port();
  const std::string first_address = "198.51.100.1";
  const std::string second_address = "198.51.100.2";
  const std::string third_address = "198.51.100.3";
  const std::string in = "HTTP/1.1 101 Switching Protocols";
  std::optional<silent_user> first = co_await upgrade_and_be_silent(port, first_address);
  const auto second = co_await upgrade_and_be_silent(port, first_address);
  auto third = co_await upgrade_and_be_silent(port, first_address);
  EXPECT_EQ(third.status, in);
  EXPECT_EQ(co_await reason_after_x(third), "rate_limited") << "one more of an address";
  const auto other = co_await upgrade_and_be_silent(port, second_address);
  auto beyond = co_await upgrade_and_be_silent(port, third_address);
  EXPECT_EQ(beyond.status, in);
  EXPECT_EQ(co_await reason_after_x(beyond), "rate_limited") << "one more of all";
  // More of them are silent than requests may be under way: nobody waits for them to read a page.
  const std::string tail = " HTTP/1.1\r\nHost: h\r\n\r\n";
  co_await expect_status(port, "GET /healthz" + tail, "200 OK");
  co_await expect_status(port, "GET /page" + tail, "200 OK");
  EXPECT_GE(world.gate.counts().visitors_refused, 2U);
  // A place is free again when its handshake has failed.
  first.reset();
  for (std::string why = "rate_limited"; why == "rate_limited";) {
    auto next = co_await upgrade_and_be_silent(port, third_address);
    why = co_await reason_after_x(next);
    EXPECT_TRUE(why == "rate_limited" || why == "invalid_open") << why;
  }
  EXPECT_EQ(second.status, in);
  EXPECT_EQ(other.status, in);
}

TEST(public_port, users_behind_a_proxy_have_places_for_handshakes_by_their_own_address_and_pages_need_none) {
  auto options = usual_options();
  options.public_port->max_requests = 3;
  options.public_port->max_handshakes = 3;
  options.public_port->max_handshakes_per_address = 2;
  options.public_port->page = [](const ws::request_head& head) -> std::optional<std::string> {
    if (head.path() != "/page") return std::nullopt;
    return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage";
  };
  gateway_world world{std::move(options)};
  world.run(fill_the_handshakes(world));
}

awaitable<void> crowd_the_refusals(gateway_world& world) {
  const auto port = world.gate.public_port();
  const std::string in = "HTTP/1.1 101 Switching Protocols";
  const std::string busy = "HTTP/1.1 503 Service Unavailable";
  const auto first = co_await upgrade_and_be_silent(port, "198.51.100.1");
  EXPECT_EQ(first.status, in);
  std::deque<silent_user> told;
  for (std::size_t i = 0; i < entrance::max_refusals; ++i) {
    told.push_back(co_await upgrade_and_be_silent(port, "198.51.100.2"));
    EXPECT_EQ(told.back().status, in) << i;
  }
  // Whoever says nothing is let go after a while, and one more may be told: at some time there is no room for one.
  for (std::size_t more = 0; told.back().status == in && more < 100 * entrance::max_refusals; ++more) {
    told.push_back(co_await upgrade_and_be_silent(port, "198.51.100.2"));
    if (told.size() > 4 * entrance::max_refusals) told.pop_front();
  }
  EXPECT_EQ(told.back().status, busy);
  co_await expect_status(port, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", "200 OK");
}

TEST(public_port, so_many_refused_visitors_are_told_why_and_one_more_that_it_is_busy) {
  auto options = usual_options();
  options.public_port->max_requests = 3;
  options.public_port->max_handshakes = 1;
  gateway_world world{std::move(options)};
  world.run(crowd_the_refusals(world));
}

awaitable<void> come_one_after_the_other(gateway_world& world) {
  auto first = co_await test_user::open(world.public_url());
  const auto one = co_await first.join();
  auto second = co_await test_user::open(world.public_url());
  const auto two = co_await second.join();
  EXPECT_FALSE(one.session_id.empty());
  EXPECT_FALSE(two.session_id.empty());
}

TEST(public_port, a_session_that_is_open_takes_no_place_any_more) {
  auto options = usual_options();
  options.public_port->max_handshakes = 1;
  gateway_world world{std::move(options)};
  world.run(come_one_after_the_other(world));
}

awaitable<void> ask_for_pages(gateway_world& world) {
  const auto port = world.gate.public_port();
  const std::string tail = " HTTP/1.1\r\nHost: h\r\n\r\n";
  const auto page = co_await ask(port, "GET /page" + tail);
  EXPECT_EQ(status_of(page), "HTTP/1.1 200 OK");
  EXPECT_TRUE(page.ends_with("page")) << page;
  co_await expect_status(port, "GET /healthz" + tail, "200 OK");
  co_await expect_status(port, "GET /else" + tail, "404 Not Found");
  co_await expect_status(port, "GET /ws" + tail, "400 Bad Request");
  co_await expect_status(port, "GET /ws HTTP/1.1\r\nHost: h\r\nOrigin: http://h\r\n\r\n", "400 Bad Request");
  co_await expect_status(port, upgrade_request("/internal", "h", "Origin: http://h\r\n"), "404 Not Found");
}

TEST(public_port, plain_requests_go_to_the_hook) {
  auto options = usual_options();
  options.public_port->page = [](const ws::request_head& head) -> std::optional<std::string> {
    if (head.path() != "/page") return std::nullopt;
    return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage";
  };
  gateway_world world{std::move(options)};
  world.run(ask_for_pages(world));
}

awaitable<void> visit_too_often(gateway_world& world) {
  auto user = co_await test_user::open(world.public_url());
  co_await user.join();
  ws::connect_options options{.origin = "http://127.0.0.1:" + std::to_string(world.gate.public_port())};
  auto raw = co_await test_client::open(world.public_url(), std::move(options));
  EXPECT_EQ(co_await raw.closed(), 1008);
  EXPECT_EQ(raw.socket.peer_close()->reason, "rate_limited");
  EXPECT_EQ(world.gate.counts().visitors_refused, 1U);
}

TEST(public_port, limits_of_an_address_come_before_any_computation) {
  auto options = usual_options();
  options.limits.max_sessions_per_address = 1;
  gateway_world world{std::move(options)};
  world.run(visit_too_often(world));
}

TEST(public_port, who_a_visitor_is) {
  const auto trusted = network_list::parse({"127.0.0.0/8", "::1", "10.1.0.0/16", "2001:db8::/32"}).value();
  struct row {
    const char* name;
    const char* peer;
    std::vector<const char*> forwarded;
    const char* counted;
    const char* shown;
  };
  const std::vector<row> rows{
      {"a peer that is no proxy", "192.0.2.9", {"198.51.100.1"}, "192.0.2.9", "192.0.2.9"},
      {"a proxy without a word", "127.0.0.1", {}, "127.0.0.1", "127.0.0.1"},
      {"a proxy", "127.0.0.1", {"198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
      {"the rightmost that is not trusted",
       "127.0.0.1",
       {"6.6.6.6, 198.51.100.1, 10.1.2.3"},
       "198.51.100.1",
       "198.51.100.1"},
      {"over several fields", "127.0.0.1", {"6.6.6.6", "198.51.100.1,10.1.2.3"}, "198.51.100.1", "198.51.100.1"},
      {"all are trusted", "127.0.0.1", {"10.1.2.4, 10.1.2.3"}, "10.1.2.4", "10.1.2.4"},
      {"not an address", "127.0.0.1", {"198.51.100.1, unknown, 10.1.2.3"}, "10.1.2.3", "10.1.2.3"},
      {"with a port", "127.0.0.1", {"198.51.100.1:4711"}, "198.51.100.1", "198.51.100.1"},
      {"mapped", "::ffff:127.0.0.1", {"::ffff:198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
      {"IPv6 by 64 bits", "::1", {"[2001:db9:1:2:3:4:5:6]:80"}, "2001:db9:1:2::/64", "2001:db9:1:2:3:4:5:6"},
      {"IPv6 proxy", "2001:db8::7", {"198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
  };
  for (const auto& row : rows) {
    ws::header_list head;
    for (const auto* value : row.forwarded) head.fields.push_back({"x-forwarded-for", value});
    const auto found = address_of_visitor(asio::ip::make_address(row.peer), head, trusted);
    EXPECT_EQ(found.counted, row.counted) << row.name;
    EXPECT_EQ(found.shown, row.shown) << row.name;
  }
  for (const auto* wrong : {"", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8x"}) {
    EXPECT_FALSE(network_list::parse({wrong})) << wrong;
  }
}

awaitable<void> try_internal(gateway_world& world, std::vector<std::pair<std::string, std::string>> rows) {
  for (const auto& [header, status] : rows) {
    co_await expect_status(world.gate.internal_port(), upgrade_request("/ws", "127.0.0.1", header), status);
  }
}

TEST(internal_port, an_ipv4_peer_of_both_families_is_told_by_its_ipv4_address) {
  auto options = usual_options();
  options.internal_port.listen = {asio::ip::address_v6::any(), 0};
  std::vector<gateway_event> told;
  options.on_event = [&](const gateway_event& event) { told.push_back(event); };
  gateway_world world{std::move(options)};
  world.run(try_internal(world, {{"Origin: null\r\n", refused}}));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front().kind, gateway_event_kind::client_refused);
  EXPECT_EQ(told.front().remote_addr, "127.0.0.1");
}

TEST(internal_port, pages_are_refused) {
  gateway_world world;
  world.run(try_internal(world, {{"", let_in},
                                 {"Origin: http://127.0.0.1\r\n", refused},
                                 {"Origin: null\r\n", refused},
                                 {"Origin: \r\n", refused}}));
}

TEST(internal_port, a_token_is_asked_for_when_there_is_one) {
  auto options = usual_options();
  options.internal_port.token = "right";
  gateway_world world{std::move(options)};
  const std::string none = "401 Unauthorized";
  world.run(try_internal(world, {{"", none},
                                 {"Authorization: Bearer wrong\r\n", none},
                                 {"Authorization: Bearer righ\r\n", none},
                                 {"Authorization: Bearer rightt\r\n", none},
                                 {"Authorization: Basic right\r\n", none},
                                 {"Authorization: Bearer\r\n", none},
                                 {"Authorization: Bearer right\r\n", let_in},
                                 {"Authorization: bearer right\r\n", let_in}}));
  world.gate.replace_internal_token("next");
  world.run(
      try_internal(world, {{"Authorization: Bearer right\r\n", none}, {"Authorization: Bearer next\r\n", let_in}}));
}

awaitable<void> ask_internal(gateway_world& world) {
  const auto port = world.gate.internal_port();
  const std::string tail = " HTTP/1.1\r\nHost: h\r\n\r\n";
  co_await expect_status(port, "GET /healthz" + tail, "200 OK");
  co_await expect_status(port, "GET /" + tail, "404 Not Found");
  co_await expect_status(port, upgrade_request("/e2ee", "h"), "404 Not Found");
}

TEST(internal_port, serves_nothing_else) {
  gateway_world world;
  world.run(ask_internal(world));
}

TEST(internal_port, has_so_many_places_on_the_way_in_and_fewer_for_one_address) {
  auto options = usual_options();
  options.internal_port.max_requests = 3;
  options.internal_port.max_requests_per_address = 2;
  gateway_world world{std::move(options)};
  world.run(fill_the_entrance(world.gate.internal_port()));
}

awaitable<void> ask_for_heads(std::uint16_t port, std::string path, std::string status) {
  const std::string tail = " HTTP/1.1\r\nHost: h\r\n\r\n";
  const auto whole = co_await ask(port, "GET " + path + tail);
  EXPECT_EQ(status_of(whole), "HTTP/1.1 " + status);
  const auto end = whole.find("\r\n\r\n") + 4;
  EXPECT_LT(end, whole.size()) << path;
  EXPECT_EQ(co_await ask(port, "HEAD " + path + tail), whole.substr(0, end)) << path;
}

TEST(both_ports, answer_head_without_a_body) {
  gateway_world world;
  world.run(ask_for_heads(world.gate.public_port(), "/ws", "400 Bad Request"));
  world.run(ask_for_heads(world.gate.public_port(), "/healthz", "200 OK"));
  world.run(ask_for_heads(world.gate.internal_port(), "/ws", "400 Bad Request"));
  world.run(ask_for_heads(world.gate.internal_port(), "/healthz", "200 OK"));
  world.run(ask_for_heads(world.gate.internal_port(), "/else", "404 Not Found"));
}

awaitable<void> ask_plainly(gateway_world& world, std::size_t& refused_origins) {
  const auto port = world.gate.public_port();
  co_await expect_status(port, "GET /ws HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request");
  co_await expect_status(port, upgrade_request("/ws", "h"), refused);
  while (refused_origins == 0) co_await asio::post(asio::use_awaitable);
  EXPECT_EQ(world.gate.counts().origins_refused, 1U) << "only the WebSocket";
}

TEST(public_port, a_plain_request_is_no_refused_origin) {
  std::size_t refused_origins = 0;
  auto options = usual_options();
  options.on_event = [&](const gateway_event& event) {
    if (event.kind == gateway_event_kind::origin_refused) ++refused_origins;
  };
  gateway_world world{std::move(options)};
  world.run(ask_plainly(world, refused_origins));
  EXPECT_EQ(refused_origins, 1U);
}

TEST(gateway_options, what_cannot_be_is_refused) {
  asio::io_context context;
  const auto refuses = [&](auto change) {
    auto options = usual_options();
    change(options);
    const auto made = gateway::open(context.get_executor(), std::move(options));
    return made.has_error() ? made.error() : error_code{};
  };
  EXPECT_EQ(refuses([](auto& o) { o.limits.max_sessions = 0; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.credentials.keys = nullptr; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.public_port->path = "ws"; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.public_port->trusted_proxies = {"proxy"}; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.public_port->allowed_origins = {" "}; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.internal_port.token = ""; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.public_port->max_requests = 0; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.public_port->max_requests_per_address = 0; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.public_port->max_handshakes = 0; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.public_port->max_handshakes_per_address = 0; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.internal_port.max_requests = 0; }), gateway_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.internal_port.max_requests_per_address = 0; }), gateway_errc::invalid_option);
  gateway_world taken;
  const tcp::endpoint outside{asio::ip::address_v4::loopback(), taken.gate.public_port()};
  EXPECT_EQ(refuses([&](auto& o) { o.public_port->listen = outside; }), gateway_errc::public_port_taken);
  EXPECT_EQ(refuses([&](auto& o) { o.internal_port.listen = outside; }), gateway_errc::internal_port_taken);
}

}  // namespace
}  // namespace flowersec::ownwire
