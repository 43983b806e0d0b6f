// Message sockets on loopback: messages both ways, limits, pings under load.
#include <boost/asio/post.hpp>

#include "unit/ws/socket_pair.h"

namespace flowersec::ws {
namespace {

using namespace testing;                                         // NOLINT
using namespace boost::asio::experimental::awaitable_operators;  // NOLINT

constexpr mask_key key{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};

byte_buffer pattern(std::size_t size) {
  byte_buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i ^ (i >> 8));
  return bytes;
}

class message_sockets : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) net.use_tls();
  }
  void run(awaitable<void> client, awaitable<void> server) { run_tasks(context, std::move(client), std::move(server)); }

  boost::asio::io_context context;
  loopback net{context};
};

INSTANTIATE_TEST_SUITE_P(plain_and_tls, message_sockets, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "tls" : "plain"; });

const std::size_t sizes[] = {0, 1, 125, 126, 65535, 65536, 1048576};

TEST_P(message_sockets, messages_of_every_length_form_come_back_whole) {
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    EXPECT_EQ(socket.own_role(), role::client);
    for (const auto size : sizes) {
      const auto sent = pattern(size);
      const auto kind = size % 2 == 0 ? message_kind::binary : message_kind::text;
      co_await socket.async_write_message(kind, sent);
      const auto message = co_await socket.async_read_message();
      EXPECT_EQ(message.kind, kind);
      EXPECT_TRUE(std::ranges::equal(message.payload, sent)) << size;
    }
    co_await socket.async_close(close_code::normal, "done");
  };
  run(client(net), echo_until_closed(net));
}

TEST_P(message_sockets, frames_finished_in_place_go_out_together) {
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    byte_buffer batch;
    std::vector<byte_view> pieces;
    for (const std::size_t size : {10, 200, 70000}) {
      const auto begin = batch.size();
      batch.resize(begin + socket.header_bytes(size));
      append(batch, byte_view{pattern(size)});
      EXPECT_TRUE(socket.finish_frame(message_kind::binary, mutable_byte_view{batch}.subspan(begin), size));
    }
    pieces.emplace_back(byte_view{batch}.first(50));
    pieces.emplace_back();
    pieces.emplace_back(byte_view{batch}.subspan(50));
    co_await socket.async_write_frames(pieces);
    co_await socket.async_close(close_code::normal, "");
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    for (const std::size_t size : {10, 200, 70000}) {
      const auto message = co_await socket.async_read_message();
      EXPECT_TRUE(std::ranges::equal(message.payload, pattern(size)));
    }
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::closed_by_peer);
    EXPECT_EQ(socket.peer_close(), (close_payload{.code = 1000, .reason = ""}));
    co_await socket.async_close(close_code::normal, "");
  };
  run(client(net), server(net));
}

TEST_P(message_sockets, a_write_without_waiting_says_whether_it_is_done) {
  constexpr std::size_t large_frames = 256;
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    const auto small = make_frame(opcode::binary, as_bytes("small"), key);
    const byte_view piece = small;
    EXPECT_EQ(socket.try_write_frames({&piece, 1}), error_code{});
    // More than the kernel takes, since the peer reads only when this task waits.
    const auto large = make_frame(opcode::binary, pattern(65536), key);
    const std::vector<byte_view> pieces(large_frames, byte_view{large});
    EXPECT_FALSE(socket.try_write_frames(pieces));
    co_await socket.async_finish_write();
    EXPECT_EQ(socket.try_write_frames({&piece, 1}), error_code{});
    co_await socket.async_finish_write();  // nothing is left
    co_await socket.async_close(close_code::normal, "");
    EXPECT_EQ(socket.try_write_frames({&piece, 1}), ws_errc::closed_locally);
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    const auto large = pattern(65536);
    EXPECT_EQ(text_of(co_await socket.async_read_message()), "small");
    for (std::size_t i = 0; i < large_frames; ++i) {
      const auto message = co_await socket.async_read_message();
      EXPECT_EQ(as_text(message.payload), as_text(large));
    }
    EXPECT_EQ(text_of(co_await socket.async_read_message()), "small");
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::closed_by_peer);
    co_await socket.async_close(close_code::normal, "");
  };
  run(client(net), server(net));
}

TEST_P(message_sockets, reading_without_waiting_goes_on_beyond_one_receive_block) {
  constexpr std::size_t frames = 16;
  net.connecting.socket.limits.max_block_bytes = 4096;
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    static_cast<void>(co_await socket.async_read_message());
    for (std::size_t i = 1; i < frames; ++i) EXPECT_TRUE(socket.try_read_message()) << i;
    EXPECT_FALSE(socket.try_read_message());
    co_await socket.async_close(close_code::normal, "");
    EXPECT_FALSE(socket.try_read_message());
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    const auto frame = make_frame(opcode::binary, pattern(1024), std::nullopt);
    byte_buffer together;
    for (std::size_t i = 0; i < frames; ++i) append(together, byte_view{frame});
    const byte_view piece = together;
    co_await socket.async_write_frames({&piece, 1});
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::closed_by_peer);
    co_await socket.async_close(close_code::normal, "");
  };
  run(client(net), server(net));
}

TEST_P(message_sockets, both_sides_may_write_megabytes_before_either_reads) {
  // Reading must not wait for writing: two peers that only wrote would stand still here.
  const auto side = [](message_socket socket) -> task {
    const auto sent = pattern(1048576);
    const auto write = [](message_socket& to, const byte_buffer& bytes) -> task {
      for (int i = 0; i < 8; ++i) co_await to.async_write_message(message_kind::binary, bytes);
    };
    const auto read = [](message_socket& from, const byte_buffer& bytes) -> task {
      for (int i = 0; i < 8; ++i) {
        const auto message = co_await from.async_read_message();
        EXPECT_TRUE(std::ranges::equal(message.payload, bytes));
      }
    };
    co_await (write(socket, sent) && read(socket, sent));
    co_await socket.async_close(close_code::normal, "");
  };
  const auto client = [side](loopback& to) -> task { co_await side(co_await to.connect()); };
  const auto server = [side](loopback& at) -> task { co_await side(co_await at.accept()); };
  run(client(net), server(net));
}

TEST_P(message_sockets, a_message_over_the_limit_ends_with_1009_and_no_reason) {
  net.accepting.socket.limits.max_message_bytes = 1000;
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    co_await socket.async_write_message(message_kind::text, pattern(1000));
    co_await socket.async_write_message(message_kind::text, pattern(1001));
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::closed_by_peer);
    EXPECT_EQ(socket.peer_close(), (close_payload{.code = 1009, .reason = ""}));
    co_await socket.async_close(close_code::normal, "");
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    EXPECT_EQ((co_await socket.async_read_message()).payload.size(), 1000u);
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::message_too_big);
    co_await socket.async_close(close_code::normal, "not sent, 1009 went first");
  };
  run(client(net), server(net));
}

TEST_P(message_sockets, a_bound_holds_until_it_is_taken_back_and_says_what_it_was_given) {
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    for (const std::size_t size : {10U, 11U, 10U, 11U}) {
      co_await socket.async_write_message(message_kind::text, pattern(size));
    }
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::closed_by_peer);
    EXPECT_EQ(socket.peer_close(), (close_payload{.code = 1008, .reason = "too long"}));
    co_await socket.async_close(close_code::normal, "");
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    message_bound bound{.max_bytes = 10, .said = {.code = 1008, .reason = "too long"}};
    socket.bound_messages(bound);
    EXPECT_EQ((co_await socket.async_read_message()).payload.size(), 10u);
    socket.bound_messages(std::nullopt);
    EXPECT_EQ((co_await socket.async_read_message()).payload.size(), 11u);
    socket.bound_messages(bound);
    EXPECT_EQ((co_await socket.async_read_message()).payload.size(), 10u);
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::message_too_big);
    co_await socket.async_close(close_code::normal, "not sent, the other went first");
  };
  run(client(net), server(net));
}

TEST_P(message_sockets, the_reason_text_of_a_close_reaches_the_caller) {
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::closed_by_peer);
    EXPECT_EQ(socket.peer_close(), (close_payload{.code = 1008, .reason = "invalid_token"}));
    const auto [again, still_nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(again, ws_errc::closed_by_peer);
    co_await socket.async_close(close_code::normal, "");
    const auto [late] = co_await socket.async_write_message(message_kind::text, {}, as_result);
    EXPECT_EQ(late, ws_errc::closed_locally);
    co_await socket.async_close(close_code::normal, "");  // a second close has nothing to do
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    co_await socket.async_close(close_code::policy_violation, "invalid_token");
  };
  run(client(net), server(net));
}

TEST(interop_traps, trap_17_an_end_without_close_frame_is_an_ordinary_end) {
  for (const bool tls : {false, true}) {
    boost::asio::io_context context;
    loopback net{context};
    if (tls) net.use_tls();
    const auto client = [](loopback& to) -> task { (co_await to.connect()).abort(); };
    const auto server = [](loopback& at) -> task {
      auto socket = co_await at.accept();
      const auto [error, nothing] = co_await socket.async_read_message(as_result);
      EXPECT_EQ(error, ws_errc::abrupt_end);
      EXPECT_EQ(socket.peer_close(), std::nullopt);
      const auto [closed] = co_await socket.async_close(close_code::normal, "", as_result);
      EXPECT_FALSE(closed);
    };
    run_tasks(context, client(net), server(net));
  }
}

TEST(interop_traps, trap_19_pings_are_answered_and_never_reach_the_application) {
  boost::asio::io_context context;
  loopback net{context};
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.tcp_client();
    co_await upgrade_raw(socket);
    co_await send_raw(socket, make_frame(opcode::ping, as_bytes("still here"), key));
    const auto pong = co_await read_raw(socket);
    EXPECT_EQ(pong.header.op, opcode::pong);
    EXPECT_EQ(as_text(pong.payload), "still here");
    co_await send_raw(socket, make_frame(opcode::pong, as_bytes("unasked"), key));
    co_await send_raw(socket, make_frame(opcode::binary, as_bytes("data"), key));
    (void)co_await read_raw(socket);
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    const auto message = co_await socket.async_read_message();
    EXPECT_EQ(text_of(message), "data");
    socket.abort();
  };
  const auto watched = [client](loopback& to) -> task {
    try {
      co_await client(to);
    } catch (const boost::system::system_error& ended) {
      EXPECT_EQ(ended.code(), boost::asio::error::eof);
    }
  };
  run_tasks(context, watched(net), server(net));
}

TEST(raw_peer, a_ping_is_answered_between_two_frames_of_a_write_under_way_and_only_the_latest) {
  boost::asio::io_context context;
  loopback net{context};
  constexpr std::size_t frames = 400;
  constexpr std::size_t frame_bytes = 65536;
  constexpr int pings = 50;
  bool all_pings_read = false;
  const auto client = [&](loopback& to) -> task {
    auto socket = co_await to.tcp_client();
    co_await upgrade_raw(socket);
    for (int i = 0; i < pings; ++i) {
      co_await send_raw(socket, make_frame(opcode::ping, as_bytes(std::to_string(i)), key));
    }
    co_await send_raw(socket, make_frame(opcode::binary, as_bytes("pings are out"), key));
    while (!all_pings_read) co_await boost::asio::post(boost::asio::use_awaitable);
    std::size_t data = 0;
    std::size_t data_before_last_pong = 0;
    std::vector<std::string> pongs;
    while (data < frames) {
      const auto frame = co_await read_raw(socket);
      if (frame.header.op == opcode::pong) {
        pongs.emplace_back(as_text(frame.payload));
        data_before_last_pong = data;
      } else {
        EXPECT_EQ(frame.payload.size(), frame_bytes);
        ++data;
      }
    }
    EXPECT_FALSE(pongs.empty());
    EXPECT_LT(pongs.size(), static_cast<std::size_t>(pings));
    EXPECT_EQ(pongs.back(), std::to_string(pings - 1));
    EXPECT_LT(data_before_last_pong, frames);
  };
  const auto server = [&](loopback& at) -> task {
    auto socket = co_await at.accept();
    const auto frame = make_frame(opcode::binary, pattern(frame_bytes), std::nullopt);
    const std::vector<byte_view> pieces(frames, byte_view{frame});
    const auto read = [&](message_socket& from) -> task {
      EXPECT_EQ(text_of(co_await from.async_read_message()), "pings are out");
      all_pings_read = true;
    };
    co_await (socket.async_write_frames(pieces, boost::asio::use_awaitable) && read(socket));
  };
  run_tasks(context, client(net), server(net));
}
}  // namespace
}  // namespace flowersec::ws
