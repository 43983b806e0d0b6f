// How message sockets end: violations, closing, cancellation, destruction, silence.
#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "support/standstill.h"
#include "unit/ws/socket_pair.h"

namespace flowersec::ws {
namespace {

using namespace testing;                                         // NOLINT
using namespace boost::asio::experimental::awaitable_operators;  // NOLINT

constexpr mask_key key{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};

TEST(raw_peer, violations_are_told_with_1002_and_a_diagnosis) {
  struct row {
    byte_buffer bytes;
    ws_errc error;
  };
  const row rows[] = {
      {make_frame(opcode::binary, as_bytes("x"), std::nullopt), ws_errc::mask_missing},
      {make_frame(opcode::continuation, as_bytes("x"), key), ws_errc::continuation_unexpected},
      {make_frame(opcode::close, as_bytes("x"), key), ws_errc::close_payload_invalid},
      {make_frame(opcode::close, as_bytes(std::string_view{"\x03\xed", 2}), key), ws_errc::close_code_invalid},
      {make_frame(opcode::close, as_bytes("\x03\xe8\xff"), key), ws_errc::close_payload_invalid},
  };
  for (const auto& [bytes, expected] : rows) {
    boost::asio::io_context context;
    loopback net{context};
    const auto client = [](loopback& to, byte_buffer sent) -> task {
      auto socket = co_await to.tcp_client();
      co_await upgrade_raw(socket);
      co_await send_raw(socket, sent);
      const auto close = co_await read_raw(socket);
      EXPECT_EQ(close.header.op, opcode::close);
      const auto said = parse_close_payload(close.payload);
      EXPECT_EQ(said->code, 1002);
      EXPECT_FALSE(said->reason.empty());
    };
    const auto server = [](loopback& at, ws_errc what) -> task {
      auto socket = co_await at.accept();
      const auto [error, nothing] = co_await socket.async_read_message(as_result);
      EXPECT_EQ(error, what);
      co_await socket.async_close(close_code::normal, "");
    };
    run_tasks(context, client(net, bytes), server(net, expected));
  }
}

TEST(raw_peer, a_close_is_echoed_once_with_its_code_and_no_reason) {
  boost::asio::io_context context;
  loopback net{context};
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.tcp_client();
    co_await upgrade_raw(socket);
    const auto payload = encode_close_payload({.code = 4001, .reason = "because"});
    co_await send_raw(socket, make_frame(opcode::close, payload, key));
    const auto echo = co_await read_raw(socket);
    EXPECT_EQ(echo.header.op, opcode::close);
    EXPECT_EQ(parse_close_payload(echo.payload).value(), (close_payload{.code = 4001, .reason = ""}));
    std::byte more;
    const auto [error, bytes] = co_await boost::asio::async_read(socket, boost::asio::buffer(&more, 1), as_result);
    EXPECT_EQ(error, boost::asio::error::eof);
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::closed_by_peer);
    EXPECT_EQ(socket.peer_close(), (close_payload{.code = 4001, .reason = "because"}));
    co_await socket.async_close(close_code::normal, "");
  };
  run_tasks(context, client(net), server(net));
}

TEST(raw_peer, a_server_that_ends_says_going_away_where_it_would_close_normally) {
  for (const auto& [ending, code, told] :
       {std::tuple{true, close_code::normal, 1001}, std::tuple{false, close_code::normal, 1000},
        std::tuple{true, close_code::policy_violation, 1008}}) {
    boost::asio::io_context context;
    loopback net{context};
    const auto flag = std::make_shared<std::atomic<bool>>(false);
    net.accepting.socket.going_away = flag;
    const auto client = [](loopback& to, int expected) -> task {
      auto socket = co_await to.tcp_client();
      co_await upgrade_raw(socket);
      const auto close = co_await read_raw(socket);
      EXPECT_EQ(parse_close_payload(close.payload)->code, expected);
    };
    const auto server = [](loopback& at, std::shared_ptr<std::atomic<bool>> ends, bool value, close_code with) -> task {
      auto socket = co_await at.accept();
      *ends = value;
      co_await socket.async_close(with, "");
    };
    run_tasks(context, client(net, told), server(net, flag, ending, code));
  }
}

TEST(raw_peer, a_close_that_is_never_answered_ends_at_its_time_limit) {
  boost::asio::io_context context;
  loopback net{context};
  net.accepting.socket.close_timeout = std::chrono::milliseconds{30};
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.tcp_client();
    co_await upgrade_raw(socket);
    EXPECT_EQ((co_await read_raw(socket)).header.op, opcode::close);
    std::byte more;
    const auto [error, bytes] = co_await boost::asio::async_read(socket, boost::asio::buffer(&more, 1), as_result);
    EXPECT_TRUE(error);
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    const auto [error] = co_await socket.async_close(close_code::normal, "", as_result);
    EXPECT_EQ(error, boost::asio::error::timed_out);
  };
  run_tasks(context, client(net), server(net));
}

TEST(raw_peer, a_close_does_not_read_for_ever_from_a_peer_that_goes_on_sending) {
  boost::asio::io_context context;
  loopback net{context};
  net.accepting.socket.max_close_drain_bytes = 100'000;
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.tcp_client();
    co_await upgrade_raw(socket);
    const auto frame = make_frame(opcode::binary, byte_buffer(50'000), key);
    boost::system::error_code ended;
    while (!ended) {
      const auto [error, bytes] = co_await boost::asio::async_write(socket, boost::asio::buffer(frame), as_result);
      ended = error;
    }
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    const auto [error] = co_await socket.async_close(close_code::normal, "", as_result);
    EXPECT_EQ(error, boost::asio::error::timed_out);
  };
  run_tasks(context, client(net), server(net));
}

TEST(raw_peer, frames_that_come_with_the_upgrade_are_not_lost) {
  boost::asio::io_context context;
  loopback net{context};
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.tcp_client();
    std::string early{as_text(make_frame(opcode::text, as_bytes("first"), key))};
    early += as_text(make_frame(opcode::text, as_bytes("second"), key));
    early += as_text(make_frame(opcode::text, as_bytes("third, cut"), key)).substr(0, 5);
    co_await upgrade_raw(socket, early);
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    EXPECT_EQ(text_of(co_await socket.async_read_message()), "first");
    const auto second = socket.try_read_message();
    EXPECT_TRUE(second);
    EXPECT_EQ(text_of(*second), "second");
    EXPECT_FALSE(socket.try_read_message());
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::abrupt_end);
  };
  run_tasks(context, client(net), server(net));
}

TEST(cancellation, of_a_read_leaves_the_connection_whole) {
  boost::asio::io_context context;
  loopback net{context};
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    boost::asio::cancellation_signal stop;
    const auto cancel = [](boost::asio::cancellation_signal& signal) -> task {
      signal.emit(boost::asio::cancellation_type::total);
      co_return;
    };
    const auto read = [](message_socket& from, boost::asio::cancellation_slot slot) -> task {
      const auto [error, nothing] =
          co_await from.async_read_message(boost::asio::bind_cancellation_slot(slot, as_result));
      EXPECT_EQ(error, boost::asio::error::operation_aborted);
    };
    co_await (read(socket, stop.slot()) && cancel(stop));
    co_await socket.async_write_message(message_kind::text, as_bytes("ping"));
    EXPECT_EQ(text_of(co_await socket.async_read_message()), "ping");
    co_await socket.async_close(close_code::normal, "");
  };
  run_tasks(context, client(net), echo_until_closed(net));
}

TEST(cancellation, of_a_write_ends_the_connection) {
  boost::asio::io_context context;
  loopback net{context};
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    const auto frame = make_frame(opcode::binary, byte_buffer(65536), key);
    const std::vector<byte_view> pieces(1000, byte_view{frame});
    boost::asio::cancellation_signal stop;
    const auto cancel = [](boost::asio::cancellation_signal& signal) -> task {
      signal.emit(boost::asio::cancellation_type::terminal);
      co_return;
    };
    const auto write = [&pieces](message_socket& into, boost::asio::cancellation_slot slot) -> task {
      const auto [error] =
          co_await into.async_write_frames(pieces, boost::asio::bind_cancellation_slot(slot, as_result));
      EXPECT_EQ(error, boost::asio::error::operation_aborted);
    };
    co_await (write(socket, stop.slot()) && cancel(stop));
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_TRUE(error);
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    while (true) {
      const auto [error, message] = co_await socket.async_read_message(as_result);
      if (error) break;
    }
  };
  run_tasks(context, client(net), server(net));
}

TEST(destruction, completes_what_is_pending) {
  boost::asio::io_context context;
  loopback net{context};
  const auto client = [](loopback& to) -> task {
    auto socket = std::make_unique<message_socket>(co_await to.connect());
    const auto destroy = [](std::unique_ptr<message_socket>& doomed) -> task {
      doomed.reset();
      co_return;
    };
    const auto read = [](message_socket& from) -> task {
      const auto [error, nothing] = co_await from.async_read_message(as_result);
      EXPECT_EQ(error, boost::asio::error::operation_aborted);
    };
    co_await (read(*socket) && destroy(socket));
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::abrupt_end);
  };
  run_tasks(context, client(net), server(net));
}

/// Answers three pings and not the fourth. What was wrong.
std::string answer_three_pings() {
  boost::asio::io_context context;
  loopback net{context};
  net.accepting.socket.ping_after = std::chrono::milliseconds{300};
  int heard = 0;
  const auto client = [&heard](loopback& to) -> task {
    auto socket = co_await to.tcp_client();
    co_await upgrade_raw(socket);
    try {
      while (heard < 4) {
        if (heard != 0) co_await send_raw(socket, make_frame(opcode::pong, {}, key));
        EXPECT_EQ((co_await read_raw(socket)).header.op, opcode::ping);
        ++heard;
      }
    } catch (const boost::system::system_error&) {
      co_return;  // given up before
    }
    std::byte more;
    const auto [error, bytes] = co_await boost::asio::async_read(socket, boost::asio::buffer(&more, 1), as_result);
    EXPECT_EQ(error, boost::asio::error::eof);
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::peer_silent);
  };
  run_tasks(context, client(net), server(net));
  return heard == 4 ? "" : "given up after " + std::to_string(heard) + " pings";
}

// Both ends share a thread. Held up for as long as a ping waits, neither has answered when the time is over.
TEST(keep_alive, a_peer_that_answers_stays_and_one_that_does_not_is_given_up) {
  flowersec::testing::expect_when_undisturbed(std::chrono::milliseconds{100}, answer_three_pings);
}

TEST(keep_alive, with_a_silence_limit_pings_go_out_while_the_peer_speaks) {
  boost::asio::io_context context;
  loopback net{context};
  net.accepting.socket.ping_after = std::chrono::milliseconds{10};
  net.accepting.socket.silence_limit = std::chrono::seconds{10};
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.tcp_client();
    co_await upgrade_raw(socket);
    for (int heard = 0; heard < 4; ++heard) {
      EXPECT_EQ((co_await read_raw(socket)).header.op, opcode::ping);
      co_await send_raw(socket, make_frame(opcode::text, as_bytes("data, never a pong"), key));
    }
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    for (int heard = 0; heard < 4; ++heard) co_await socket.async_read_message();
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::abrupt_end);
  };
  run_tasks(context, client(net), server(net));
}

TEST(keep_alive, several_pings_fit_into_the_silence_that_ends_a_connection) {
  boost::asio::io_context context;
  loopback net{context};
  net.accepting.socket.ping_after = std::chrono::milliseconds{200};
  constexpr std::chrono::milliseconds silence{2000};
  net.accepting.socket.silence_limit = silence;
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.tcp_client();
    co_await upgrade_raw(socket);
    std::string pings;
    co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(pings), as_result);
    EXPECT_GE(pings.size(), 2u * 2);  // an unmasked ping without payload has two bytes
    EXPECT_LE(pings.size(), 9u * 2);
  };
  const auto server = [silence](loopback& at) -> task {
    const auto begin = std::chrono::steady_clock::now();
    auto socket = co_await at.accept();
    const auto [error, nothing] = co_await socket.async_read_message(as_result);
    EXPECT_EQ(error, ws_errc::peer_silent);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, silence);
  };
  run_tasks(context, client(net), server(net));
}

/// Says nothing for longer than the other end's limit: its pongs and our pings are all there is. What was wrong.
std::string exchange_pings_only() {
  boost::asio::io_context context;
  loopback net{context};
  net.accepting.socket.silence_limit = std::chrono::milliseconds{400};
  net.connecting.socket.ping_after = std::chrono::milliseconds{10};
  net.connecting.socket.silence_limit = std::chrono::seconds{10};
  std::string heard;
  const auto client = [&heard](loopback& to) -> task {
    auto socket = co_await to.connect();
    boost::asio::steady_timer idle{socket.get_executor(), std::chrono::milliseconds{900}};
    const auto read = [&heard](message_socket& from) -> task {
      const auto [error, message] = co_await from.async_read_message(as_result);
      heard = error ? error.message() : text_of(message);
    };
    const auto speak = [](boost::asio::steady_timer& pause, message_socket& into) -> task {
      co_await pause.async_wait(boost::asio::use_awaitable);
      co_await into.async_write_message(message_kind::text, as_bytes("still here"), as_result);
    };
    co_await (read(socket) && speak(idle, socket));
    co_await socket.async_close(close_code::normal, "", as_result);
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    while (true) {
      const auto [error, message] = co_await socket.async_read_message(as_result);
      if (error) break;
      co_await socket.async_write_message(message.kind, message.payload, as_result);
    }
  };
  run_tasks(context, client(net), server(net));
  return heard == "still here" ? "" : heard;
}

TEST(keep_alive, a_pong_is_enough_to_stay_and_a_limit_alone_never_pings) {
  flowersec::testing::expect_when_undisturbed(std::chrono::milliseconds{100}, exchange_pings_only);
}

TEST(socket_options, are_checked) {
  EXPECT_TRUE(socket_options{}.validate());
  const std::chrono::milliseconds one{1};
  const std::chrono::milliseconds two{2};
  EXPECT_TRUE((socket_options{.silence_limit = one}.validate()));
  EXPECT_TRUE((socket_options{.ping_after = one, .silence_limit = two}.validate()));
  EXPECT_FALSE((socket_options{.ping_after = one, .silence_limit = one}.validate()));
  EXPECT_FALSE((socket_options{.silence_limit = std::chrono::milliseconds{0}}.validate()));
  EXPECT_FALSE((socket_options{.ping_after = std::chrono::milliseconds{0}}.validate()));
  EXPECT_FALSE((socket_options{.close_timeout = std::chrono::milliseconds{0}}.validate()));
  EXPECT_FALSE((socket_options{.limits = {.max_message_bytes = 0}}.validate()));
}

}  // namespace
}  // namespace flowersec::ws
