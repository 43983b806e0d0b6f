// A session over a real loopback WebSocket: streams, RPC, pings, ends.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "direct_fixture.h"

namespace flowersec::testing {
namespace {

using endpoint::describe_error;
using endpoint::endpoint_errc;

TEST(direct_session, bytes_written_to_a_stream_arrive_and_fin_ends_them) {
  with_session([](both ends) -> awaitable<void> {
    auto out = co_await ends.client.async_open_stream("  echo ");
    const std::string text(300'000, 'x');  // more than one window
    asio::co_spawn(
        co_await asio::this_coro::executor,
        [](endpoint::session server) -> awaitable<void> {
          auto rpc = co_await server.async_accept_stream();
          EXPECT_EQ(rpc.kind, "rpc");
          auto in = co_await server.async_accept_stream();
          EXPECT_EQ(in.kind, "echo");
          std::vector<char> block(10'000);
          for (;;) {
            auto [failed, n] = co_await in.stream.async_read_some(asio::buffer(block), with_error);
            if (failed == asio::error::eof) break;
            EXPECT_FALSE(failed);
            co_await asio::async_write(in.stream, asio::buffer(block, n), endpoint::default_token{});
          }
          co_await in.stream.async_shutdown_send();
        }(ends.server),
        asio::detached);
    auto [write_failed, written] = co_await asio::async_write(out, asio::buffer(text.substr(0, 200'000)), with_error);
    EXPECT_FALSE(write_failed);
    EXPECT_EQ(written, 200'000u);
    co_await out.async_shutdown_send();
    std::string back;
    auto [read_failed, n] = co_await asio::async_read(out, asio::dynamic_buffer(back), with_error);
    EXPECT_EQ(read_failed, asio::error::eof);
    EXPECT_EQ(back, text.substr(0, 200'000));
    co_await ends.client.async_close();
  });
}

/// The next stream of this kind.
awaitable<flowersec::stream> accept_kind(endpoint::session server, std::string kind) {
  for (;;) {
    auto in = co_await server.async_accept_stream();
    if (in.kind == kind) co_return std::move(in.stream);
  }
}

TEST(stream, a_pending_read_can_be_cancelled_and_nothing_is_lost) {
  with_session([](both ends) -> awaitable<void> {
    auto mine = co_await ends.client.async_open_stream("x");
    auto theirs = co_await accept_kind(ends.server, "x");
    asio::cancellation_signal signal;
    asio::experimental::channel<void(error_code, error_code)> done{co_await asio::this_coro::executor, 1};
    std::array<char, 8> block{};
    mine.async_read_some(asio::buffer(block),
                         asio::bind_cancellation_slot(signal.slot(), [&](error_code failed, std::size_t) {
                           done.try_send(error_code{}, failed);
                         }));
    co_await ends.client.async_probe();
    signal.emit(asio::cancellation_type::partial);
    EXPECT_EQ(co_await done.async_receive(endpoint::default_token{}), asio::error::operation_aborted);
    co_await asio::async_write(theirs, asio::buffer("still here", 10), endpoint::default_token{});
    std::string text(10, ' ');
    co_await asio::async_read(mine, asio::buffer(text), endpoint::default_token{});
    EXPECT_EQ(text, "still here");
  });
}

TEST(interop_traps, trap_16_a_writer_whose_peer_does_not_read_has_a_way_out) {
  with_session([](both ends) -> awaitable<void> {
    auto mine = co_await ends.client.async_open_stream("x");
    auto theirs = co_await accept_kind(ends.server, "x");
    asio::cancellation_signal signal;
    asio::experimental::channel<void(error_code, std::size_t)> done{co_await asio::this_coro::executor, 1};
    const std::string much(1'000'000, 'x');
    asio::async_write(mine, asio::buffer(much),
                      asio::bind_cancellation_slot(signal.slot(), [&](error_code failed, std::size_t n) {
                        done.try_send(failed == asio::error::operation_aborted ? error_code{} : failed, n);
                      }));
    // Each leaves in a batch of its own, in front of up to 64 KiB: after five the window is used up.
    for (int i = 0; i < 5; ++i) co_await ends.client.async_probe();
    signal.emit(asio::cancellation_type::terminal);
    // The window is 262144 bytes, of which the hello took 22.
    EXPECT_EQ(co_await done.async_receive(endpoint::default_token{}), 262'122u);
    co_await ends.client.async_probe();  // the session lives
    // And the other way out: the peer gives the stream up.
    asio::async_write(mine, asio::buffer(much), [&](error_code failed, std::size_t) {
      done.try_send(failed == asio::error::connection_reset ? error_code{} : failed, 0);
    });
    theirs.reset();
    co_await done.async_receive(endpoint::default_token{});
  });
}

TEST(stream, refuses_what_makes_no_sense) {
  with_session([](both ends) -> awaitable<void> {
    flowersec::stream none;
    std::array<char, 8> block{};
    auto [no_stream, n0] = co_await none.async_read_some(asio::buffer(block), with_error);
    EXPECT_EQ(no_stream, asio::error::bad_descriptor);

    auto mine = co_await ends.client.async_open_stream("x");
    auto theirs = co_await accept_kind(ends.server, "x");
    mine.async_read_some(asio::buffer(block), asio::detached);
    auto [second, n1] = co_await mine.async_read_some(asio::buffer(block), with_error);
    EXPECT_EQ(second, asio::error::already_started);
    mine.cancel();
    auto [empty, n2] = co_await mine.async_write_some(asio::const_buffer{}, with_error);
    EXPECT_FALSE(empty);
    co_await mine.async_shutdown_send();
    co_await mine.async_shutdown_send();  // harmless
    auto [closed, n3] = co_await mine.async_write_some(asio::buffer("x", 1), with_error);
    EXPECT_EQ(closed, asio::error::shut_down);
    auto [end, n4] = co_await theirs.async_read_some(asio::buffer(block), with_error);
    EXPECT_EQ(end, asio::error::eof);
    auto [again, n5] = co_await theirs.async_read_some(asio::buffer(block), with_error);
    EXPECT_EQ(again, asio::error::eof);
    theirs.reset();
    auto [reset, n6] = co_await mine.async_read_some(asio::buffer(block), with_error);
    EXPECT_EQ(reset, asio::error::connection_reset);
  });
}

TEST(stream, letting_go_after_half_closing_still_delivers) {
  with_session([](both ends) -> awaitable<void> {
    {
      auto mine = co_await ends.client.async_open_stream("x");
      co_await asio::async_write(mine, asio::buffer("all of it", 9), endpoint::default_token{});
      co_await mine.async_shutdown_send();
    }
    auto theirs = co_await accept_kind(ends.server, "x");
    std::string text;
    auto [failed, n] = co_await asio::async_read(theirs, asio::dynamic_buffer(text), with_error);
    EXPECT_EQ(failed, asio::error::eof);
    EXPECT_EQ(text, "all of it");
  });
}

TEST(stream, letting_go_of_an_open_one_resets_it) {
  with_session([](both ends) -> awaitable<void> {
    auto mine = co_await ends.client.async_open_stream("x");
    { auto theirs = co_await accept_kind(ends.server, "x"); }
    std::array<char, 8> block{};
    auto [failed, n] = co_await mine.async_read_some(asio::buffer(block), with_error);
    EXPECT_EQ(failed, asio::error::connection_reset);
  });
}

TEST(stream, gathers_a_buffer_sequence_into_one_write) {
  with_session([](both ends) -> awaitable<void> {
    auto mine = co_await ends.client.async_open_stream("x");
    auto theirs = co_await accept_kind(ends.server, "x");
    const std::array<asio::const_buffer, 4> pieces{asio::buffer("ab", 2), asio::const_buffer{}, asio::buffer("c", 1),
                                                   asio::buffer("def", 3)};
    EXPECT_EQ(co_await mine.async_write_some(pieces), 6u);
    std::string text(6, ' ');
    co_await asio::async_read(theirs, asio::buffer(text), endpoint::default_token{});
    EXPECT_EQ(text, "abcdef");
  });
}

TEST(session, refuses_an_empty_kind_and_one_stream_too_many) {
  with_session([](both ends) -> awaitable<void> {
    auto [blank, none] = co_await ends.client.async_open_stream(" \t", with_error);
    EXPECT_EQ(blank, endpoint_errc::missing_stream_kind);
    // All at once: the peer takes no more than 32, and what it refuses makes room again.
    std::vector<flowersec::stream> streams;
    std::vector<error_code> refused;
    for (int i = 0; i < 64; ++i) {
      ends.client.async_open_stream("x", [&](error_code failed, flowersec::stream opened) {
        failed ? refused.push_back(failed) : streams.push_back(std::move(opened));
      });
    }
    co_await ends.client.async_probe();
    EXPECT_EQ(streams.size(), 63u);  // and the rpc stream
    EXPECT_EQ(refused.size(), 1u);
    for (const auto& why : refused) EXPECT_EQ(to_string(*describe_error(why)), "direct: yamux/resource_exhausted");
    co_await ends.client.async_probe();
  });
}

TEST(session, a_stream_of_a_kind_that_nobody_serves_is_reset) {
  with_session([](both ends) -> awaitable<void> {
    ends.server.async_serve(endpoint::stream_router{}, asio::detached);
    auto mine = co_await ends.client.async_open_stream("unknown");
    std::array<char, 8> block{};
    auto [failed, n] = co_await mine.async_read_some(asio::buffer(block), with_error);
    EXPECT_EQ(failed, asio::error::connection_reset);
    co_await ends.client.async_probe();
  });
}

TEST(session, serving_ends_well_when_it_is_closed_here_and_with_an_error_otherwise) {
  with_session([](both ends) -> awaitable<void> {
    asio::experimental::channel<void(error_code, error_code)> served{co_await asio::this_coro::executor, 2};
    ends.server.async_serve({}, [&](error_code failed) { served.try_send(error_code{}, failed); });
    co_await ends.server.async_close();
    EXPECT_FALSE(co_await served.async_receive(endpoint::default_token{}));
    ends.client.async_serve({}, [&](error_code failed) { served.try_send(error_code{}, failed); });
    EXPECT_EQ(co_await served.async_receive(endpoint::default_token{}), endpoint_errc::accept_stream_failed);
  });
}

TEST(session, handlers_under_way_are_cancelled_when_serving_ends) {
  with_session([](both ends) -> awaitable<void> {
    asio::experimental::channel<void(error_code, error_code)> seen{co_await asio::this_coro::executor, 1};
    ends.server.async_serve(endpoint::stream_router{}.on("wait",
                                                         [&](flowersec::stream on) -> awaitable<void> {
                                                           std::array<char, 1> block{};
                                                           auto [failed, n] = co_await on.async_read_some(
                                                               asio::buffer(block), with_error);
                                                           seen.try_send(error_code{}, failed);
                                                         }),
                            asio::detached);
    auto mine = co_await ends.client.async_open_stream("wait");
    co_await ends.client.async_probe();
    co_await ends.client.async_close();
    EXPECT_TRUE(co_await seen.async_receive(endpoint::default_token{}));
  });
}

TEST(session, accepting_can_be_cancelled_and_no_stream_is_lost) {
  with_session([](both ends) -> awaitable<void> {
    asio::cancellation_signal signal;
    static_cast<void>(co_await ends.server.async_accept_stream());  // rpc
    asio::experimental::channel<void(error_code, error_code)> done{co_await asio::this_coro::executor, 1};
    ends.server.async_accept_stream(asio::bind_cancellation_slot(
        signal.slot(), [&](error_code failed, endpoint::incoming_stream) { done.try_send(error_code{}, failed); }));
    auto [busy, none] = co_await ends.server.async_accept_stream(with_error);
    EXPECT_EQ(busy, endpoint_errc::accept_stream_failed);
    signal.emit(asio::cancellation_type::total);
    EXPECT_EQ(co_await done.async_receive(endpoint::default_token{}), endpoint_errc::canceled);
    auto mine = co_await ends.client.async_open_stream("later");
    EXPECT_EQ((co_await ends.server.async_accept_stream()).kind, "later");
  });
}

TEST(session, may_have_any_length_of_time_to_be_connected) {
  for (const auto time : {std::chrono::milliseconds::max(), std::chrono::milliseconds::max() / 2}) {
    auto options = dial_options();
    options.connect_timeout = time;
    with_session([](both ends) -> awaitable<void> { co_await ends.client.async_probe(); }, options);
  }
}

TEST(session, comes_up_without_a_time_out_of_the_handshake) {
  auto dialled = dial_options();
  auto accepted = listening();
  dialled.common.session.handshake_timeout = accepted.common.session.handshake_timeout = 0ms;
  with_session([](both ends) -> awaitable<void> { co_await ends.client.async_probe(); }, dialled, accepted);
}

TEST(session, pings_rekeys_and_probes) {
  with_session([](both ends) -> awaitable<void> {
    for (auto* end : {&ends.client, &ends.server}) {
      co_await end->async_ping();
      co_await end->async_rekey();
      EXPECT_GT(co_await end->async_probe(), 0ns);
    }
    EXPECT_EQ(ends.client.path(), endpoint::path::direct);
    EXPECT_EQ(ends.client.role(), endpoint::role::client);
    EXPECT_EQ(ends.server.role(), endpoint::role::server);
  });
}

TEST(session, everything_fails_with_its_code_after_the_end) {
  with_session([](both ends) -> awaitable<void> {
    co_await ends.client.async_close();
    co_await ends.client.async_close();  // harmless
    auto [open, s] = co_await ends.client.async_open_stream("x", with_error);
    EXPECT_EQ(to_string(*describe_error(open)), "direct: yamux/not_connected");
    auto [ping] = co_await ends.client.async_ping(with_error);
    EXPECT_EQ(to_string(*describe_error(ping)), "direct: secure/not_connected");
    auto [rekey] = co_await ends.client.async_rekey(with_error);
    EXPECT_EQ(to_string(*describe_error(rekey)), "direct: secure/not_connected");
    auto [probe, t] = co_await ends.client.async_probe(with_error);
    EXPECT_EQ(to_string(*describe_error(probe)), "direct: yamux/not_connected");
    auto [call, r] = co_await ends.client.async_call(1, "{}", with_error);
    EXPECT_EQ(to_string(*describe_error(call)), "direct: rpc/not_connected");
    auto [accept, i] = co_await ends.client.async_accept_stream(with_error);
    EXPECT_EQ(to_string(*describe_error(accept)), "direct: yamux/accept_stream_failed");
  });
}

TEST(session, a_handle_without_a_session_fails_everything) {
  asio::io_context context;
  const auto whole = []() -> awaitable<void> {
    endpoint::session none;
    EXPECT_FALSE(none);
    auto [open, s] = co_await none.async_open_stream("x", with_error);
    EXPECT_EQ(open, endpoint_errc::not_connected);
    auto [close] = co_await none.async_close(with_error);
    EXPECT_EQ(close, endpoint_errc::not_connected);
    auto [serve] = co_await none.async_serve({}, with_error);
    EXPECT_EQ(serve, endpoint_errc::accept_stream_failed);
  };
  run(context, whole());
}

TEST(session, both_sides_learn_how_it_ended) {
  with_session([](both ends) -> awaitable<void> {
    co_await ends.client.async_close();
    const auto here = co_await ends.client.async_wait_end();
    EXPECT_TRUE(here.closed_here);
    const auto there = co_await ends.server.async_wait_end();
    EXPECT_FALSE(there.closed_here);
    EXPECT_EQ(to_string(there.info), "direct: close/not_connected");
    EXPECT_TRUE(there.cause);
  });
}

TEST(session, dropping_the_last_handle_closes_it_and_a_copy_keeps_it) {
  with_session([](both ends) -> awaitable<void> {
    auto copy = ends.client;
    ends.client = {};
    co_await copy.async_probe();
    copy = {};
    const auto there = co_await ends.server.async_wait_end();
    EXPECT_FALSE(there.closed_here);
  });
}

TEST(session, what_was_written_before_closing_reaches_a_reader_that_waits) {
  with_session([](both ends) -> awaitable<void> {
    auto mine = co_await ends.client.async_open_stream("x");
    auto theirs = co_await accept_kind(ends.server, "x");
    mine.async_write_some(asio::buffer("last words", 10), asio::detached);
    ends.client.async_close(asio::detached);
    std::string text(10, ' ');
    auto [failed, n] = co_await asio::async_read(theirs, asio::buffer(text), with_error);
    EXPECT_EQ(text.substr(0, n), "last words");
  });
}

}  // namespace
}  // namespace flowersec::testing
