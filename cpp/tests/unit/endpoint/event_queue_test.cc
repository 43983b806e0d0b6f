// What waits for an observer, and how it is delivered.
#include "endpoint/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <stdexcept>
#include <vector>

#include "endpoint/teller.h"
#include "flowersec/endpoint/origin.h"
#include "support/case_table.h"
#include "support/testdata.h"

namespace flowersec::testing {
namespace {

using namespace flowersec::endpoint;
using namespace std::chrono_literals;

notice item(std::string_view code, event_result result = event_result::ok) {
  return {.happened = {.stage = "connect", .code = code, .result = result}};
}

std::vector<std::string> drain(event_queue& queue) {
  std::vector<std::string> codes;
  while (const auto next = queue.pop()) codes.emplace_back(next->happened.code);
  return codes;
}

TEST(event_queue, is_first_in_first_out_up_to_its_bound) {
  event_queue queue{4};
  for (const auto* code : {"a", "b", "c", "d"}) queue.push(item(code));
  EXPECT_EQ(drain(queue), (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST(event_queue, drops_the_oldest_and_says_so_once) {
  event_queue queue{4};
  for (const auto* code : {"a", "b", "c", "d", "e", "f"}) queue.push(item(code));
  EXPECT_EQ(drain(queue), (std::vector<std::string>{"d", "diagnostics_overflow", "e", "f"}));
  for (const auto* code : {"a", "b", "c", "d", "e"}) queue.push(item(code));
  EXPECT_EQ(drain(queue), (std::vector<std::string>{"c", "d", "diagnostics_overflow", "e"})) << "it may be said again";
}

TEST(event_queue, two_hundred_leave_at_most_sixty_four_one_overflow_and_every_failure) {
  event_queue queue{64};
  for (int i = 0; i < 200; ++i) queue.push(i % 20 == 0 ? item("bad", event_result::fail) : item("good"));
  EXPECT_EQ(queue.size(), 64u);
  const auto left = drain(queue);
  EXPECT_EQ(std::ranges::count(left, "bad"), 10);
  EXPECT_EQ(std::ranges::count(left, "diagnostics_overflow"), 1);
}

TEST(event_queue, a_failure_displaces_without_a_word) {
  event_queue queue{4};
  for (const auto* code : {"a", "b", "c", "d"}) queue.push(item(code));
  queue.push(item("bad", event_result::fail));
  EXPECT_EQ(drain(queue), (std::vector<std::string>{"b", "c", "d", "bad"}));
}

TEST(event_queue, among_failures_the_latest_stay_and_others_are_dropped) {
  event_queue queue{4};
  for (const auto* code : {"1", "2", "3", "4", "5"}) queue.push(item(code, event_result::fail));
  EXPECT_EQ(queue.size(), 4u);
  queue.push(item("good"));
  EXPECT_EQ(drain(queue), (std::vector<std::string>{"2", "3", "4", "5"}));
}

/// "!x" is a failure of code x.
notice named(std::string_view word) {
  const bool fails = word.starts_with('!');
  auto made = item(fails ? word.substr(1) : word, fails ? event_result::fail : event_result::ok);
  made.happened.trace_id = std::string{word};
  return made;
}

TEST(event_queue, every_case_of_the_shared_table) {
  const auto cases = read_cases("observer_cases.json", "queue");
  for (const auto& row : cases.as_array()) {
    SCOPED_TRACE(text_at(row, "name"));
    event_queue queue{row.at("limit").to_number<std::size_t>()};
    std::vector<std::string> words;  // what codes refer to lives as long as the queue
    for (const auto& word : row.at("items").as_array()) words.emplace_back(word.as_string());
    for (const auto& word : words) queue.push(named(word));
    std::vector<std::string> told;
    while (const auto next = queue.pop()) {
      const bool overflow = next->happened.code == "diagnostics_overflow";
      told.push_back(overflow ? "overflow" : next->happened.trace_id.value());
      EXPECT_EQ(next->happened.result, overflow ? event_result::skip : named(told.back()).happened.result);
    }
    std::vector<std::string> expected;
    for (const auto& word : row.at("told").as_array()) expected.emplace_back(word.as_string());
    EXPECT_EQ(told, expected);
  }
}

struct diary final : observer {
  void on_connect(const step_report& step) override { lines.push_back("connect:" + std::string{step.reason}); }
  void on_attach(const step_report& step) override { lines.push_back("attach:" + std::string{step.reason}); }
  void on_handshake(const step_report& step) override { lines.push_back("handshake:" + std::string{step.reason}); }
  void on_event(const event& happened) override {
    lines.push_back(to_json(happened));
    if (throws) throw std::runtime_error{"of the program"};
  }
  std::vector<std::string> lines;
  bool throws = false;
};

/// The time of a test.
struct set_clock final : clock_source {
  [[nodiscard]] mono_time mono_now() const noexcept override { return mono; }
  [[nodiscard]] wall_time wall_now() const noexcept override { return {}; }
  mono_time mono{1h};
};

TEST(teller, calls_back_first_and_fills_in_what_the_connection_knows) {
  boost::asio::io_context context;
  const auto seen = std::make_shared<diary>();
  set_clock clock;
  const teller events{context.get_executor(),
                      path::tunnel,
                      {.events = seen,
                       .context = {.trace_id = "trace-0001", .session_id = "session-1", .attempt_seq = 3},
                       .clocks = &clock}};
  clock.mono += 1500ms;
  events.report(notice::callback::connect, {}, "connect", "connect_ok", clock.mono);
  events.report(notice::callback::attach, "send_failed", "attach", "attach_failed", clock.mono);
  EXPECT_TRUE(seen->lines.empty()) << "an observer was called from inside";
  context.run();
  EXPECT_EQ(seen->lines,
            (std::vector<std::string>{
                "connect:",
                R"({"v":1,"namespace":"connect","path":"tunnel","stage":"connect","code_domain":"event",)"
                R"("code":"connect_ok","result":"ok","elapsed_ms":1500,"attempt_seq":3,"trace_id":"trace-0001",)"
                R"("session_id":"session-1"})",
                "attach:send_failed",
                R"({"v":1,"namespace":"connect","path":"tunnel","stage":"attach","code_domain":"error",)"
                R"("code":"attach_failed","result":"fail","elapsed_ms":1500,"attempt_seq":3,"trace_id":"trace-0001",)"
                R"("session_id":"session-1"})"}));
}

TEST(teller, a_limit_names_its_resource_and_numbers) {
  boost::asio::io_context context;
  const auto seen = std::make_shared<diary>();
  const teller events{context.get_executor(), path::direct, {.events = seen}};
  events.tell_limit("yamux", "resource_limit_reached", {.name = "active_streams", .current = 128, .limit = 128});
  context.run();
  ASSERT_EQ(seen->lines.size(), 1u);
  EXPECT_NE(seen->lines[0].find(R"("code":"resource_limit_reached","result":"fail")"), std::string::npos);
  EXPECT_NE(seen->lines[0].find(R"("resource":"active_streams","current":128,"limit":128})"), std::string::npos);
}

TEST(teller, what_an_observer_throws_disturbs_nobody) {
  boost::asio::io_context context;
  const auto seen = std::make_shared<diary>();
  seen->throws = true;
  const teller events{context.get_executor(), path::direct, {.events = seen}};
  events.tell("connect", "connect_ok", event_result::ok);
  events.tell("handshake", "handshake_ok", event_result::ok);
  EXPECT_NO_THROW(context.run());
  EXPECT_EQ(seen->lines.size(), 2u);
}

TEST(teller, nobody_watches_an_empty_one) {
  const teller events;
  EXPECT_FALSE(events);
  events.tell("connect", "connect_ok", event_result::ok);
  events.tell_limit("yamux", "resource_limit_reached", {.name = "active_streams"});
}

TEST(teller, an_id_that_is_no_text_is_left_out) {
  EXPECT_EQ(to_json({.trace_id = "\xff"}).find("trace_id"), std::string::npos);
}

TEST(origin, of_a_websocket_url_keeps_host_and_port_as_written) {
  EXPECT_EQ(origin_of_websocket_url(" wss://Example.ORG/ws?x=1 ").value(), "https://Example.ORG");
  EXPECT_EQ(origin_of_websocket_url("ws://127.0.0.1:8080").value(), "http://127.0.0.1:8080");
  EXPECT_EQ(origin_of_websocket_url("wss://[::1]:9/").value(), "https://[::1]:9");
  for (const auto* bad : {"", "https://example.org", "wss://", "ws:///x", "example.org", "wss://u@example.org/"}) {
    EXPECT_FALSE(origin_of_websocket_url(bad)) << bad;
  }
}

TEST(origin, for_a_tunnel_is_the_controlplanes_when_there_is_one) {
  EXPECT_EQ(origin_for_tunnel("wss://tunnel.example/ws", "https://app.example:8443/api").value(),
            "https://app.example:8443");
  EXPECT_EQ(origin_for_tunnel("wss://tunnel.example/ws", "http://app.example").value(), "http://app.example");
  EXPECT_EQ(origin_for_tunnel("wss://tunnel.example/ws", "").value(), "https://tunnel.example");
  EXPECT_EQ(origin_for_tunnel("wss://tunnel.example/ws", "ftp://app.example").value(), "https://tunnel.example");
  EXPECT_FALSE(origin_for_tunnel("tunnel.example", ""));
}

}  // namespace
}  // namespace flowersec::testing
