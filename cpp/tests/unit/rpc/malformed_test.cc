// Malformed input at both ends: two in a row are skipped, the third ends the stream, and a bad length ends it at once.
#include <gtest/gtest.h>

#include "fixture.h"
#include "support/allocation_counter.h"

namespace flowersec::rpc {
namespace {

const struct {
  const char* name;
  const char* text;
} malformed[] = {
    {"not JSON", "nonsense"},
    {"an array", "[]"},
    {"a number", "1"},
    {"empty object", "{}"},
    {"cut off", R"({"type_id":1,"request_id":0,"response_to":0,"payload":1)"},
    {"bytes behind the object", R"({"type_id":1,"request_id":0,"response_to":0,"payload":1} x)"},
    {"no type_id", R"({"request_id":0,"response_to":0,"payload":1})"},
    {"no request_id", R"({"type_id":1,"response_to":0,"payload":1})"},
    {"no response_to", R"({"type_id":1,"request_id":0,"payload":1})"},
    {"type_id above 32 bits", R"({"type_id":4294967296,"request_id":0,"response_to":0,"payload":1})"},
    {"negative type_id", R"({"type_id":-1,"request_id":0,"response_to":0,"payload":1})"},
    {"text as request_id", R"({"type_id":1,"request_id":"1","response_to":0,"payload":1})"},
    {"fraction as request_id", R"({"type_id":1,"request_id":1.0,"response_to":0,"payload":1})"},
    {"exponent as request_id", R"({"type_id":1,"request_id":1e0,"response_to":0,"payload":1})"},
    {"leading zero", R"({"type_id":1,"request_id":01,"response_to":0,"payload":1})"},
    {"boolean as response_to", R"({"type_id":1,"request_id":0,"response_to":false,"payload":1})"},
    {"null as response_to", R"({"type_id":1,"request_id":0,"response_to":null,"payload":1})"},
    {"request_id above 2^53-1", R"({"type_id":1,"request_id":9007199254740992,"response_to":0,"payload":1})"},
    {"response_to above 2^53-1", R"({"type_id":1,"request_id":0,"response_to":9007199254740992,"payload":1})"},
    {"error that is no object", R"({"type_id":1,"request_id":0,"response_to":1,"payload":1,"error":"x"})"},
    {"error without code", R"({"type_id":1,"request_id":0,"response_to":1,"payload":1,"error":{}})"},
    {"error code above 32 bits",
     R"({"type_id":1,"request_id":0,"response_to":1,"payload":1,"error":{"code":4294967296}})"},
    {"error message that is no text",
     R"({"type_id":1,"request_id":0,"response_to":1,"payload":1,"error":{"code":1,"message":2}})"},
    {"invalid UTF-8", "{\"type_id\":1,\"request_id\":0,\"response_to\":0,\"payload\":\"\xff\"}"},
};

TEST(rpc_malformed, the_third_in_a_row_ends_the_stream_at_both_ends) {
  for (const auto& [name, text] : malformed) {
    SCOPED_TRACE(name);
    client_fixture client;
    server_fixture server;
    for (int i = 0; i < 2; ++i) {
      client.peer(text).expect({});
      server.peer(text).expect({}).expect_sent({});
    }
    client.peer(text).expect({"ended: too many invalid RPC envelopes in a row"});
    server.peer(text).expect({"ended: too many invalid RPC envelopes in a row"});
  }
}

TEST(rpc_malformed, a_valid_envelope_starts_the_count_again) {
  client_fixture client;
  server_fixture server;
  for (int round = 0; round < 5; ++round) {
    client.peer("x").peer("x").peer(request_text(1, 1)).expect({});  // skipped, but valid
    server.peer("x").peer("x").peer(response_text(1, 1, "1")).expect({});
  }
  EXPECT_FALSE(client.machine.ended().has_value());
  EXPECT_FALSE(server.machine.ended().has_value());
}

TEST(rpc_malformed, pending_calls_fail_when_malformed_input_ends_the_stream) {
  client_fixture client;
  (void)client.called(1);
  client.peer("x").peer("x").peer("x").expect(
      {"finished 1: too many invalid RPC envelopes in a row", "ended: too many invalid RPC envelopes in a row"});
}

TEST(rpc_malformed, an_announced_length_holds_no_memory_at_either_end) {
  client_fixture client;
  server_fixture server;
  byte_buffer begun;
  append_be(begun, static_cast<std::uint32_t>(json_frame_max_bytes));
  append(begun, std::string_view{R"({"type_id":)"});
  const testing::allocation_counter taken;
  client.peer_bytes(begun);
  server.peer_bytes(begun);
  EXPECT_LE(taken.bytes(), 1024U);
  client.expect({});
  server.expect({}).expect_sent({});
}

TEST(rpc_malformed, valid_variants_are_accepted) {
  const char* rows[] = {
      R"( { "payload" : 1 , "response_to" : 0 , "request_id" : 0 , "type_id" : 4294967295 } )",
      R"({"type_id":0,"request_id":0,"response_to":0,"payload":1})",
      R"({"type_id":1,"request_id":0,"response_to":0,"payload":1,"unknown":{"x":[1,2]},"error":null})",
      R"({"type_id":1,"request_id":0,"response_to":0})",
  };
  for (const auto* text : rows) {
    client_fixture client;
    client.peer(text);
    EXPECT_TRUE(client.machine.ended() == std::nullopt) << text;
    server_fixture server;
    for (int i = 0; i < 3; ++i) server.peer(text);
    EXPECT_TRUE(server.machine.ended() == std::nullopt) << text;
  }
}

TEST(rpc_malformed, a_frame_of_no_length_or_above_the_limit_ends_the_stream_before_its_body) {
  const struct {
    std::uint32_t length;
    bool ends;
  } rows[] = {{0, true}, {1, false}, {300, false}, {301, true}, {0xffffffff, true}};
  for (const auto& [length, ends] : rows) {
    SCOPED_TRACE(length);
    byte_buffer header;
    append_be(header, length);
    client_fixture client{{.limits = {.max_frame_bytes = 300}}};
    client.peer_bytes(header);
    EXPECT_EQ(client.machine.ended().has_value(), ends);
    server_fixture server{{.limits = {.max_frame_bytes = 300}}};
    server.peer_bytes(header);
    EXPECT_EQ(server.machine.ended().has_value(), ends);
    if (!ends) continue;
    EXPECT_EQ(client.machine.ended(), rpc_errc::bad_frame_length);
    EXPECT_EQ(server.machine.ended(), rpc_errc::bad_frame_length);
  }
}

TEST(rpc_memory, an_idle_stream_holds_nothing_of_its_last_large_frame) {
  if (!testing::allocation_counter::counts()) GTEST_SKIP() << "nobody counts";
  const auto payload = '"' + std::string(1'000'000, 'x') + '"';
  const auto response = frame_of(response_text(1, 99, payload));
  const auto request = frame_of(request_text(1, 0, payload));
  auto caller = *client::create({});
  auto callee = *server::create({});
  const testing::allocation_counter taken;
  byte_view input = response;
  while (!input.empty()) caller.receive(input, at(0));
  EXPECT_LT(taken.held(), 65'536);
  input = request;
  while (!input.empty()) {
    callee.receive(input);
    while (auto happened = callee.poll_event()) {
      if (const auto* started = std::get_if<start_notification>(&*happened)) callee.finish(started->key, {});
    }
  }
  EXPECT_LT(taken.held(), 65'536);
}

}  // namespace
}  // namespace flowersec::rpc
