// The blind front between users and a gateway that keeps sockets waiting at it.
#include <boost/asio/detached.hpp>

#include "edge_world.h"
#include "flowersec/ownwire/behind.h"
#include "flowersec/ownwire/peer_message.h"

namespace flowersec::ownwire {
namespace {

awaitable<void> carry(edge_world& world) {
  auto backend = co_await world.backend();
  auto user = co_await world.user();
  EXPECT_EQ(co_await read_text(backend), R"({"v":1,"type":"peer","remote_addr":"127.0.0.1"})");
  co_await user.send("open");
  EXPECT_EQ(co_await read_text(backend), "open");
  const std::string big(1'048'576, 'a');
  co_await user.socket.async_write_message(ws::message_kind::binary, as_bytes(big), as_result);
  EXPECT_EQ(co_await read_text(backend), "binary:" + big);
  co_await backend.socket.async_write_message(ws::message_kind::binary, as_bytes(std::string_view{"back"}), as_result);
  EXPECT_EQ(co_await read_text(user), "binary:back");
  backend.socket.async_close(ws::close_code::policy_violation, "unknown_key", asio::detached);
  EXPECT_EQ(co_await user.closed(), 1008);
  EXPECT_EQ(user.socket.peer_close()->reason, "unknown_key");
}

TEST(edge, carries_messages_and_codes) {
  edge_world world;
  world.run(carry(world));
}

awaitable<void> close_from_the_user(edge_world& world) {
  auto backend = co_await world.backend();
  {
    auto user = co_await world.user();
    EXPECT_EQ((co_await read_text(backend)).substr(0, 6), R"({"v":1)");
    user.socket.async_close(static_cast<ws::close_code>(4001), "mine", asio::detached);
    EXPECT_EQ(co_await backend.closed(), 4001);
  }
  backend = co_await world.backend();
  auto user = co_await world.user();
  co_await read_text(backend);
  user.socket.abort();
  EXPECT_EQ(co_await backend.closed(), 1001) << "lost without a word";
}

TEST(edge, the_end_of_a_user_reaches_the_backend) {
  edge_world world;
  world.run(close_from_the_user(world));
}

awaitable<void> nobody_waits(edge_world& world) {
  auto user = co_await world.user();
  EXPECT_EQ(co_await user.closed(), 1013);
  EXPECT_EQ(world.front.counts().without_backend, 1U);
}

TEST(edge, without_a_backend_1013) {
  edge_world world;
  world.run(nobody_waits(world));
}

awaitable<void> come_in_a_burst(edge_world& world) {
  constexpr int burst = 60;
  auto first = co_await world.backend();
  auto joined = co_await world.user();
  co_await read_text(first);
  std::vector<test_client> users;
  for (int i = 0; i < burst; ++i) {
    users.push_back(co_await world.user());
    co_await users.back().send(std::to_string(i));
  }
  while (world.front.counts().users < burst + 1U) co_await asio::post(asio::use_awaitable);
  EXPECT_EQ(world.front.counts().without_backend, 0U);
  for (int i = 0; i < burst; ++i) {
    auto backend = co_await world.backend();
    EXPECT_EQ(co_await read_text(backend), R"({"v":1,"type":"peer","remote_addr":"127.0.0.1"})");
    EXPECT_EQ(co_await read_text(backend), std::to_string(i)) << "first come, first served";
    co_await backend.send("to " + std::to_string(i));
    EXPECT_EQ(co_await read_text(users[static_cast<std::size_t>(i)]), "to " + std::to_string(i));
  }
  EXPECT_EQ(world.front.counts().joined, burst + 1U);
}

TEST(edge, a_burst_waits_for_backends) {
  auto options = usual_edge();
  options.limits.backend_wait = 1h;
  edge_world world{std::move(options)};
  world.run(come_in_a_burst(world));
}

awaitable<void> wait_in_vain(edge_world& world) {
  auto backend = co_await world.backend();
  auto joined = co_await world.user();
  co_await read_text(backend);
  auto late = co_await world.user();
  EXPECT_EQ(co_await late.closed(), 1013);
  EXPECT_EQ(late.socket.peer_close()->reason, "no backend");
  EXPECT_EQ(world.front.counts().without_backend, 1U);
  co_await joined.send("still there");
  EXPECT_EQ(co_await read_text(backend), "still there");
}

TEST(edge, who_waits_too_long_gets_1013) {
  for (const auto wait : {0ms, 20ms}) {
    auto options = usual_edge();
    options.limits.backend_wait = wait;
    edge_world world{std::move(options)};
    world.run(wait_in_vain(world));
  }
}

awaitable<void> leave_the_queue(edge_world& world) {
  auto backend = co_await world.backend();
  auto joined = co_await world.user();
  co_await read_text(backend);
  auto gone = co_await world.user();
  co_await gone.send("open");
  auto lost = co_await world.user();
  auto stays = co_await world.user();
  co_await stays.send("stays");
  while (world.front.counts().users < 4) co_await asio::post(asio::use_awaitable);
  lost.socket.abort();
  co_await gone.socket.async_close(ws::close_code::normal, {}, as_result);
  while (world.front.counts().users > 2) co_await asio::post(asio::use_awaitable);
  auto next = co_await world.backend();
  co_await read_text(next);
  EXPECT_EQ(co_await read_text(next), "stays");
  EXPECT_EQ(world.front.counts().without_backend, 0U);
}

TEST(edge, a_user_that_leaves_while_it_waits_frees_its_place) {
  auto options = usual_edge();
  options.limits.backend_wait = 1h;
  edge_world world{std::move(options)};
  world.run(leave_the_queue(world));
}

/// Messages of a user who waits: those that are held, and more than are.
awaitable<void> talk_while_waiting(edge_world& world) {
  auto first = co_await world.backend();
  auto joined = co_await world.user();
  co_await read_text(first);
  auto user = co_await world.user();
  const std::string most(16'384, 'a');
  for (const auto& said : {most, std::string{"b"}, std::string{"c"}}) co_await user.send(said);
  auto backend = co_await world.backend();
  co_await read_text(backend);
  EXPECT_EQ(co_await read_text(backend), most);
  EXPECT_EQ(co_await read_text(backend), "b");
  EXPECT_EQ(co_await read_text(backend), "c");
}

TEST(edge, what_a_waiting_user_says_arrives_in_order) {
  edge_world world;
  world.run(talk_while_waiting(world));
}

awaitable<void> stop_the_waiting(edge_world& world) {
  auto backend = co_await world.backend();
  auto joined = co_await world.user();
  co_await read_text(backend);
  auto user = co_await world.user();
  auto talker = co_await world.user();
  co_await talker.send(std::string(16'385, 'a'));
  while (world.front.counts().users < 3) co_await asio::post(asio::use_awaitable);
  world.front.async_stop(asio::detached);
  EXPECT_EQ(co_await user.closed(), 1001);
  EXPECT_EQ(co_await talker.closed(), 1001);
  EXPECT_EQ(co_await joined.closed(), 1001);
  EXPECT_EQ(co_await backend.closed(), 1001);
  co_await world.front.async_stop(as_result);
}

TEST(edge, a_stop_ends_those_who_wait) {
  auto options = usual_edge();
  options.limits.backend_wait = 1h;
  edge_world world{std::move(options)};
  world.run(stop_the_waiting(world));
}

awaitable<void> too_big(edge_world& world) {
  auto backend = co_await world.backend();
  auto user = co_await world.user();
  co_await read_text(backend);
  co_await user.send(std::string(1'048'577, 'a'));
  EXPECT_EQ(co_await user.closed(), 1009);
  EXPECT_EQ(co_await backend.closed(), 1009);
}

TEST(edge, a_message_too_big_ends_both) {
  edge_world world;
  world.run(too_big(world));
}

awaitable<void> speak_early(edge_world& world) {
  auto backend = co_await world.backend();
  co_await backend.send("{}");
  EXPECT_EQ(co_await backend.closed(), 1001);
  auto user = co_await world.user();
  EXPECT_EQ(co_await user.closed(), 1013);
}

TEST(edge, a_backend_that_speaks_before_it_is_joined_is_closed) {
  edge_world world;
  world.run(speak_early(world));
}

awaitable<void> show(edge_world& world, std::string path, std::string headers, std::string status) {
  const auto answer = co_await ask(world.front.port(), upgrade_request(path, "h", headers));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status)) << headers << answer;
}

TEST(edge, who_is_let_in) {
  auto options = usual_edge();
  options.limits.max_waiting = 1;
  edge_world world{std::move(options)};
  const std::string token = "Authorization: Bearer token\r\n";
  world.run(show(world, "/backend", "", "401"));
  world.run(show(world, "/backend", "Authorization: Bearer tokem\r\n", "401"));
  world.run(show(world, "/backend", token + "Origin: http://h\r\n", "403"));
  world.run(show(world, "/ws", "", "403"));
  world.run(show(world, "/ws", "Origin: http://other\r\n", "403"));
  world.run(show(world, "/else", "Origin: http://h\r\n", "404"));
  world.run(show(world, "/healthz", "", "200"));
}

TEST(edge, an_ipv4_backend_at_both_families_is_told_by_its_ipv4_address) {
  auto options = usual_edge();
  options.listen = {asio::ip::address_v6::any(), 0};
  std::vector<gateway_event> told;
  options.on_event = [&](const gateway_event& event) { told.push_back(event); };
  edge_world world{std::move(options)};
  world.run(show(world, "/backend", "", "401"));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front().kind, gateway_event_kind::client_refused);
  EXPECT_EQ(told.front().remote_addr, "127.0.0.1");
}

awaitable<void> ask_plainly(edge_world& world) {
  const std::string tail = " /ws HTTP/1.1\r\nHost: h\r\n\r\n";
  const auto answer = co_await ask(world.front.port(), "GET" + tail);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  const auto head = co_await ask(world.front.port(), "HEAD" + tail);
  EXPECT_EQ(head, answer.substr(0, answer.find("\r\n\r\n") + 4));
  EXPECT_EQ(world.front.counts().origins_refused, 0U);
}

TEST(edge, a_plain_request_is_no_refused_origin) {
  edge_world world;
  world.run(ask_plainly(world));
}

awaitable<void> wait_twice(edge_world& world) {
  auto first = co_await world.backend();
  co_await show(world, "/backend", "Authorization: Bearer token\r\n", "503");
}

TEST(edge, so_many_wait) {
  auto options = usual_edge();
  options.limits.max_waiting = 1;
  edge_world world{std::move(options)};
  world.run(wait_twice(world));
}

awaitable<void> stop_all(edge_world& world) {
  auto idle = co_await world.backend();
  auto backend = co_await world.backend();
  auto user = co_await world.user();
  co_await read_text(idle);  // the oldest is joined first
  world.front.async_stop(asio::detached);
  EXPECT_EQ(co_await user.closed(), 1001);
  EXPECT_EQ(co_await idle.closed(), 1001);
  EXPECT_EQ(co_await backend.closed(), 1001);
  co_await world.front.async_stop(as_result);
}

TEST(edge, stops_in_order) {
  edge_world world;
  world.run(stop_all(world));
}

awaitable<void> talk_through(edge_world& world, gateway& gate) {
  const auto internal = "ws://127.0.0.1:" + std::to_string(gate.internal_port()) + "/ws";
  auto client = co_await test_client::open(internal, extended_options());
  // More users than sockets wait at once.
  std::vector<test_user> users;
  for (std::uint64_t i = 0; i < 6; ++i) {
    while (world.front.counts().waiting == 0) co_await asio::post(asio::use_awaitable);
    users.push_back(co_await test_user::open(world.url()));
    auto& user = users.back();
    const auto welcome = co_await user.join();
    auto heard = co_await client.hear();
    EXPECT_EQ(heard.at("type").as_string(), "session_start");
    EXPECT_EQ(heard.at("remote_addr").as_string(), "127.0.0.1");
    co_await user.say(text(1, "hello"));
    heard = co_await client.hear();
    EXPECT_EQ(heard.at("content").as_string(), "hello");
    EXPECT_EQ(co_await user.hear(), acked(1));
    co_await client.reply(welcome.session_id, "hi");
    const gateway_frame reply = reply_frame{.seq = 1, .content = "hi"};
    EXPECT_EQ(co_await user.hear(), reply);
  }
  EXPECT_EQ(world.front.counts().joined, 6U);
}

TEST(behind, a_gateway_without_a_public_port) {
  edge_world world;
  auto options = usual_options();
  options.public_port.reset();
  auto gate = gateway::open(world.context.get_executor(), std::move(options)).value();
  EXPECT_EQ(gate.public_port(), 0);
  behind_options how{.edge = ws::parse_url(world.url("/backend")).value(), .token = "token", .waiting = 2};
  behind link{world.context.get_executor(), gate, std::move(how)};
  world.run(talk_through(world, gate));
}

TEST(behind, a_connect_timeout_without_end_is_no_end_at_once) {
  edge_world world;
  auto options = usual_options();
  options.public_port.reset();
  auto gate = gateway::open(world.context.get_executor(), std::move(options)).value();
  std::optional<error_code> told;
  behind_options how{.edge = ws::parse_url(world.url("/backend")).value(),
                     .token = "token",
                     .connect_timeout = std::chrono::milliseconds::max(),
                     .on_edge = [&told](const error_code& what) { told = told.value_or(what); }};
  behind link{world.context.get_executor(), gate, std::move(how)};
  world.run([](const std::optional<error_code>& outcome) -> awaitable<void> {
    while (!outcome) co_await asio::post(asio::use_awaitable);
  }(told));
  EXPECT_EQ(told, error_code{});
}

awaitable<void> join_one(edge_world& world, std::vector<test_user>& joined) {
  auto user = co_await test_user::open(world.url());
  const auto welcome = co_await user.join();
  EXPECT_FALSE(welcome.session_id.empty());
  joined.push_back(std::move(user));
}

awaitable<void> join_many(edge_world& world) {
  constexpr std::size_t burst = 60;
  while (world.front.counts().waiting == 0) co_await asio::post(asio::use_awaitable);
  std::vector<test_user> joined;  // and stay
  for (std::size_t i = 0; i < burst; ++i) asio::co_spawn(world.context, join_one(world, joined), asio::detached);
  while (joined.size() < burst && world.front.counts().without_backend == 0) co_await asio::post(asio::use_awaitable);
  EXPECT_EQ(joined.size(), burst);
  EXPECT_EQ(world.front.counts().without_backend, 0U);
}

TEST(behind, a_burst_of_users_is_joined_to_few_waiting_sockets) {
  auto options_of_edge = usual_edge();
  options_of_edge.limits.backend_wait = 1h;
  edge_world world{std::move(options_of_edge)};
  auto options = usual_options();
  options.public_port.reset();
  auto gate = gateway::open(world.context.get_executor(), std::move(options)).value();
  behind_options how{.edge = ws::parse_url(world.url("/backend")).value(), .token = "token", .waiting = 2};
  behind link{world.context.get_executor(), gate, std::move(how)};
  world.run(join_many(world));
}

TEST(behind, tries_again) {
  asio::io_context context;
  auto options = usual_options();
  options.public_port.reset();
  auto gate = gateway::open(context.get_executor(), std::move(options)).value();
  auto front = std::make_optional(edge::open(context.get_executor(), usual_edge()).value());
  const auto port = front->port();
  std::vector<error_code> told;
  behind_options how{.edge = ws::parse_url("ws://127.0.0.1:" + std::to_string(port) + "/backend").value(),
                     .token = "token",
                     .waiting = 3,
                     .first_pause = 1ms,
                     .longest_pause = 10ms,
                     .on_edge = [&](const error_code& what) { told.push_back(what); }};
  behind link{context.get_executor(), gate, std::move(how)};
  const auto until = [&](auto condition) {
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (!condition() && std::chrono::steady_clock::now() < limit) context.run_one_for(100ms);
    EXPECT_TRUE(condition());
  };
  until([&] { return front->counts().waiting == 3; });
  front.reset();
  until([&] { return told.size() == 2; });
  auto again = usual_edge();
  again.listen.port(port);
  front = edge::open(context.get_executor(), std::move(again)).value();
  until([&] { return front->counts().waiting == 3; });
  ASSERT_EQ(told.size(), 3U);
  EXPECT_FALSE(told[0]);
  EXPECT_TRUE(told[1]);
  EXPECT_FALSE(told[2]);
}

TEST(edge_options, what_cannot_be_is_refused) {
  asio::io_context context;
  const auto refuses = [&](auto change) {
    auto options = usual_edge();
    change(options);
    const auto made = edge::open(context.get_executor(), std::move(options));
    return made.has_error() ? made.error() : error_code{};
  };
  EXPECT_EQ(refuses([](auto& o) { o.token.clear(); }), edge_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.backend_path = o.path; }), edge_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.limits.max_message_bytes = 4'095; }), edge_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.limits.backend_wait = -1ms; }), edge_errc::invalid_option);
  EXPECT_EQ(refuses([](auto& o) { o.trusted_proxies = {"x"}; }), edge_errc::invalid_option);
}

}  // namespace
}  // namespace flowersec::ownwire
