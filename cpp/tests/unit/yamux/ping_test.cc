// Pings of the peer and liveness probes of our own.
#include <gtest/gtest.h>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

using wire::ping_of;
using wire::pong_of;

TEST(yamux_ping, a_request_is_answered_with_its_own_value) {
  fixture client{role::client};
  for (const std::uint32_t opaque : {0U, 1U, 9U, 0xffffffffU}) {
    client.peer(ping_of(opaque)).expect_sent(pong_of(opaque)).expect_no_events();
  }
}

TEST(yamux_ping, a_stream_id_on_a_ping_is_ignored) {
  fixture client{role::client};
  client.peer(frame{.kind = wire::ping, .flags = wire::syn, .id = 7, .length = 3}).expect_sent(pong_of(3));
}

TEST(yamux_ping, answers_go_before_data) {
  fixture client{role::client};
  const auto id = client.opened();
  const auto body = pattern(10);
  ASSERT_TRUE(client.machine().write(id, body).has_value());
  client.peer(ping_of(5)).expect_sent(pong_of(5), wire::data_of(1, body));
}

TEST(yamux_ping, so_many_replies_wait_and_one_more_request_is_not_answered) {
  fixture client{role::client};
  for (std::uint32_t i = 0; i <= max_queued_ping_replies; ++i) client.peer(ping_of(i));
  client.expect_alive();
  for (std::uint32_t i = 0; i < max_queued_ping_replies; ++i) {
    const auto frame = client.machine().next_frame(64);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->header, encode_ping_reply(i)) << i;
  }
  client.expect_sent_nothing();
  client.peer(ping_of(77)).expect_sent(pong_of(77));
}

TEST(yamux_ping, a_peer_that_reads_its_answers_may_ping_for_ever) {
  fixture client{role::client};
  for (std::uint32_t i = 0; i < 10 * max_queued_ping_replies; ++i) client.peer(ping_of(i)).expect_sent(pong_of(i));
  client.expect_alive();
}

TEST(yamux_probe, counts_from_one_and_is_reported_when_answered) {
  fixture client{role::client};
  for (std::uint32_t n = 1; n < 4; ++n) {
    EXPECT_EQ(*client.machine().probe(), n);
    client.expect_sent(ping_of(n));
    client.peer(pong_of(n)).expect_events({"probed " + std::to_string(n)}).expect_sent_nothing();
  }
}

TEST(yamux_probe, callers_share_one_outstanding_ping) {
  fixture client{role::client};
  EXPECT_EQ(*client.machine().probe(), 1U);
  EXPECT_EQ(*client.machine().probe(), 1U);
  client.expect_sent(ping_of(1));
  EXPECT_EQ(*client.machine().probe(), 1U);
  client.expect_sent_nothing();
  client.peer(pong_of(1)).expect_events({"probed 1"});
}

TEST(yamux_probe, answers_to_another_value_or_before_the_question_are_ignored) {
  fixture client{role::client};
  EXPECT_EQ(*client.machine().probe(), 1U);
  client.peer(pong_of(1)).expect_no_events();  // the request has not left yet
  client.expect_sent(ping_of(1));
  client.peer(pong_of(0), pong_of(2)).expect_no_events();
  client.peer(pong_of(1), pong_of(1)).expect_events({"probed 1"});
}

}  // namespace
}  // namespace flowersec::yamux
