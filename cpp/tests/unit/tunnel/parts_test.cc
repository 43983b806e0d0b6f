// The small parts: limits, budgets, listen addresses, HTTP answers, admission details.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limits>
#include <set>

#include "support/token_mint.h"
#include "tunnel/block_pool.h"
#include "tunnel/channel_table.h"
#include "tunnel/flow.h"
#include "tunnel/http_site.h"
#include "tunnel/listener.h"

namespace flowersec::tunnel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// As after a moment in which `count` directions were stalled.
void stall_at_once(block_pool& pool, std::size_t count) {
  std::vector<block_ptr> held;
  for (std::size_t i = 0; i < count; ++i) held.push_back(pool.take_working_block());
  for (auto& block : held) pool.put_back(std::move(block));
}

TEST(listener, an_ipv4_peer_of_both_families_is_its_ipv4_address) {
  listener both;
  if (both.open(":0", {})) GTEST_SKIP() << "no IPv6 here";
  ASSERT_TRUE(both.address().starts_with("[::]:")) << both.address();
  const auto port = std::stoi(both.address().substr(5));
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  socklen_t size = sizeof at;
  ASSERT_EQ(::getsockname(client, reinterpret_cast<sockaddr*>(&at), &size), 0);
  const auto taken = accept_one(both.descriptor());
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->peer, "127.0.0.1:" + std::to_string(ntohs(at.sin_port)));
  ::close(taken->descriptor);
  ::close(client);
}

TEST(block_pool, keeps_so_many_spare_blocks_and_frees_one_past) {
  block_cap cap{1};
  block_pool pool{cap};
  stall_at_once(pool, most_spare_blocks);
  EXPECT_EQ(pool.spare_blocks(), most_spare_blocks);
  stall_at_once(pool, most_spare_blocks + 1);
  EXPECT_EQ(pool.spare_blocks(), most_spare_blocks);
}

TEST(block_pool, blocks_that_are_wanted_again_and_again_stay) {
  block_cap cap{1};
  block_pool pool{cap};
  for (int sweep = 0; sweep < 20; ++sweep) {
    stall_at_once(pool, most_spare_blocks);
    pool.shrink();
  }
  EXPECT_EQ(pool.spare_blocks(), most_spare_blocks);
}

TEST(block_pool, an_idle_pool_ends_with_one_spare_block) {
  block_cap cap{1};
  block_pool pool{cap};
  stall_at_once(pool, most_spare_blocks);
  pool.shrink();  // of the time when they were wanted
  pool.shrink();
  EXPECT_EQ(pool.spare_blocks(), most_spare_blocks / 2);
  for (int sweep = 0; sweep < 20; ++sweep) pool.shrink();
  EXPECT_EQ(pool.spare_blocks(), 1);
}

TEST(flow, reads_begin_at_every_cache_line_of_a_page_in_turn) {
  block_cap cap{1};
  block_pool pool{cap};
  flow source;
  constexpr auto lines = block_stagger_bytes / cache_line_bytes;
  std::set<std::uintptr_t> places;
  for (std::size_t turn = 0; turn < 2 * lines; ++turn) {
    auto block = pool.take_working_block();
    const auto* const begin = block->bytes;
    source.borrow(block);
    const auto room = source.input_room();
    EXPECT_EQ(room.size(), block_input_bytes);
    EXPECT_GE(room.data(), begin + relay_headroom_bytes);
    EXPECT_LE(room.data() + room.size(), begin + block_bytes);
    const auto place = reinterpret_cast<std::uintptr_t>(room.data()) % block_stagger_bytes;
    EXPECT_EQ(place % cache_line_bytes, 0u);
    places.insert(place);
    pool.put_back(source.give_block());
  }
  EXPECT_EQ(places.size(), lines);
}

TEST(limits, defaults_work_together) {
  const tunnel_limits limits;
  EXPECT_EQ(validate(limits), std::nullopt);
  EXPECT_EQ(limits.replay_entries(), 48000u);
}

TEST(limits, a_replay_store_for_absurdly_many_connections_is_as_large_as_can_be) {
  constexpr auto most = std::numeric_limits<std::size_t>::max();
  tunnel_limits limits;
  limits.max_connections = most / 4;
  EXPECT_EQ(limits.replay_entries(), most - 3);
  EXPECT_EQ(validate(limits), std::nullopt);
  for (const std::size_t connections : {most / 4 + 1, most / 2 + 2, most}) {
    limits.max_connections = connections;
    EXPECT_EQ(limits.replay_entries(), most);
    EXPECT_EQ(validate(limits), std::nullopt);
  }
}

TEST(limits, absurdly_long_times_are_cut) {
  using std::chrono::milliseconds;
  tunnel_limits limits;
  limits.write_timeout = longest_time;
  limits.attach_timeout = longest_time - milliseconds{1};
  limits.max_token_lifetime = limits.max_init_horizon = limits.replacement_window = milliseconds::max();
  const auto bounded = with_bounded_times(limits);
  EXPECT_EQ(bounded.write_timeout, milliseconds{longest_time});
  EXPECT_EQ(bounded.attach_timeout, milliseconds{longest_time} - milliseconds{1});
  EXPECT_EQ(bounded.max_token_lifetime, milliseconds{longest_time});
  EXPECT_EQ(bounded.max_init_horizon, milliseconds{longest_time});
  EXPECT_EQ(bounded.replacement_window, milliseconds{longest_time});
  limits.write_timeout.reset();
  EXPECT_EQ(with_bounded_times(limits).write_timeout, std::nullopt);
}

TEST(limits, a_write_queue_must_hold_one_message) {
  tunnel_limits limits;
  limits.max_write_queue_bytes = limits.max_record_bytes;
  EXPECT_EQ(validate(limits), std::nullopt);
  limits.max_write_queue_bytes -= 1;
  EXPECT_STREQ(validate(limits).value(), "max write queue bytes must be >= max record bytes");
}

TEST(limits, zero_is_refused_where_it_would_stop_everything) {
  using change = void (*)(tunnel_limits&);
  for (const change c :
       {change{[](tunnel_limits& l) { l.max_token_lifetime = {}; }},
        change{[](tunnel_limits& l) { l.max_init_horizon = {}; }},
        change{[](tunnel_limits& l) { l.max_replay_entries = 0; }},
        change{[](tunnel_limits& l) { l.max_connections = 0; }}, change{[](tunnel_limits& l) { l.max_channels = 0; }},
        change{[](tunnel_limits& l) { l.max_attach_bytes = 0; }},
        change{[](tunnel_limits& l) { l.attach_timeout = {}; }},
        change{[](tunnel_limits& l) { l.write_timeout = std::chrono::milliseconds{0}; }},
        change{[](tunnel_limits& l) { l.max_stalled_blocks = 0; }}}) {
    tunnel_limits limits;
    c(limits);
    EXPECT_NE(validate(limits), std::nullopt);
  }
}

TEST(byte_budget, admits_up_to_its_limit_and_never_overflows) {
  byte_budget budget{100};
  budget.charge(60);
  EXPECT_TRUE(budget.admits(40));
  EXPECT_FALSE(budget.admits(41));
  EXPECT_FALSE(budget.admits(std::numeric_limits<std::uint64_t>::max()));
  budget.release(60);
  EXPECT_TRUE(budget.admits(100));
  EXPECT_TRUE(byte_budget{std::nullopt}.admits(std::numeric_limits<std::uint64_t>::max()));
}

TEST(shared_count, stops_at_its_limit) {
  shared_count count{2};
  EXPECT_TRUE(count.try_add());
  EXPECT_TRUE(count.try_add());
  EXPECT_FALSE(count.try_add());
  count.remove();
  EXPECT_TRUE(count.try_add());
  EXPECT_EQ(count.value(), 2u);
}

TEST(listen_address, forms) {
  const auto of = [](std::string_view text) {
    const auto parsed = parse_listen_address(text);
    return parsed ? parsed->host + '|' + parsed->port : "refused";
  };
  EXPECT_EQ(of("127.0.0.1:8080"), "127.0.0.1|8080");
  EXPECT_EQ(of("[::1]:0"), "::1|0");
  EXPECT_EQ(of(":65535"), "|65535");
  EXPECT_EQ(of("localhost:1"), "localhost|1");
  for (const auto* bad : {"", "127.0.0.1", "127.0.0.1:", "a:65536", "a:-1", "a:http", "::1:80", "[::1]", "[::1:80"}) {
    EXPECT_EQ(of(bad), "refused") << bad;
  }
}

TEST(listener, gives_connections_the_window_they_begin_with) {
  const auto clamp_of = [](const tunnel_limits& limits) {
    listener one;
    EXPECT_FALSE(one.open("127.0.0.1:0", limits));
    int bytes = 0;
    socklen_t size = sizeof bytes;
    EXPECT_EQ(::getsockopt(one.descriptor(), IPPROTO_TCP, TCP_WINDOW_CLAMP, &bytes, &size), 0);
    return bytes;
  };
  tunnel_limits limits;
  EXPECT_EQ(clamp_of(limits), 1048576);
  limits.max_receive_buffer_bytes = std::nullopt;
  EXPECT_NE(clamp_of(limits), 1048576) << "the system's own";
}

TEST(listener, resolves_port_zero) {
  listener one;
  EXPECT_FALSE(one.open("127.0.0.1:0", {}));
  EXPECT_TRUE(one.address().starts_with("127.0.0.1:"));
  EXPECT_NE(one.address(), "127.0.0.1:0");
  listener two;
  EXPECT_TRUE(two.open(one.address(), {}));
}

class site : public ::testing::Test {
 protected:
  http_answer ask(const std::string& request, tunnel_phase phase = tunnel_phase::serving) {
    ws::request_head_parser parser;
    auto bytes = as_bytes(request);
    EXPECT_EQ(parser.consume(bytes), ws::head_status::complete) << request;
    return made->answer(parser.head(), phase);
  }
  static server_options options() {
    server_options o;
    o.origins.allowed = {"https://app.example"};
    return o;
  }
  static std::string upgrade(const std::string& extra = "Origin: https://app.example\r\n",
                             const std::string& first = "GET /ws HTTP/1.1") {
    return first + "\r\nHost: t\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + extra + "\r\n";
  }
  std::optional<std::string> text;
  std::optional<http_site> made = http_site::make(options(), [this] { return text; });
};

TEST_F(site, health_answers_any_method) {
  for (const auto* method : {"GET", "POST", "DELETE"}) {
    const auto answer = ask(std::string{method} + " /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_TRUE(answer.text.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(answer.text.ends_with("\r\n\r\nok"));
    EXPECT_THAT(answer.text, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
    EXPECT_EQ(answer.next, http_answer::then::keep);
  }
  EXPECT_TRUE(ask("HEAD /healthz HTTP/1.1\r\nHost: t\r\n\r\n").text.ends_with("\r\n\r\n"));
}

TEST_F(site, unknown_paths_are_not_found) {
  for (const auto* path : {"/", "/ws/", "/wsx", "/metrics", "/healthz/"}) {
    const auto answer = ask(std::string{"GET "} + path + " HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_TRUE(answer.text.starts_with("HTTP/1.1 404 ")) << path;
    EXPECT_TRUE(answer.text.ends_with("\r\n\r\n404 page not found\n")) << path;
    EXPECT_THAT(answer.text, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
    EXPECT_FALSE(answer.upgrade_refused);
  }
}

TEST_F(site, paths_that_are_not_clean_are_redirected) {
  struct row {
    const char* target;
    const char* location;
  };
  for (const auto& [target, location] :
       {row{"//healthz", "/healthz"}, row{"/a/../healthz", "/healthz"}, row{"/./ws", "/ws"}, row{"/ws//", "/ws/"},
        row{"/../..//x/./y/?a=b//c", "/x/y/?a=b//c"}, row{"//", "/"}, row{"/..", "/"}, row{"/a/..", "/"},
        row{"/a/b/..", "/a"}, row{"//elsewhere.example/", "/elsewhere.example/"},
        row{"/./\\elsewhere.example", "/%5Celsewhere.example"}, row{"http://t//healthz?q", "/healthz?q"}}) {
    const auto answer = ask(std::string{"GET "} + target + " HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_TRUE(answer.text.starts_with("HTTP/1.1 301 ")) << target;
    EXPECT_THAT(answer.text, HasSubstr(std::string{"\r\nLocation: "} + location + "\r\n")) << target;
    EXPECT_TRUE(answer.text.ends_with("\r\n\r\nMoved Permanently\n")) << target;
    EXPECT_EQ(answer.next, http_answer::then::keep);
    EXPECT_FALSE(answer.upgrade_refused);
  }
  EXPECT_TRUE(ask("HEAD //healthz HTTP/1.1\r\nHost: t\r\n\r\n").text.ends_with("\r\n\r\n"));
  for (const auto* clean : {"/.x", "/..x", "/x..", "/a.b/", "*"}) {
    EXPECT_TRUE(ask(std::string{"GET "} + clean + " HTTP/1.1\r\nHost: t\r\n\r\n").text.starts_with("HTTP/1.1 404 "))
        << clean;
  }
}

TEST_F(site, a_target_in_absolute_form_names_the_same_path) {
  EXPECT_EQ(ask(upgrade("Origin: https://app.example\r\n", "GET http://t/ws?q HTTP/1.1")).next,
            http_answer::then::upgrade);
  EXPECT_TRUE(ask("GET http://t/healthz HTTP/1.1\r\nHost: t\r\n\r\n").text.ends_with("\r\n\r\nok"));
  EXPECT_TRUE(ask("GET http://t/wsx HTTP/1.1\r\nHost: t\r\n\r\n").text.starts_with("HTTP/1.1 404 "));
}

TEST_F(site, a_path_that_ends_in_a_slash_stands_for_all_below_it) {
  const auto first_line = [this](const std::string& path) {
    const auto answer = ask(upgrade("Origin: https://app.example\r\n", "GET " + path + " HTTP/1.1"));
    return answer.text.substr(9, 3);
  };
  auto o = options();
  o.ws_path = "/sub/";
  made = http_site::make(o, nullptr);
  EXPECT_EQ(first_line("/sub/"), "101");
  EXPECT_EQ(first_line("/sub/x/y?q"), "101");
  EXPECT_EQ(first_line("/sub"), "404");
  EXPECT_EQ(first_line("/subx/"), "404");
  EXPECT_EQ(first_line("/sub//x"), "301");
  o.ws_path = "/";
  made = http_site::make(o, nullptr);
  EXPECT_EQ(first_line("/"), "101");
  EXPECT_EQ(first_line("/anything"), "101");
  EXPECT_EQ(first_line("/healthz"), "200");
}

TEST_F(site, the_path_metrics_is_free_when_metrics_live_elsewhere) {
  auto o = options();
  o.ws_path = "/metrics";
  EXPECT_FALSE(http_site::make(o, nullptr));
  o.metrics_on_main_listener = false;
  made = http_site::make(o, nullptr);
  ASSERT_TRUE(made);
  EXPECT_EQ(ask(upgrade("Origin: https://app.example\r\n", "GET /metrics HTTP/1.1")).next, http_answer::then::upgrade);
}

TEST_F(site, metrics_answer_only_while_there_is_a_text) {
  EXPECT_TRUE(ask("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").text.starts_with("HTTP/1.1 404 "));
  text = "numbers 1\n";
  const auto answer = ask("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(answer.text.starts_with("HTTP/1.1 200 "));
  EXPECT_THAT(answer.text, HasSubstr("version=0.0.4"));
  EXPECT_TRUE(answer.text.ends_with("numbers 1\n"));
  auto separate = options();
  separate.metrics_on_main_listener = false;
  made = http_site::make(separate, [this] { return text; });
  EXPECT_TRUE(ask("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").text.starts_with("HTTP/1.1 404 "));
}

TEST_F(site, upgrades_without_extension_or_subprotocol_whatever_is_offered) {
  const auto answer =
      ask(upgrade("Origin: https://app.example\r\nSec-WebSocket-Protocol: a, b\r\n"
                  "Sec-WebSocket-Extensions: permessage-deflate\r\n",
                  "GET /ws?query=ignored HTTP/1.1"));
  EXPECT_EQ(answer.next, http_answer::then::upgrade);
  EXPECT_TRUE(answer.text.starts_with("HTTP/1.1 101 "));
  EXPECT_THAT(answer.text, Not(HasSubstr("Protocol:")));
  EXPECT_THAT(answer.text, Not(HasSubstr("Extensions")));
}

TEST_F(site, upgrade_refusals_have_their_status_and_body) {
  struct row {
    std::string request;
    std::string status;
    std::string body;
  };
  const auto without = [](std::string what) {
    auto request = upgrade();
    const auto at = request.find(what);
    return request.erase(at, request.find("\r\n", at) + 2 - at);
  };
  for (const auto& r :
       {row{without("Connection:"), "400", "Bad Request\n"}, row{without("Upgrade:"), "400", "Bad Request\n"},
        row{upgrade("Origin: https://app.example\r\n", "POST /ws HTTP/1.1"), "405", "Method Not Allowed\n"},
        row{without("Sec-WebSocket-Version:"), "400", "Bad Request\n"}, row{upgrade(""), "403", "Forbidden\n"},
        row{upgrade("Origin: https://evil.example\r\n"), "403", "Forbidden\n"},
        row{without("Sec-WebSocket-Key:"), "400", "Bad Request\n"}}) {
    const auto answer = ask(r.request);
    EXPECT_TRUE(answer.text.starts_with("HTTP/1.1 " + r.status)) << r.request;
    EXPECT_TRUE(answer.text.ends_with("\r\n\r\n" + r.body)) << r.request;
    EXPECT_THAT(answer.text, HasSubstr("Sec-Websocket-Version: 13\r\n"));
    EXPECT_TRUE(answer.upgrade_refused);
  }
}

TEST_F(site, closing_tunnel_refuses_upgrades_and_counts_nothing) {
  const auto answer = ask(upgrade(), tunnel_phase::closing);
  EXPECT_TRUE(answer.text.starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(answer.text.ends_with("\r\n\r\ntunnel server closed\n"));
  EXPECT_FALSE(answer.upgrade_refused);
  EXPECT_EQ(answer.next, http_answer::then::close);
}

TEST_F(site, a_draining_tunnel_sends_new_work_elsewhere_and_keeps_its_other_pages) {
  text = "numbers 1\n";
  const auto health = ask("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n", tunnel_phase::draining);
  EXPECT_TRUE(health.text.starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(health.text.ends_with("\r\n\r\ndraining\n"));
  EXPECT_EQ(health.next, http_answer::then::keep);
  const auto refused = ask(upgrade(), tunnel_phase::draining);
  EXPECT_TRUE(refused.text.starts_with("HTTP/1.1 503 "));
  EXPECT_FALSE(refused.upgrade_refused);
  EXPECT_EQ(refused.next, http_answer::then::close);
  const auto metrics = ask("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n", tunnel_phase::draining);
  EXPECT_TRUE(metrics.text.ends_with("numbers 1\n"));
  EXPECT_TRUE(ask("GET /x HTTP/1.1\r\nHost: t\r\n\r\n", tunnel_phase::draining).text.starts_with("HTTP/1.1 404 "));
}

TEST_F(site, unusable_options_make_no_site) {
  for (const auto* path : {"ws", "/healthz", "/metrics"}) {
    auto o = options();
    o.ws_path = path;
    EXPECT_FALSE(http_site::make(o, nullptr)) << path;
  }
  auto nobody = options();
  nobody.origins.allowed = {" "};
  EXPECT_FALSE(http_site::make(nobody, nullptr));
  nobody.origins.loopback_only = true;
  EXPECT_TRUE(http_site::make(nobody, nullptr));
}

TEST(scopes, one_object_per_audience_and_issuer_while_in_use) {
  scope_registry registry{100};
  const token_scope a{"aud", "iss", "aud|iss", ""};
  const token_scope b{"audi", "ss", "audi|ss", ""};
  const auto first = registry.find_or_add(a);
  EXPECT_EQ(registry.find_or_add(a), first);
  EXPECT_NE(registry.find_or_add(b), first);
  EXPECT_EQ(registry.budgets().size(), 2u);
}

TEST(admission, another_tenant_id_is_refused_after_the_other_mismatches) {
  shared_count count{10};
  channel_table table{count};
  scope_registry registry{std::nullopt};
  const auto scope = registry.find_or_add({"aud", "iss", "aud|iss", ""});
  // Endpoints are only names to the table.
  int place = 0;
  auto& who = reinterpret_cast<endpoint&>(place);
  admission_request request{scope, "room", "tenant-1", endpoint_role::client, 1000, 60, std::nullopt};
  EXPECT_EQ(table.admit(request, who, {}, {}).outcome, attach_reason::ok);
  request.role = endpoint_role::server;
  request.tenant_id = "tenant-2";
  EXPECT_EQ(table.admit(request, who, {}, {}).outcome, attach_reason::tenant_mismatch);
  request.idle_timeout_seconds = 61;
  EXPECT_EQ(table.admit(request, who, {}, {}).outcome, attach_reason::idle_timeout_mismatch);
  request.init_exp = 1001;
  EXPECT_EQ(table.admit(request, who, {}, {}).outcome, attach_reason::init_exp_mismatch);
}

TEST(admission, leases_only_move_later) {
  shared_count count{10};
  channel_table table{count};
  scope_registry registry{std::nullopt};
  int place = 0;
  auto& who = reinterpret_cast<endpoint&>(place);
  admission_request request{
      registry.find_or_add({"aud", "iss", "aud|iss", ""}), "room", "", endpoint_role::client, 1000, 60, std::nullopt};
  const wall_time early{std::chrono::seconds{100}};
  const wall_time late{std::chrono::seconds{200}};
  auto* room = table.admit(request, who, {}, {}).room;
  request.role = endpoint_role::server;
  request.lease_expires = late;
  EXPECT_EQ(table.admit(request, who, {}, {}).room, room);
  EXPECT_EQ(room->lease_expires, late);
  // A mismatch of the lease is none; what follows is a replacement, whose lease is its own.
  request.lease_expires = early;
  const auto replaced = table.admit(request, who, {}, {});
  EXPECT_EQ(replaced.replaced->lease_expires, late);
  EXPECT_EQ(replaced.room->lease_expires, early);
}

}  // namespace
}  // namespace flowersec::tunnel
