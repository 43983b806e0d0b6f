// The calling end: ids, matching, abandoned calls, notifications, local limits and the end of the stream.
#include "flowersec/rpc/client.h"

#include <gtest/gtest.h>

#include "fixture.h"
#include "flowersec/base/json_scan.h"

namespace flowersec::rpc {
namespace {

constexpr std::uint64_t last_id = 9007199254740991;

TEST(rpc_client, the_worked_request_is_byte_exact) {
  client_fixture client;
  EXPECT_EQ(*client.machine.call(1, "{}", {}), call_id{1});
  const auto frame = client.machine.take_output();
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(load_be<std::uint32_t>(frame->data()), 0x39U);
  EXPECT_EQ(text_in(*frame), R"({"type_id":1,"request_id":1,"response_to":0,"payload":{}})");
  EXPECT_FALSE(client.machine.take_output().has_value());
}

TEST(rpc_client, ids_count_up_from_one_and_notifications_use_none) {
  client_fixture client;
  EXPECT_EQ(*client.machine.call(5, "1", {}), call_id{1});
  EXPECT_TRUE(client.machine.notify(6, "[2]").has_value());
  EXPECT_EQ(*client.machine.call(7, "", {}), call_id{2});
  EXPECT_EQ(taken_from(client.machine),
            (std::vector<std::string>{R"({"type_id":5,"request_id":1,"response_to":0,"payload":1})",
                                      R"({"type_id":6,"request_id":0,"response_to":0,"payload":[2]})",
                                      R"({"type_id":7,"request_id":2,"response_to":0,"payload":null})"}));
}

TEST(rpc_client, responses_may_come_in_any_order) {
  client_fixture client;
  for (int i = 0; i < 3; ++i) (void)client.called(1);
  client.peer(response_text(1, 3, "\"c\"")).peer(response_text(1, 1, "\"a\"")).peer(response_text(1, 2, "\"b\""));
  client.expect({"finished 3: \"c\"", "finished 1: \"a\"", "finished 2: \"b\""});
  EXPECT_EQ(client.machine.calls_in_flight(), 0U);
}

TEST(rpc_client, payloads_pass_through_verbatim) {
  client_fixture client;
  (void)client.called(1);
  client.peer(response_text(1, 1, R"({"a" : 1.0, "b":[1e0,"\u0041"]})"));
  client.expect({R"(finished 1: {"a" : 1.0, "b":[1e0,"\u0041"]})"});
}

TEST(rpc_client, an_error_fails_the_call_whatever_the_payload) {
  client_fixture client;
  for (int i = 0; i < 4; ++i) (void)client.called(1);
  client.peer(error_text(1, 1, 404, "handler not found"));
  client.peer(R"({"type_id":1,"request_id":0,"response_to":2,"payload":{"ok":true},"error":{"code":418}})");
  client.peer(R"({"type_id":1,"request_id":0,"response_to":3,"payload":1,"error":{"code":0,"message":null}})");
  client.peer(R"({"type_id":1,"request_id":0,"response_to":4,"payload":7,"error":null})");
  client.expect(
      {"finished 1: error 404 handler not found", "finished 2: error 418 ", "finished 3: error 0 ", "finished 4: 7"});
}

TEST(rpc_client, a_missing_payload_is_null) {
  client_fixture client;
  (void)client.called(1);
  client.peer(R"({"type_id":1,"request_id":0,"response_to":1})").expect({"finished 1: null"});
}

TEST(rpc_client, the_type_of_a_response_does_not_matter) {
  client_fixture client;
  (void)client.called(1);
  client.peer(response_text(99, 1, "1")).expect({"finished 1: 1"});
}

TEST(rpc_client, unknown_and_second_responses_are_dropped) {
  client_fixture client;
  (void)client.called(1);
  client.peer(response_text(1, 2, "1")).peer(response_text(1, last_id, "1")).expect({});
  client.peer(response_text(1, 1, "1")).peer(response_text(1, 1, "2")).expect({"finished 1: 1"});
}

TEST(rpc_client, an_abandoned_call_sends_nothing_and_its_late_response_is_dropped) {
  client_fixture client;
  const auto id = client.called(1);
  EXPECT_TRUE(client.machine.abandon(id, {}));
  EXPECT_FALSE(client.machine.has_output());
  EXPECT_FALSE(client.machine.abandon(id, {})) << "only once";
  client.peer(response_text(1, 1, "1")).expect({});
  (void)client.called(1);
  client.peer(response_text(1, 2, "2")).expect({"finished 2: 2"});
}

TEST(rpc_client, a_call_that_was_answered_cannot_be_abandoned) {
  client_fixture client;
  const auto id = client.called(1);
  client.peer(response_text(1, 1, "1"));
  EXPECT_FALSE(client.machine.abandon(id, {}));
  client.expect({"finished 1: 1"});
}

TEST(rpc_client, notifications_are_passed_on_and_requests_skipped) {
  client_fixture client;
  client.peer(notification_text(2, R"({"hello":"world"})")).peer(request_text(2, 5)).peer(notification_text(3, "1"));
  client.expect({R"(notified 2: {"hello":"world"})", "notified 3: 1"});
}

TEST(rpc_client, whatever_answers_something_is_a_response) {
  client_fixture client;
  (void)client.called(1);
  client.peer(R"({"type_id":1,"request_id":9,"response_to":1,"payload":3})").expect({"finished 1: 3"});
}

TEST(rpc_client, frames_may_come_in_any_pieces) {
  const auto bytes = frame_of(response_text(1, 1, R"({"ok":true})"));
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    client_fixture client;
    (void)client.called(1);
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      const auto end = std::min(bytes.size(), i + piece);
      client.peer_bytes(
          {bytes.begin() + static_cast<std::ptrdiff_t>(i), bytes.begin() + static_cast<std::ptrdiff_t>(end)});
    }
    client.expect({R"(finished 1: {"ok":true})"});
  }
}

TEST(rpc_client, one_event_is_given_before_the_next_frame_is_read) {
  client_fixture client;
  byte_buffer both = frame_of(notification_text(1));
  append(both, frame_of(notification_text(2)));
  byte_view input = both;
  client.machine.receive(input, {});
  EXPECT_EQ(input.size(), both.size() / 2);
  EXPECT_TRUE(client.machine.poll_event().has_value());
  EXPECT_FALSE(client.machine.poll_event().has_value());
  client.machine.receive(input, {});
  EXPECT_TRUE(input.empty());
}

TEST(rpc_client, ids_end_at_two_to_the_fifty_third_minus_one_before_anything_is_written) {
  client_fixture client{{.first_id = call_id{last_id}}};
  EXPECT_EQ(*client.machine.call(1, "{}", {}), call_id{last_id});
  EXPECT_EQ(taken_from(client.machine).front(),
            R"({"type_id":1,"request_id":9007199254740991,"response_to":0,"payload":{}})");
  EXPECT_EQ(client.machine.call(1, "{}", {}).error(), rpc_errc::ids_exhausted);
  EXPECT_FALSE(client.machine.has_output());
  EXPECT_TRUE(client.machine.notify(1, "{}").has_value()) << "notifications need no id";
  client.peer(response_text(1, last_id, "1")).expect({"finished 9007199254740991: 1"});
}

TEST(rpc_client, calls_in_flight_at_the_limit_pass_and_one_more_is_refused) {
  client_fixture client{{.limits = {.max_calls_in_flight = 2}}};
  (void)client.called(1);
  const auto second = client.called(1);
  EXPECT_EQ(client.machine.call(1, "{}", {}).error(), rpc_errc::resource_exhausted);
  EXPECT_FALSE(client.machine.has_output());
  EXPECT_TRUE(client.machine.abandon(second, {}));
  EXPECT_EQ(client.called(1), call_id{3}) << "a refused call uses no id";
}

TEST(rpc_client, a_payload_that_is_not_one_json_value_is_refused_and_never_sent) {
  client_fixture client;
  for (const std::string_view bad :
       {"{", "1 2", "nul", "{\"a\":}", "'x'", "\"\xff\"", "1,\"error\":{\"code\":1}", "1,\"payload\":2", "{}}",
        "\xc2\xa0"
        "1"}) {
    EXPECT_EQ(client.machine.call(1, bad, {}).error(), rpc_errc::invalid_payload) << bad;
    EXPECT_EQ(client.machine.notify(1, bad).error(), rpc_errc::invalid_payload) << bad;
  }
  EXPECT_FALSE(client.machine.has_output());
  EXPECT_EQ(client.machine.calls_in_flight(), 0U);
  EXPECT_EQ(client.called(1), call_id{1});
}

TEST(rpc_client, nesting_that_the_peer_would_refuse_is_refused_here) {
  client_fixture client;
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(client.machine.call(1, nested(json_scan_max_depth), {}).has_value());
  EXPECT_EQ(client.machine.call(1, nested(json_scan_max_depth + 1), {}).error(), rpc_errc::invalid_payload);
}

TEST(rpc_client, a_frame_at_the_limit_is_sent_and_one_byte_more_is_refused) {
  const auto around = request_text(1, 1, "\"\"").size();
  client_fixture client{{.limits = {.max_frame_bytes = 200, .max_output_bytes = 1000}}};
  EXPECT_EQ(client.machine.call(1, '"' + std::string(200 - around + 1, 'x') + '"', {}).error(),
            rpc_errc::frame_too_large);
  EXPECT_EQ(client.machine.call(1, std::string(5000, ' '), {}).error(), rpc_errc::frame_too_large);
  EXPECT_TRUE(client.machine.call(1, '"' + std::string(200 - around, 'x') + '"', {}).has_value());
  EXPECT_EQ(client.machine.take_output()->size(), 204U);
}

TEST(rpc_client, the_default_frame_limit_is_one_mebibyte) {
  const auto around = request_text(1, 1, "\"\"").size();
  client_fixture client;
  EXPECT_EQ(client.machine.call(1, '"' + std::string(1048576 - around + 1, 'x') + '"', {}).error(),
            rpc_errc::frame_too_large);
  EXPECT_TRUE(client.machine.call(1, '"' + std::string(1048576 - around, 'x') + '"', {}).has_value());
}

TEST(rpc_client, output_that_nobody_takes_is_bounded) {
  const auto one = frame_of(request_text(1, 1)).size();
  client_fixture client{{.limits = {.max_frame_bytes = 100, .max_output_bytes = 2 * one}}};
  EXPECT_TRUE(client.machine.call(1, "{}", {}).has_value());
  EXPECT_TRUE(client.machine.notify(1, "{}").has_value());
  EXPECT_EQ(client.machine.call(1, "{}", {}).error(), rpc_errc::resource_exhausted);
  EXPECT_EQ(client.machine.notify(1, "{}").error(), rpc_errc::resource_exhausted);
  EXPECT_EQ(client.machine.calls_in_flight(), 1U);
  (void)client.machine.take_output();
  EXPECT_TRUE(client.machine.notify(1, "{}").has_value());
}

TEST(rpc_client, the_end_fails_every_pending_call_and_then_everything) {
  client_fixture client;
  (void)client.called(1);
  EXPECT_TRUE(client.machine.call(1, "{}", {}).has_value());
  client.machine.end(rpc_errc::stream_reset, {});
  client.machine.end(rpc_errc::closed, {});
  std::vector<std::string> events;
  client.expect({"finished 2: the RPC stream was reset", "finished 1: the RPC stream was reset",
                 "ended: the RPC stream was reset"});
  EXPECT_FALSE(client.machine.has_output()) << "nothing is written after the end";
  EXPECT_FALSE(client.machine.take_output().has_value());
  EXPECT_EQ(client.machine.call(1, "{}", {}).error(), rpc_errc::stream_reset);
  EXPECT_EQ(client.machine.notify(1, "{}").error(), rpc_errc::stream_reset);
  client.peer(notification_text(1)).expect({});
}

TEST(rpc_client, a_stream_that_closes_between_frames_or_inside_one_is_told_apart) {
  const auto bytes = frame_of(notification_text(1));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    client_fixture client;
    client.peer_bytes({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut)});
    client.machine.end_of_input({});
    const bool whole = cut == 0 || cut == bytes.size();
    EXPECT_EQ(client.machine.ended(), whole ? rpc_errc::stream_closed : rpc_errc::truncated_frame) << cut;
  }
}

TEST(rpc_client, calls_are_counted_with_their_result_and_latency) {
  recording_observer seen;
  client_fixture client{{.limits = {.max_calls_in_flight = 4}, .metrics = &seen}};
  for (int i = 0; i < 4; ++i) (void)client.called(1, at(10));
  (void)client.machine.call(1, "{}", at(11));
  client.peer(response_text(1, 1, "1"), at(12));
  client.peer(error_text(1, 2, 404, "handler not found"), at(13));
  client.peer(error_text(1, 3, 418, "teapot"), at(14));
  EXPECT_TRUE(client.machine.abandon(call_id{4}, at(15)));
  (void)client.called(1, at(16));
  client.peer(error_text(1, 5, 429, "server overloaded"), at(17));
  (void)client.called(1, at(18));
  (void)client.machine.call(1, "}", at(18));
  client.peer(notification_text(1));
  client.peer("nonsense");
  client.machine.end(rpc_errc::stream_reset, at(20));
  (void)client.machine.call(1, "{}", at(21));
  EXPECT_EQ(seen.lines,
            (std::vector<std::string>{"call resource_exhausted 0", "call ok 2", "call handler_not_found 3",
                                      "call rpc_error 4", "call canceled 5", "call resource_exhausted 1",
                                      "client frame write", "call transport_error 0", "notify", "client frame read",
                                      "call transport_error 2", "call transport_error 0"}));
}

}  // namespace
}  // namespace flowersec::rpc
