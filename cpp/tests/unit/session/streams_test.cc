// Streams of a session: hellos, half-close, reset, abandoned streams, gathering.
#include <gtest/gtest.h>

#include "flowersec/record/errc.h"
#include "support/allocation_counter.h"
#include "support/raw_peer.h"
#include "support/session_pair.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using session::session_errc;
using session::stream_arrived;
using session::stream_rejected;

/// A pair with one open stream, on both sides.
struct open_pair : session_pair {
  open_pair() {
    settle();
    id = client.core().open("x", time.now()).value();
    settle();
    server.events.clear();
    client.events.clear();
  }
  stream_id id{};
};

TEST(stream_hello, names_the_kind_exactly) {
  session_pair pair;
  pair.settle();
  ASSERT_TRUE(pair.client.core().open("Chat/2 \xC3\xA9", pair.time.now()));
  pair.settle();
  EXPECT_EQ(pair.server.last<stream_arrived>()->kind, "Chat/2 \xC3\xA9");
}

TEST(stream_hello, both_sides_may_open) {
  session_pair pair;
  pair.settle();
  const auto id = pair.server.core().open("news", pair.time.now()).value();
  EXPECT_EQ(static_cast<std::uint32_t>(id), 2u);
  pair.server.write(id, "hello");
  pair.settle();
  ASSERT_NE(pair.client.last<stream_arrived>(), nullptr);
  EXPECT_EQ(pair.client.read(id), "hello");
}

TEST(stream_hello, an_empty_or_too_long_kind_is_refused_before_anything_is_sent) {
  session_pair pair;
  pair.settle();
  EXPECT_EQ(pair.client.core().open("", pair.time.now()).error(), session_errc::missing_kind);
  EXPECT_EQ(pair.client.core().open(std::string(8200, 'k'), pair.time.now()).error(), session_errc::open_failed);
  EXPECT_FALSE(pair.client.core().has_output());
}

TEST(stream_hello, a_kind_at_the_limit_arrives_and_one_byte_more_does_not) {
  // {"kind":"...","v":1} has 17 bytes beside the kind.
  for (const std::size_t extra : {0u, 1u}) {
    session_pair pair;
    pair.settle();
    const auto opened = pair.client.core().open(std::string(8192 - 17 + extra, 'k'), pair.time.now());
    EXPECT_EQ(opened.has_value(), extra == 0);
    pair.settle();
    EXPECT_EQ(pair.server.count<stream_arrived>(), extra == 0 ? 2u : 1u);
  }
}

TEST(stream_hello, refuses_every_malformed_one_and_the_session_lives) {
  struct row {
    const char* name;
    std::string text;
  };
  for (const auto& row :
       {row{"not json", "nonsense"}, row{"no object", R"(["rpc"])"}, row{"no kind", R"({"v":1})"},
        row{"empty kind", R"({"kind":"","v":1})"}, row{"kind is no string", R"({"kind":1,"v":1})"},
        row{"no version", R"({"kind":"x"})"}, row{"version 2", R"({"kind":"x","v":2})"},
        row{"version is text", R"({"kind":"x","v":"1"})"}, row{"trailing bytes", R"({"kind":"x","v":1}x)"},
        row{"too long", R"({"kind":")" + std::string(8200, 'k') + R"(","v":1})"}}) {
    SCOPED_TRACE(row.name);
    virtual_time time;
    end_point server{server_options_of(), time};
    auto peer = raw_peer::client_of(server);
    peer.open_stream(1, row.text);
    ASSERT_NE(server.last<stream_rejected>(), nullptr);
    EXPECT_EQ(server.last<stream_rejected>()->why, session_errc::hello_invalid);
    EXPECT_EQ(server.last<stream_arrived>(), nullptr);
    bool reset = false;
    for (const auto& frame : peer.take_frames()) {
      const auto* update = std::get_if<yamux::window_update_frame>(&frame.header);
      reset = reset || (update != nullptr && update->flags.rst);
    }
    EXPECT_TRUE(reset);
    EXPECT_FALSE(server.core().over());
    peer.open_stream(3, R"({"kind":"x","v":1,"more":[1,2]})");
    EXPECT_NE(server.last<stream_arrived>(), nullptr);
  }
}

TEST(stream_hello, a_length_of_zero_or_above_the_limit_is_refused_at_the_header) {
  for (const std::uint32_t length : {0u, 8193u, 0xffffffffu}) {
    virtual_time time;
    end_point server{server_options_of(), time};
    auto peer = raw_peer::client_of(server);
    byte_buffer header;
    append_be(header, length);
    peer.send(yamux::encode_open(stream_id{1}));
    peer.send(yamux::encode_data(stream_id{1}, 4), header);
    ASSERT_NE(server.last<stream_rejected>(), nullptr) << length;
  }
}

TEST(stream_hello, memory_follows_what_arrived_and_not_what_was_announced) {
  if (!allocation_counter::counts()) GTEST_SKIP() << "ThreadSanitizer allocates by itself";
  virtual_time time;
  end_point server{server_options_of(), time};
  auto peer = raw_peer::client_of(server);
  const auto hello =
      encode_json_frame(R"({"kind":")" + std::string(session::max_stream_hello_bytes - 17, 'k') + R"(","v":1})");
  const auto taken_by = [&](byte_view some) {
    const allocation_counter taken;
    peer.send(yamux::encode_data(stream_id{1}, static_cast<std::uint32_t>(some.size())), some);
    return taken.bytes();
  };
  peer.send(yamux::encode_open(stream_id{1}));
  EXPECT_LE(taken_by(byte_view{hello}.first(json_frame_header_bytes)), 2048u);
  std::size_t given = json_frame_header_bytes;
  for (; given + 100 < hello.size(); given += 100) {
    EXPECT_LE(taken_by(byte_view{hello}.subspan(given, 100)), 2 * given + 2048) << given;
  }
  EXPECT_EQ(server.last<stream_arrived>(), nullptr);
  taken_by(byte_view{hello}.subspan(given));
  ASSERT_NE(server.last<stream_arrived>(), nullptr);
  EXPECT_EQ(server.last<stream_arrived>()->kind.size(), session::max_stream_hello_bytes - 17);
}

TEST(stream_hello, a_stream_that_ends_inside_its_hello_is_refused) {
  virtual_time time;
  end_point server{server_options_of(), time};
  auto peer = raw_peer::client_of(server);
  const auto hello = encode_json_frame(R"({"kind":"x","v":1})");
  peer.send(yamux::encode_open(stream_id{1}));
  peer.send(yamux::encode_data(stream_id{1}, 6), byte_view{hello}.first(6));
  peer.send(yamux::encode_close(stream_id{1}));
  EXPECT_NE(server.last<stream_rejected>(), nullptr);
  EXPECT_FALSE(server.core().over());
}

TEST(stream_hello, a_silent_stream_does_not_hold_up_later_ones_and_is_reset_in_time) {
  virtual_time time;
  end_point server{server_options_of(), time};
  auto peer = raw_peer::client_of(server);
  peer.send(yamux::encode_open(stream_id{1}));
  peer.open_stream(3, R"({"kind":"quick","v":1})");
  ASSERT_NE(server.last<stream_arrived>(), nullptr);
  EXPECT_EQ(server.last<stream_arrived>()->id, stream_id{3});
  time.pass(9'999ms);
  server.core().advance(time.now());
  EXPECT_EQ(server.last<stream_rejected>(), nullptr);
  time.pass(1ms);
  EXPECT_EQ(server.core().deadline(), time.mono);
  server.core().advance(time.now());
  ASSERT_NE(server.last<stream_rejected>(), nullptr);
  EXPECT_EQ(server.last<stream_rejected>()->id, stream_id{1});
  EXPECT_EQ(server.last<stream_rejected>()->why, session_errc::hello_timeout);
}

TEST(stream_hello, what_follows_in_the_same_data_frame_is_the_applications) {
  virtual_time time;
  end_point server{server_options_of(), time};
  auto peer = raw_peer::client_of(server);
  auto body = encode_json_frame(R"({"kind":"x","v":1})");
  append(body, "and more");
  peer.send(yamux::encode_open(stream_id{1}));
  peer.send(yamux::encode_data(stream_id{1}, static_cast<std::uint32_t>(body.size())), body);
  ASSERT_NE(server.last<stream_arrived>(), nullptr);
  EXPECT_EQ(server.read(stream_id{1}), "and more");
}

TEST(streams, half_close_ends_one_direction_only) {
  open_pair pair;
  pair.client.write(pair.id, "last words");
  ASSERT_TRUE(pair.client.core().close_write(pair.id, pair.time.now()));
  pair.settle();
  EXPECT_EQ(pair.server.read(pair.id), "last words");
  pair.server.write(pair.id, "answer");
  pair.settle();
  EXPECT_EQ(pair.client.read(pair.id), "answer");
}

TEST(streams, reset_ends_both_directions_at_once) {
  open_pair pair;
  pair.client.core().reset(pair.id, pair.time.now());
  pair.settle();
  EXPECT_EQ(pair.client.count<yamux::stream_failed>(), 1u);
  EXPECT_EQ(pair.server.count<yamux::stream_failed>(), 1u);
  EXPECT_FALSE(pair.server.core().write(pair.id, as_bytes("x"), pair.time.now()));
}

TEST(streams, an_abandoned_stream_is_reset_while_its_sending_half_is_open) {
  open_pair pair;
  pair.client.core().abandon(pair.id, pair.time.now());
  pair.settle();
  EXPECT_EQ(pair.client.count<yamux::stream_failed>(), 0u);  // nobody is interested any more
  EXPECT_EQ(pair.server.count<yamux::stream_failed>(), 1u);
}

TEST(streams, an_abandoned_stream_still_delivers_what_was_written_before_its_close) {
  open_pair pair;
  pair.client.write(pair.id, "everything");
  ASSERT_TRUE(pair.client.core().close_write(pair.id, pair.time.now()));
  pair.client.core().abandon(pair.id, pair.time.now());
  pair.settle();
  EXPECT_EQ(pair.server.read(pair.id), "everything");
  pair.server.write(pair.id, "into the void");
  ASSERT_TRUE(pair.server.core().close_write(pair.id, pair.time.now()));
  pair.settle();
  EXPECT_EQ(pair.server.count<yamux::stream_failed>(), 0u);
  EXPECT_EQ(pair.client.count<yamux::stream_readable>(), 0u);
}

TEST(streams, a_peer_that_never_ends_an_abandoned_stream_is_reset_after_the_linger_time) {
  open_pair pair;
  ASSERT_TRUE(pair.client.core().close_write(pair.id, pair.time.now()));
  pair.client.core().abandon(pair.id, pair.time.now());
  pair.settle();
  pair.pass(9'999ms);
  pair.settle();
  EXPECT_EQ(pair.server.count<yamux::stream_failed>(), 0u);
  pair.pass(1ms);
  pair.settle();
  EXPECT_EQ(pair.server.count<yamux::stream_failed>(), 1u);
}

TEST(streams, one_more_than_max_active_streams_is_refused_and_the_session_lives) {
  session_pair pair;
  pair.settle();
  for (int i = 1; i < 32; ++i) ASSERT_TRUE(pair.client.core().open("x", pair.time.now()));
  for (int i = 32; i < 64; ++i) ASSERT_TRUE(pair.client.core().open("x", pair.time.now()));
  EXPECT_EQ(pair.client.core().open("x", pair.time.now()).error(), session_errc::open_limit);
  pair.settle();
  // The peer takes 32 and resets the rest.
  EXPECT_EQ(pair.server.count<stream_arrived>(), 32u);
  EXPECT_EQ(pair.client.count<yamux::stream_failed>(), 32u);
  EXPECT_FALSE(pair.client.core().over());
  EXPECT_FALSE(pair.server.core().over());
}

TEST(interop_traps, trap_16_a_writer_without_window_can_give_up_and_the_session_lives) {
  open_pair pair;
  const std::string much(400'000, 'x');
  pair.client.write(pair.id, much);
  pair.settle();
  EXPECT_EQ(pair.client.count<yamux::writes_done>(), 0u);
  // The window is 262144 bytes, of which the hello took 22.
  EXPECT_EQ(pair.client.core().cancel_writes(pair.id), 262'122u);
  const auto other = pair.client.core().open("other", pair.time.now()).value();
  pair.client.write(other, "alive");
  pair.settle();
  EXPECT_EQ(pair.server.read(other), "alive");
  pair.client.core().reset(pair.id, pair.time.now());
  pair.settle();
  EXPECT_FALSE(pair.client.core().over());
}

TEST(streams, a_write_cut_short_behind_its_half_close_resets_the_stream) {
  open_pair pair;
  const std::string much(400'000, 'x');
  pair.client.write(pair.id, much);
  ASSERT_TRUE(pair.client.core().close_write(pair.id, pair.time.now()));
  pair.settle();
  EXPECT_EQ(pair.client.core().cancel_writes(pair.id), 262'122u);
  pair.client.core().abandon(pair.id, pair.time.now());
  pair.settle();
  EXPECT_EQ(pair.server.count<yamux::peer_closed>(), 0u) << "a part was taken for the whole";
  EXPECT_EQ(pair.server.count<yamux::stream_failed>(), 1u);
}

/// A pair whose client may have this much waiting to be sealed, and two streams.
struct pair_with_budget : session_pair {
  explicit pair_with_budget(std::size_t bytes) : session_pair(client_with(bytes)) {
    settle();
    first = client.core().open("a", time.now()).value();
    second = client.core().open("b", time.now()).value();
    settle();
  }
  static machine_options client_with(std::size_t bytes) {
    auto options = client_options_of();
    options.session.record.max_outbound_buffered_bytes = bytes;
    return options;
  }
  error_code try_write(stream_id id, std::string_view text) {
    const auto queued = client.core().write(id, as_bytes(text), time.now());
    return queued ? error_code{} : queued.error();
  }
  stream_id first{};
  stream_id second{};
};

TEST(outbound_budget, holds_for_all_streams_together_and_refuses_one_byte_more) {
  pair_with_budget pair{100};
  const std::string text(101, 'x');
  EXPECT_EQ(pair.try_write(pair.first, text), record::record_errc::outbound_overflow);
  EXPECT_FALSE(pair.try_write(pair.first, text.substr(0, 60)));
  EXPECT_EQ(pair.client.core().outbound_room(), 40u);
  EXPECT_EQ(pair.try_write(pair.second, text.substr(0, 41)), record::record_errc::outbound_overflow);
  EXPECT_FALSE(pair.try_write(pair.second, text.substr(0, 40)));
  EXPECT_EQ(pair.try_write(pair.first, "x"), record::record_errc::outbound_overflow);
  EXPECT_FALSE(pair.try_write(pair.first, "")) << "nothing always fits";
  pair.settle();
  EXPECT_EQ(pair.server.read(pair.first).size(), 60u) << "nothing of a refused write is sent";
  EXPECT_EQ(pair.server.read(pair.second).size(), 40u);
  EXPECT_FALSE(pair.client.core().over());
  EXPECT_FALSE(pair.try_write(pair.first, text.substr(0, 100)));
}

TEST(outbound_budget, is_given_back_by_what_is_cancelled_or_reset) {
  pair_with_budget pair{100};
  const std::string text(100, 'x');
  ASSERT_FALSE(pair.try_write(pair.first, text));
  EXPECT_EQ(pair.client.core().cancel_writes(pair.first), 0u);
  ASSERT_FALSE(pair.try_write(pair.second, text));
  EXPECT_EQ(pair.client.core().outbound_room(), 0u);
  pair.client.core().reset(pair.second, pair.time.now());
  EXPECT_EQ(pair.client.core().outbound_room(), 100u);
}

TEST(outbound_budget, neither_hellos_nor_rpc_are_refused_for_it) {
  pair_with_budget pair{1};
  ASSERT_FALSE(pair.try_write(pair.first, "x"));
  EXPECT_TRUE(pair.client.core().open("c", pair.time.now()));
  const std::string frame(50, 'r');
  EXPECT_TRUE(pair.client.core().write_rpc(pair.second, as_bytes(frame), pair.time.now()));
  EXPECT_EQ(pair.client.core().outbound_room(), 0u);
  pair.settle();
  EXPECT_EQ(pair.server.read(pair.second), frame);
}

TEST(streams, cancelling_writes_before_the_hello_is_out_keeps_the_hello) {
  session_pair pair;
  pair.settle();
  const auto id = pair.client.core().open("x", pair.time.now()).value();
  pair.client.write(id, "given up");
  EXPECT_EQ(pair.client.core().cancel_writes(id), 0u);
  pair.client.write(id, "sent");
  pair.settle();
  ASSERT_NE(pair.server.last<stream_arrived>(), nullptr);
  EXPECT_EQ(pair.server.read(id), "sent");
}

TEST(output, small_frames_share_one_record) {
  virtual_time time;
  end_point client{client_options_of(), time};
  auto peer = raw_peer::server_of(client);
  static_cast<void>(peer.take_frames());
  peer.record_sizes.clear();
  const auto id = client.core().open("x", time.now()).value();
  for (int i = 0; i < 10; ++i) client.write(id, "0123456789");
  static_cast<void>(peer.take_frames());
  EXPECT_EQ(peer.record_sizes.size(), 1u);
}

TEST(output, one_batch_holds_at_most_64_kib_and_a_record) {
  open_pair pair;
  const std::string much(200'000, 'x');
  pair.client.write(pair.id, much);
  session::outbox batch{session::no_prefix};
  pair.client.core().fill(batch, pair.time.now());
  EXPECT_GE(batch.size(), session::gather_bytes);
  const auto record_bytes = record::sealed_bytes(16'384 + yamux::header_bytes);
  EXPECT_LE(batch.size(), session::gather_bytes + record_bytes);
  for (const auto& message : batch.messages()) EXPECT_LE(message.size, record_bytes);
  EXPECT_TRUE(pair.client.core().has_output());
}

TEST(output, a_window_of_data_is_a_whole_number_of_full_records) {
  open_pair pair;
  pair.client.write(pair.id, std::string(2 * yamux::window_bytes, 'x'));
  auto messages = pair.client.take_messages();
  EXPECT_EQ(messages.size(), 16u);
  messages.pop_back();  // shorter: the hello has used a little of the window
  for (const auto& message : messages) {
    EXPECT_EQ(message.size(), record::sealed_bytes(16'384 + yamux::header_bytes));
  }
}

TEST(output, room_for_the_transports_header_stands_before_every_message) {
  session::outbox batch{[](std::size_t bytes) noexcept -> std::size_t { return bytes < 126 ? 6 : 8; }};
  const auto small = to_buffer(as_bytes("small"));
  const byte_buffer large(1000, std::byte{7});
  batch.add_copy(small);
  batch.add_copy(large);
  static_cast<void>(batch.add(3));
  batch.take_back_last();
  ASSERT_EQ(batch.messages().size(), 2u);
  EXPECT_EQ(batch.size(), 6u + 5u + 8u + 1000u);
  EXPECT_TRUE(std::ranges::equal(batch.payload(batch.messages()[0]), small));
  EXPECT_TRUE(std::ranges::equal(batch.payload(batch.messages()[1]), large));
  EXPECT_EQ(batch.messages()[1].offset, 11u);
  batch.clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.size(), 0u);
}

TEST(flow, ten_megabytes_in_both_directions_arrive_whole) {
  open_pair pair;
  const std::string block(100'000, 'd');
  std::size_t to_server = 0;
  std::size_t to_client = 0;
  for (int i = 0; i < 100; ++i) {
    pair.client.write(pair.id, block);
    pair.server.write(pair.id, block);
    pair.settle();
    to_server += pair.server.read(pair.id).size();
    to_client += pair.client.read(pair.id).size();
    pair.settle();
    to_server += pair.server.read(pair.id).size();
    to_client += pair.client.read(pair.id).size();
  }
  EXPECT_EQ(to_server, 10'000'000u);
  EXPECT_EQ(to_client, 10'000'000u);
}

}  // namespace
}  // namespace flowersec::testing
