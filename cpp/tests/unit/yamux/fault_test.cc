// A conversation that works is replayed with the transport failing at every step and with every byte damaged.
#include <gtest/gtest.h>

#include <functional>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

/// A server, what it holds while it waits, and the steps of a conversation that ends in order.
struct conversation {
  fixture server{role::server};
  byte_buffer into = byte_buffer(64);
  byte_buffer body = pattern(300000);

  std::vector<std::function<void()>> steps() {
    return {
        [this] { server.peer(wire::ping_of(0)); },
        [this] { server.peer(wire::open_of(1), wire::data_of(1, pattern(24))); },
        [this] { EXPECT_EQ(server.read(stream_id{1}, 100)->size(), 24U); },
        [this] { EXPECT_EQ(*server.machine().read(stream_id{1}, into), std::nullopt); },
        [this] { EXPECT_TRUE(server.machine().write(stream_id{1}, body).has_value()); },
        [this] { server.forget(); },
        [this] { EXPECT_TRUE(server.machine().open().has_value()); },
        [this] { server.peer(wire::data_of(1, pattern(10)), wire::credit_of(1, 131072)); },
        [this] { EXPECT_TRUE(server.machine().probe().has_value()); },
        [this] { server.peer(wire::open_of(3), wire::data_of(3, pattern(5000)), wire::reset_of(3)); },
        [this] { server.peer(wire::open_of(5), wire::data_of(5, pattern(5000), wire::fin)); },
        [this] { server.forget(); },
        [this] { server.peer(wire::pong_of(1), wire::ack_of(2)); },
        [this] { EXPECT_TRUE(server.machine().close_write(stream_id{1}).has_value()); },
        [this] { server.machine().reset(stream_id{5}); },
        [this] { server.peer(wire::close_of(1)); },
        [this] { server.forget(); },
    };
  }
};

TEST(yamux_faults, the_conversation_works_without_faults) {
  conversation talk;
  for (const auto& step : talk.steps()) step();
  talk.server.expect_alive();
  EXPECT_EQ(talk.server.machine().active_streams(), 1U) << "the server's own stream";
}

TEST(yamux_faults, a_transport_that_ends_before_any_step_ends_the_session_cleanly) {
  const auto count = conversation{}.steps().size();
  for (std::size_t fail_at = 0; fail_at <= count; ++fail_at) {
    SCOPED_TRACE("before step " + std::to_string(fail_at));
    conversation talk;
    const auto steps = talk.steps();
    for (std::size_t i = 0; i < fail_at; ++i) steps[i]();
    talk.server.machine().end_of_input();
    talk.server.expect_ended(yamux_errc::transport_closed);
    EXPECT_EQ(talk.server.machine().unread_bytes(), 0U);
  }
}

byte_buffer recorded_input() {
  byte_buffer bytes;
  for (const auto& f : {wire::ping_of(0), wire::open_of(1), wire::data_of(1, pattern(24)), wire::credit_of(1, 0),
                        wire::open_of(3), wire::data_of(3, pattern(9), wire::fin), wire::close_of(1), wire::reset_of(3),
                        wire::data_of(7, pattern(3), wire::syn), wire::pong_of(1)}) {
    append(bytes, wire::bytes_of(f));
  }
  return bytes;
}

TEST(yamux_faults, any_damaged_byte_leaves_a_session_that_lives_or_ended_with_a_reason) {
  const auto input = recorded_input();
  for (std::size_t at = 0; at < input.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      SCOPED_TRACE("bit " + std::to_string(bit) + " of byte " + std::to_string(at));
      auto damaged = input;
      damaged[at] ^= static_cast<std::byte>(1U << bit);
      fixture server{role::server};
      server.peer_bytes(damaged);
      EXPECT_LE(server.machine().unread_bytes(), damaged.size());
      EXPECT_LE(server.machine().active_streams(), 5U);
      if (!server.machine().ended()) server.machine().end_of_input();
      server.expect_ended(*server.machine().ended());
    }
  }
}

}  // namespace
}  // namespace flowersec::yamux
