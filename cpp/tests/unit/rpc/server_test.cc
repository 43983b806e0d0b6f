// The serving end: admission, order, what is answered, and the end of the stream.
#include "flowersec/rpc/server.h"

#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::rpc {
namespace {

request_key key(std::uint64_t value) { return request_key{value}; }

TEST(rpc_server, the_worked_responses_are_byte_exact) {
  server_fixture server;
  server.peer(request_text(1, 1)).peer(request_text(2, 2)).expect({"start 1 type 1: {}", "start 2 type 2: {}"});
  server.machine.finish(key(1), success(R"({"ok":true})"));
  server.machine.finish(key(2), handler_not_found());
  server.expect_sent({R"({"type_id":1,"request_id":0,"response_to":1,"payload":{"ok":true}})",
                      R"({"type_id":2,"request_id":0,"response_to":2,"payload":null,)"
                      R"("error":{"code":404,"message":"handler not found"}})"});
}

TEST(rpc_server, responses_leave_whole_and_in_the_order_of_completion) {
  server_fixture server;
  for (std::uint64_t id = 1; id <= 3; ++id) server.peer(request_text(7, id));
  server.machine.finish(key(3), success("3"));
  server.machine.finish(key(1), success("1"));
  server.machine.finish(key(2), success("2"));
  server.expect_sent({response_text(7, 3, "3"), response_text(7, 1, "1"), response_text(7, 2, "2")});
}

TEST(rpc_server, transport_answers_have_their_code_and_message) {
  const struct {
    reply answer;
    std::uint32_t code;
    const char* message;
  } rows[] = {{invalid_payload(), 400, "invalid payload"},
              {handler_not_found(), 404, "handler not found"},
              {server_overloaded(), 429, "server overloaded"},
              {internal_error(), 500, "internal error"},
              {failure(0, ""), 500, "rpc error"},
              {failure(0, "mine"), 500, "mine"},
              {failure(418, "teapot"), 418, "teapot"},
              {failure(418, ""), 418, "rpc error"}};
  for (const auto& [answer, code, message] : rows) {
    server_fixture server;
    server.peer(request_text(1, 1));
    server.machine.finish(key(1), answer);
    server.expect_sent({error_text(1, 1, code, message)});
  }
}

TEST(rpc_server, an_error_may_carry_a_payload) {
  server_fixture server;
  server.peer(request_text(1, 1));
  server.machine.finish(key(1), reply{.payload = "[1]", .error = call_error{418, "teapot"}});
  server.expect_sent({R"({"type_id":1,"request_id":0,"response_to":1,"payload":[1],)"
                      R"("error":{"code":418,"message":"teapot"}})"});
}

TEST(rpc_server, an_answer_that_cannot_be_sent_becomes_an_internal_error) {
  const reply rows[] = {success("{"), success("1,\"error\":{\"code\":1}"),
                        success('"' + std::string(1048576, 'x') + '"'), failure(418, "\xff")};
  for (const auto& answer : rows) {
    server_fixture server;
    server.peer(request_text(1, 1));
    server.machine.finish(key(1), answer);
    server.expect_sent({error_text(1, 1, 500, "internal error")});
  }
}

TEST(rpc_server, unknown_keys_and_second_answers_are_dropped) {
  server_fixture server;
  server.peer(request_text(1, 1));
  server.machine.finish(key(99), success("1"));
  server.machine.finish(key(1), success("1"));
  server.machine.finish(key(1), success("2"));
  server.expect_sent({response_text(1, 1, "1")});
}

TEST(rpc_server, thirty_two_run_a_hundred_and_twenty_eight_wait_and_the_next_is_refused_at_once) {
  server_fixture server;
  for (std::uint64_t id = 1; id <= 160; ++id) server.peer(request_text(1, id));
  EXPECT_EQ(server.machine.admitted_requests(), 160U);
  std::vector<std::string> started;
  for (int i = 1; i <= 32; ++i) started.push_back("start " + std::to_string(i) + " type 1: {}");
  server.expect(started).expect_sent({});
  server.peer(request_text(1, 161)).peer(request_text(5, 162));
  server.expect({}).expect_sent(
      {error_text(1, 161, 429, "server overloaded"), error_text(5, 162, 429, "server overloaded")});

  server.machine.finish(key(7), success("7"));
  server.expect({}).expect_sent({response_text(1, 7, "7")}).expect({"start 33 type 1: {}"});
  server.peer(request_text(1, 163)).expect({}).expect_sent({});
  EXPECT_EQ(server.machine.admitted_requests(), 160U);
}

TEST(rpc_server, an_answer_nobody_takes_keeps_its_slot) {
  server_fixture server{{.limits = {.max_running_requests = 1, .max_queued_requests = 0}}};
  server.peer(request_text(1, 1)).expect({"start 1 type 1: {}"});
  server.machine.finish(key(1), success("1"));
  server.peer(request_text(1, 2)).expect({});
  server.expect_sent({error_text(1, 2, 429, "server overloaded"), response_text(1, 1, "1")});
  server.peer(request_text(1, 3)).expect({"start 2 type 1: {}"});
}

TEST(rpc_server, waiting_requests_start_in_the_order_they_came) {
  server_fixture server{{.limits = {.max_running_requests = 1, .max_queued_requests = 3}}};
  for (std::uint64_t id = 1; id <= 4; ++id) server.peer(request_text(10 + static_cast<std::uint32_t>(id), id));
  server.expect({"start 1 type 11: {}"});
  for (std::uint64_t k = 1; k <= 3; ++k) {
    server.machine.finish(key(k), success("1"));
    (void)taken_from(server.machine);
    server.expect({"start " + std::to_string(k + 1) + " type " + std::to_string(11 + k) + ": {}"});
  }
}

TEST(rpc_server, notifications_are_handled_one_at_a_time_in_order_and_answer_nothing) {
  server_fixture server;
  server.peer(notification_text(1, "\"a\"")).peer(notification_text(2, "\"b\"")).peer(notification_text(3, "\"c\""));
  server.expect({"notice 1 type 1: \"a\""});
  server.machine.finish(key(1), success("1"));
  server.expect({"notice 2 type 2: \"b\""});
  server.machine.finish(key(2), internal_error());
  server.expect({"notice 3 type 3: \"c\""});
  server.machine.finish(key(3), handler_not_found());
  server.expect({}).expect_sent({});
}

TEST(rpc_server, notifications_do_not_wait_for_requests_nor_take_their_slots) {
  server_fixture server{{.limits = {.max_running_requests = 1, .max_queued_requests = 0}}};
  server.peer(request_text(1, 1)).peer(notification_text(2)).expect({"start 1 type 1: {}", "notice 2 type 2: {}"});
  EXPECT_EQ(server.machine.admitted_requests(), 1U);
}

TEST(rpc_server, a_full_notification_queue_lives_and_one_more_ends_the_stream) {
  server_fixture server;
  for (int i = 0; i < 129; ++i) server.peer(notification_text(1));  // one is being handled, 128 wait
  EXPECT_FALSE(server.machine.ended().has_value());
  server.expect({"notice 1 type 1: {}"});
  server.peer(notification_text(1));
  server.expect({"ended: the peer sends notifications faster than they are handled"}).expect_sent({});
}

TEST(rpc_server, handlers_that_answer_at_once_never_fill_the_notification_queue) {
  byte_buffer burst;
  for (int i = 0; i < 1000; ++i) append(burst, frame_of(notification_text(1)));
  server_fixture server;
  byte_view input = burst;
  while (!input.empty()) {
    server.machine.receive(input);
    while (const auto e = server.machine.poll_event()) {
      ASSERT_TRUE(std::holds_alternative<start_notification>(*e));
      server.machine.finish(std::get<start_notification>(*e).key, {});
    }
  }
  EXPECT_FALSE(server.machine.ended().has_value());
}

TEST(rpc_server, payload_memory_at_its_limit_is_admitted_and_one_byte_more_is_refused) {
  const server_limits limits{.max_held_payload_bytes = 200, .max_frame_bytes = 200, .max_output_bytes = 200};
  const auto text = [](std::size_t bytes) { return '"' + std::string(bytes - 2, 'x') + '"'; };
  server_fixture server{{.limits = limits}};
  server.peer(request_text(1, 1, text(100))).peer(request_text(1, 2, text(100)));
  EXPECT_EQ(server.machine.admitted_requests(), 2U);
  server.peer(request_text(1, 3, "1")).expect_sent({error_text(1, 3, 429, "server overloaded")});
  server.machine.finish(key(1), success("1"));
  (void)taken_from(server.machine);
  server.peer(request_text(1, 4, text(99)));
  EXPECT_EQ(server.machine.admitted_requests(), 2U);
  server.peer(notification_text(1, "1"));
  EXPECT_FALSE(server.machine.ended().has_value());
  server.peer(notification_text(1, "1"));
  EXPECT_EQ(server.machine.ended(), rpc_errc::notification_overflow);
}

TEST(rpc_server, refusals_nobody_reads_are_bounded) {
  server_fixture server{{.limits = {.max_running_requests = 1, .max_queued_requests = 0, .max_queued_refusals = 3}}};
  for (std::uint64_t id = 1; id <= 4; ++id) server.peer(request_text(1, id));
  EXPECT_FALSE(server.machine.ended().has_value());
  server.peer(request_text(1, 5));
  EXPECT_EQ(server.machine.ended(), rpc_errc::refusal_overflow);
  server.expect_sent({});
}

TEST(rpc_server, envelopes_that_answer_something_are_skipped) {
  server_fixture server;
  server.peer(response_text(1, 1, "1")).peer(R"({"type_id":1,"request_id":3,"response_to":3,"payload":1})");
  server.expect({}).expect_sent({});
  EXPECT_FALSE(server.machine.ended().has_value());
}

TEST(rpc_server, pushes_notifications_at_any_time) {
  server_fixture server;
  EXPECT_TRUE(server.machine.notify(2, R"({"hello":"world"})").has_value());
  server.peer(request_text(1, 1));
  server.machine.finish(key(1), success("1"));
  EXPECT_TRUE(server.machine.notify(3, "").has_value());
  server.expect_sent(
      {notification_text(2, R"({"hello":"world"})"), response_text(1, 1, "1"), notification_text(3, "null")});
}

TEST(rpc_server, pushed_notifications_are_checked_and_bounded) {
  const auto one = frame_of(notification_text(1)).size();
  server_fixture server{{.limits = {.max_frame_bytes = 100, .max_output_bytes = 2 * one}}};
  EXPECT_EQ(server.machine.notify(1, "}").error(), rpc_errc::invalid_payload);
  EXPECT_EQ(server.machine.notify(1, '"' + std::string(100, 'x') + '"').error(), rpc_errc::frame_too_large);
  EXPECT_TRUE(server.machine.notify(1, "{}").has_value());
  EXPECT_TRUE(server.machine.notify(1, "{}").has_value());
  EXPECT_EQ(server.machine.notify(1, "{}").error(), rpc_errc::resource_exhausted);
  (void)server.machine.take_output();
  EXPECT_TRUE(server.machine.notify(1, "{}").has_value());
}

TEST(rpc_server, nothing_is_written_or_started_after_the_end) {
  server_fixture server{{.limits = {.max_running_requests = 2}}};
  for (std::uint64_t id = 1; id <= 4; ++id) server.peer(request_text(1, id));
  server.machine.finish(key(1), success("1"));
  EXPECT_TRUE(server.machine.notify(1, "{}").has_value());
  (void)server.machine.poll_event();
  server.expect({"start 1 type 1: {}", "start 2 type 1: {}"});
  server.machine.end(rpc_errc::stream_reset);
  server.machine.end(rpc_errc::closed);
  server.machine.finish(key(2), success("2"));
  EXPECT_FALSE(server.machine.has_output());
  server.expect_sent({}).expect({"ended: the RPC stream was reset"});
  EXPECT_EQ(server.machine.notify(1, "{}").error(), rpc_errc::stream_reset);
  server.peer(request_text(1, 9)).expect({});
  EXPECT_EQ(server.machine.admitted_requests(), 0U);
}

TEST(rpc_server, a_stream_that_closes_between_frames_or_inside_one_is_told_apart) {
  const auto bytes = frame_of(request_text(1, 1));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    server_fixture server;
    server.peer_bytes({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut)});
    server.machine.end_of_input();
    const bool whole = cut == 0 || cut == bytes.size();
    EXPECT_EQ(server.machine.ended(), whole ? rpc_errc::stream_closed : rpc_errc::truncated_frame) << cut;
  }
}

TEST(rpc_server, requests_are_counted_by_their_result) {
  recording_observer seen;
  server_fixture server{{.limits = {.max_running_requests = 5, .max_queued_requests = 1}, .metrics = &seen}};
  for (std::uint64_t id = 1; id <= 7; ++id) server.peer(request_text(1, id));
  server.machine.finish(key(1), success("1"));
  server.machine.finish(key(2), handler_not_found());
  server.machine.finish(key(3), failure(418, "teapot"));
  server.machine.finish(key(4), success("{"));
  server.peer("nonsense");
  server.machine.end(rpc_errc::closed);
  EXPECT_EQ(seen.lines,
            (std::vector<std::string>{"request resource_exhausted", "request ok", "request handler_not_found",
                                      "request rpc_error", "server frame write", "request rpc_error",
                                      "server frame read", "request canceled", "request canceled"}));
}

}  // namespace
}  // namespace flowersec::rpc
