// What the steady state allocates: nothing per frame when a read is waiting, one chunk per burst when none is.
#include "support/allocation_counter.h"

#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

constexpr int frames = 1000;

TEST(yamux_allocations, a_frame_sent_allocates_nothing) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(1000);
  const auto credit = wire::bytes_of(wire::credit_of(1, 1000));
  const auto send_one = [&] {
    EXPECT_TRUE(client.machine().write(id, body).has_value());
    EXPECT_TRUE(client.machine().next_frame(2000).has_value());
    while (client.machine().poll_event()) {
    }
    client.machine().receive(credit);
  };
  send_one();
  const testing::allocation_counter counter;
  for (int i = 0; i < frames; ++i) send_one();
  EXPECT_EQ(counter.count(), 0U);
}

TEST(yamux_allocations, a_frame_received_into_a_waiting_buffer_allocates_nothing) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  const auto bytes = wire::bytes_of(wire::data_of(1, pattern(1000)));
  byte_buffer into(4096);
  const auto receive_one = [&] {
    EXPECT_TRUE(server.machine().read(id, into).has_value());
    server.machine().receive(byte_view{bytes}.first(500));
    server.machine().receive(byte_view{bytes}.subspan(500));
    while (server.machine().poll_event()) {
    }
    while (server.machine().next_frame(64)) {
    }
  };
  receive_one();
  const testing::allocation_counter counter;
  for (int i = 0; i < frames; ++i) receive_one();
  EXPECT_EQ(counter.count(), 0U);
}

TEST(yamux_allocations, a_frame_buffered_and_read_allocates_one_chunk) {
  fixture server{role::server};
  const auto id = server.accepted(1);
  const auto bytes = wire::bytes_of(wire::data_of(1, pattern(1000)));
  byte_buffer into(4096);
  const auto receive_one = [&] {
    server.machine().receive(bytes);
    EXPECT_EQ(**server.machine().read(id, into), 1000U);
    while (server.machine().poll_event()) {
    }
    while (server.machine().next_frame(64)) {
    }
  };
  receive_one();
  const testing::allocation_counter counter;
  for (int i = 0; i < frames; ++i) receive_one();
  EXPECT_EQ(counter.count(), static_cast<std::size_t>(frames));
}

TEST(yamux_allocations, answering_pings_and_refusing_streams_allocates_nothing) {
  fixture server{session_options{.is = role::server, .limits = {.max_active_streams = 1, .max_inbound_streams = 1}}};
  (void)server.accepted(1);
  const auto ping = wire::bytes_of(wire::ping_of(7));
  const auto open = wire::bytes_of(wire::open_of(3));
  const auto answer_both = [&] {
    server.machine().receive(ping);
    server.machine().receive(open);
    while (server.machine().next_frame(64)) {
    }
  };
  answer_both();  // the queue has its memory by now
  const testing::allocation_counter counter;
  for (int i = 0; i < frames; ++i) answer_both();
  EXPECT_EQ(counter.count(), 0U);
}

TEST(yamux_allocations, a_new_stream_allocates_its_state_and_its_place_in_the_table) {
  fixture server{role::server};
  for (std::uint32_t id = 1; id < 21; id += 2) (void)server.accepted(id);  // the table has its size by now
  const auto open = wire::bytes_of(wire::open_of(21));
  const testing::allocation_counter counter;
  server.machine().receive(open);
  EXPECT_EQ(counter.count(), 2U);
}

}  // namespace
}  // namespace flowersec::yamux
