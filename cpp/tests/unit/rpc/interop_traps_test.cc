// Traps that other implementations fell into, as far as RPC is concerned.
// PROTOCOL, "Traps"; the number in a name is the number there.
#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::rpc {
namespace {

TEST(interop_traps, trap_15_ids_are_plain_integers_payload_is_always_sent_and_null_never_for_error_or_message) {
  client_fixture client{{.first_id = call_id{9007199254740991}}};
  ASSERT_TRUE(client.machine.call(1, "", {}).has_value());
  ASSERT_TRUE(client.machine.notify(2, "").has_value());
  EXPECT_EQ(taken_from(client.machine),
            (std::vector<std::string>{R"({"type_id":1,"request_id":9007199254740991,"response_to":0,"payload":null})",
                                      R"({"type_id":2,"request_id":0,"response_to":0,"payload":null})"}));
  server_fixture server;
  server.peer(request_text(1, 9007199254740991)).peer(request_text(1, 2));
  server.machine.finish(request_key{1}, success(""));
  server.machine.finish(request_key{2}, reply{.payload = "", .error = call_error{5, ""}});
  server.expect_sent({R"({"type_id":1,"request_id":0,"response_to":9007199254740991,"payload":null})",
                      R"({"type_id":1,"request_id":0,"response_to":2,"payload":null,)"
                      R"("error":{"code":5,"message":"rpc error"}})"});
}

TEST(interop_traps, trap_24_header_and_body_of_a_frame_may_come_apart) {
  const auto frame = frame_of(request_text(1, 1));
  server_fixture server;
  server.peer_bytes({frame.begin(), frame.begin() + 4}).expect({});
  server.peer_bytes({frame.begin() + 4, frame.end()}).expect({"start 1 type 1: {}"});
}

}  // namespace
}  // namespace flowersec::rpc
