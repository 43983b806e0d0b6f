// Messages that arrive together: the streams hear of them once.
#include <gtest/gtest.h>

#include "flowersec/record/errc.h"
#include "support/session_pair.h"

namespace flowersec::testing {
namespace {

using session::message_kind;
using session::session_over;

/// A stream whose reader waits, and the messages of one write that is several records long.
struct arriving_batch : session_pair {
  static constexpr std::size_t written_bytes = 60'000;

  arriving_batch() {
    settle();
    id = client.core().open("x", time.now()).value();
    settle();
    server.events.clear();
    EXPECT_FALSE(server.core().read(id, room, time.now()).value());
    client.write(id, std::string(written_bytes, 'b'));
    messages = client.take_messages();
    EXPECT_EQ(messages.size(), 4u);
  }
  void take(std::size_t index) { server.core().take(message_kind::binary, messages[index], time.now()); }

  stream_id id{};
  byte_buffer room = byte_buffer(100'000);
  std::vector<byte_buffer> messages;
};

TEST(batch, wakes_a_reader_once_with_all_of_it) {
  arriving_batch pair;
  for (std::size_t i = 0; i < pair.messages.size(); ++i) pair.take(i);
  EXPECT_FALSE(pair.server.core().has_events());
  pair.server.core().settle(pair.time.now());
  ASSERT_EQ(pair.server.count<yamux::read_done>(), 1u);
  EXPECT_EQ(pair.server.last<yamux::read_done>()->bytes, arriving_batch::written_bytes);
  EXPECT_EQ(pair.room[arriving_batch::written_bytes - 1], std::byte{'b'});
}

TEST(batch, delivers_what_stands_before_a_broken_record) {
  arriving_batch pair;
  pair.messages[2].back() ^= std::byte{1};
  for (std::size_t i = 0; i < pair.messages.size(); ++i) pair.take(i);
  pair.server.core().settle(pair.time.now());
  ASSERT_EQ(pair.server.count<yamux::read_done>(), 1u);
  EXPECT_GT(pair.server.last<yamux::read_done>()->bytes, 2 * 16'000u);
  EXPECT_EQ(pair.server.count<session_over>(), 1u);
  EXPECT_EQ(pair.server.over_because(), record::record_errc::open_failed);
}

TEST(batch, goes_on_only_while_there_are_streams) {
  session_pair pair;
  EXPECT_FALSE(pair.client.core().has_streams());
  pair.settle();
  EXPECT_TRUE(pair.client.core().has_streams());
  pair.client.core().end(make_error_code(session::session_errc::closed_here), pair.time.now());
  EXPECT_FALSE(pair.client.core().has_streams());
}

}  // namespace
}  // namespace flowersec::testing
