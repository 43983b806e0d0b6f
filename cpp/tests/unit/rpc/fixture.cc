#include "fixture.h"

#include <variant>

namespace flowersec::rpc {
namespace {

struct event_printer {
  std::string operator()(const call_finished& e) const {
    const auto head = "finished " + std::to_string(static_cast<std::uint64_t>(e.id)) + ": ";
    if (!e.outcome) return head + e.outcome.error().message();
    const auto& answer = *e.outcome;
    if (answer.ok()) return head + answer.payload;
    return head + "error " + std::to_string(answer.error->code) + " " + answer.error->message;
  }
  std::string operator()(const notification_received& e) const {
    return "notified " + std::to_string(e.type_id) + ": " + e.payload;
  }
  std::string operator()(const client_ended& e) const { return std::string{"ended: "} + describe(e.why); }
  std::string operator()(const start_request& e) const {
    return "start " + std::to_string(static_cast<std::uint64_t>(e.key)) + " type " + std::to_string(e.type_id) + ": " +
           e.payload;
  }
  std::string operator()(const start_notification& e) const {
    return "notice " + std::to_string(static_cast<std::uint64_t>(e.key)) + " type " + std::to_string(e.type_id) + ": " +
           e.payload;
  }
  std::string operator()(const server_ended& e) const { return std::string{"ended: "} + describe(e.why); }
};

}  // namespace

void client_fixture::collect() {
  while (const auto e = machine.poll_event()) events_.push_back(std::visit(event_printer{}, *e));
}

client_fixture& client_fixture::peer_bytes(const byte_buffer& bytes, mono_time now) {
  const byte_buffer exact(bytes.begin(), bytes.end());
  byte_view input = exact;
  while (!input.empty()) {
    machine.receive(input, now);
    collect();
  }
  return *this;
}

client_fixture& client_fixture::expect(const std::vector<std::string>& expected) {
  collect();
  EXPECT_EQ(std::exchange(events_, {}), expected);
  return *this;
}

call_id client_fixture::called(std::uint32_t type_id, mono_time now) {
  const auto id = machine.call(type_id, "{}", now);
  EXPECT_TRUE(id.has_value());
  (void)taken_from(machine);
  return *id;
}

void server_fixture::collect() {
  while (const auto e = machine.poll_event()) events_.push_back(std::visit(event_printer{}, *e));
}

server_fixture& server_fixture::peer_bytes(const byte_buffer& bytes) {
  const byte_buffer exact(bytes.begin(), bytes.end());
  byte_view input = exact;
  while (!input.empty()) {
    machine.receive(input);
    collect();
  }
  return *this;
}

server_fixture& server_fixture::expect(const std::vector<std::string>& expected) {
  collect();
  EXPECT_EQ(std::exchange(events_, {}), expected);
  return *this;
}

server_fixture& server_fixture::expect_sent(const std::vector<std::string>& expected) {
  EXPECT_EQ(taken_from(machine), expected);
  return *this;
}

}  // namespace flowersec::rpc
