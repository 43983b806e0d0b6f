// Which limits are accepted, defaults, and the texts of errors and labels.
#include "flowersec/rpc/limits.h"

#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::rpc {
namespace {

TEST(rpc_limits, defaults_are_those_of_the_protocol) {
  const server_limits server;
  EXPECT_TRUE(server.validate().has_value());
  EXPECT_EQ(server.max_running_requests, 32U);
  EXPECT_EQ(server.max_queued_requests, 128U);
  EXPECT_EQ(server.max_queued_notifications, 128U);
  EXPECT_EQ(server.max_frame_bytes, 1048576U);
  const client_limits client;
  EXPECT_TRUE(client.validate().has_value());
  EXPECT_EQ(client.max_calls_in_flight, std::nullopt);
  EXPECT_EQ(client.max_frame_bytes, 1048576U);
}

TEST(rpc_limits, server_edges_are_accepted_and_one_past_is_refused) {
  const struct {
    const char* name;
    bool valid;
    server_limits limits;
  } rows[] = {
      {"one running", true, {.max_running_requests = 1}},
      {"none running", false, {.max_running_requests = 0}},
      {"no queue", true, {.max_queued_requests = 0, .max_queued_notifications = 0}},
      {"no refusals", false, {.max_queued_refusals = 0}},
      {"one refusal", true, {.max_queued_refusals = 1}},
      {"frame of one byte", true, {.max_frame_bytes = 1}},
      {"frame of nothing", false, {.max_frame_bytes = 0}},
      {"frame above the protocol", false, {.max_frame_bytes = 1048577}},
      {"payload memory of one frame", true, {.max_held_payload_bytes = 1048576}},
      {"payload memory below one frame", false, {.max_held_payload_bytes = 1048575}},
      {"output of one frame", true, {.max_output_bytes = 1048576}},
      {"output below one frame", false, {.max_output_bytes = 1048575}},
  };
  for (const auto& [name, valid, limits] : rows) {
    EXPECT_EQ(limits.validate().has_value(), valid) << name;
    EXPECT_EQ(server::create({.limits = limits}).has_value(), valid) << name;
  }
}

TEST(rpc_limits, client_edges_are_accepted_and_one_past_is_refused) {
  const struct {
    const char* name;
    bool valid;
    client_limits limits;
  } rows[] = {
      {"one call", true, {.max_calls_in_flight = 1}},
      {"no calls", false, {.max_calls_in_flight = 0}},
      {"frame of nothing", false, {.max_frame_bytes = 0}},
      {"frame above the protocol", false, {.max_frame_bytes = 1048577}},
      {"output of one frame", true, {.max_frame_bytes = 10, .max_output_bytes = 10}},
      {"output below one frame", false, {.max_frame_bytes = 10, .max_output_bytes = 9}},
  };
  for (const auto& [name, valid, limits] : rows) {
    EXPECT_EQ(limits.validate().has_value(), valid) << name;
    EXPECT_EQ(client::create({.limits = limits}).has_value(), valid) << name;
  }
  EXPECT_EQ(client::create({.first_id = call_id{0}}).error(), rpc_errc::invalid_limits);
}

TEST(rpc_errors, every_value_has_its_own_text) {
  std::vector<std::string> texts;
  for (int value = 1; value <= static_cast<int>(rpc_errc::refusal_overflow); ++value) {
    const error_code code = static_cast<rpc_errc>(value);
    EXPECT_STREQ(code.category().name(), "flowersec.rpc");
    EXPECT_EQ(std::count(texts.begin(), texts.end(), code.message()), 0) << code.message();
    EXPECT_NE(code.message(), "unknown RPC error") << value;
    texts.push_back(code.message());
  }
}

TEST(rpc_observer, labels_are_those_of_the_metric_families) {
  EXPECT_STREQ(label(call_result::ok), "ok");
  EXPECT_STREQ(label(call_result::rpc_error), "rpc_error");
  EXPECT_STREQ(label(call_result::handler_not_found), "handler_not_found");
  EXPECT_STREQ(label(call_result::transport_error), "transport_error");
  EXPECT_STREQ(label(call_result::canceled), "canceled");
  EXPECT_STREQ(label(call_result::resource_exhausted), "resource_exhausted");
  EXPECT_STREQ(label(frame_direction::read), "read");
  EXPECT_STREQ(label(frame_direction::write), "write");
}

}  // namespace
}  // namespace flowersec::rpc
