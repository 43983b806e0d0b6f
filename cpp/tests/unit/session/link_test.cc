// The runner of a session: what becomes of reads and writes when limits, cancellation and the end come in between.
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <functional>

#include "flowersec/record/errc.h"
#include "support/link_pair.h"
#include "support/standstill.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
namespace net_error = boost::asio::error;
using session::session_errc;

machine_options client_with(const std::function<void(session::session_options&)>& change) {
  auto options = client_options_of();
  change(options.session);
  return options;
}

const std::string much(400'000, 'x');

// ---- limits on what is written

TEST(link_writes, take_what_the_streams_queue_holds_and_the_stream_lives) {
  for (const std::size_t limit : {1'000u, 100'000u, 262'121u}) {
    SCOPED_TRACE(limit);
    link_pair pair{client_with([limit](auto& options) { options.yamux.max_stream_write_queue_bytes = limit; })};
    auto [near, far] = pair.open();
    const auto written = pair.write(near, as_bytes(much));
    ASSERT_TRUE(*written);
    EXPECT_FALSE((*written)->failed) << (*written)->failed.message();
    EXPECT_EQ((*written)->bytes, limit);
    EXPECT_EQ(pair.read_all(far).text.size(), (*written)->bytes);
  }
}

/// A stream whose hello fills its queue and cannot leave yet.
struct blocked_stream {
  blocked_stream() {
    pair.client.pipe->hold();
    ahead = pair.open_here("abc");  // under way as long as the pipe is held
    near = pair.open_here("xyz");
  }
  /// Lets everything through and returns the other end.
  flowersec::stream let_through() {
    flowersec::stream far;
    pair.client.pipe->release();
    for (int i = 0; i < 3; ++i) {
      pair.server.link->accept({[&far](error_code failed, session::incoming_stream in) {
                                  if (!failed && in.kind == "xyz") far = std::move(in.stream);
                                },
                                pair.context.get_executor()});
      pair.poll();
    }
    return far;
  }

  // {"kind":"xyz","v":1} behind four bytes of length, and the hello of the rpc stream is as long.
  link_pair pair{client_with([](auto& options) { options.yamux.max_stream_write_queue_bytes = 24; })};
  flowersec::stream ahead;
  flowersec::stream near;
};

TEST(link_writes, wait_while_the_hello_fills_the_queue) {
  blocked_stream blocked;
  const auto written = blocked.pair.write(blocked.near, as_bytes("0123456789"));
  EXPECT_FALSE(*written);
  auto far = blocked.let_through();
  ASSERT_TRUE(far);
  ASSERT_TRUE(*written);
  EXPECT_FALSE((*written)->failed) << (*written)->failed.message();
  EXPECT_EQ((*written)->bytes, 10u);
  EXPECT_EQ(blocked.pair.read_all(far).text, "0123456789");
}

TEST(link_writes, that_wait_leave_before_the_half_is_closed_behind_them) {
  blocked_stream blocked;
  const auto written = blocked.pair.write(blocked.near, as_bytes("0123456789"));
  blocked.pair.shutdown(blocked.near);
  auto far = blocked.let_through();
  ASSERT_TRUE(far);
  ASSERT_TRUE(*written);
  EXPECT_EQ((*written)->bytes, 10u);
  const auto all = blocked.pair.read_all(far);
  EXPECT_EQ(all.text, "0123456789");
  EXPECT_EQ(all.end, net_error::eof);
}

TEST(link_writes, that_wait_can_be_cancelled_and_the_stream_stays_usable) {
  blocked_stream blocked;
  const auto given_up = blocked.pair.write(blocked.near, as_bytes("given up"));
  blocked.near.cancel();
  blocked.pair.poll();
  ASSERT_TRUE(*given_up);
  EXPECT_EQ((*given_up)->failed, net_error::operation_aborted);
  const auto sent = blocked.pair.write(blocked.near, as_bytes("sent"));
  auto far = blocked.let_through();
  ASSERT_TRUE(far);
  ASSERT_TRUE(*sent);
  EXPECT_EQ(blocked.pair.read_all(far).text, "sent");
}

TEST(link_writes, that_wait_and_are_cancelled_behind_a_half_close_reset_the_stream) {
  blocked_stream blocked;
  const auto given_up = blocked.pair.write(blocked.near, as_bytes("given up"));
  blocked.pair.shutdown(blocked.near);
  blocked.near.cancel();
  blocked.pair.poll();
  ASSERT_TRUE(*given_up);
  auto far = blocked.let_through();
  // The reset may overtake the hello; a stream that never arrives is as good as a reset one.
  if (far) {
    EXPECT_EQ(blocked.pair.read_all(far).end, net_error::connection_reset);
  }
}

TEST(link_writes, share_the_sessions_budget_and_one_byte_more_is_refused) {
  constexpr std::size_t budget = 40;
  link_pair pair{client_with([](auto& options) { options.record.max_outbound_buffered_bytes = budget; })};
  std::vector<flowersec::stream> streams;
  for (int i = 0; i < 40; ++i) streams.push_back(pair.open_here("x"));
  pair.client.pipe->hold();
  const auto on_its_way = pair.write(streams[0], as_bytes(much));
  ASSERT_TRUE(*on_its_way);
  std::vector<link_pair::pending> waiting;
  error_code refused;
  std::size_t refused_at = 0;
  for (std::size_t i = 1; i < streams.size() && !refused; ++i) {
    const auto written = pair.write(streams[i], as_bytes(much));
    refused_at = i;
    *written ? static_cast<void>(refused = (*written)->failed) : waiting.push_back(written);
  }
  EXPECT_EQ(refused, record::record_errc::outbound_overflow);
  EXPECT_GT(refused_at, 16u) << "one stream may not take it all";
  pair.client.pipe->release();
  pair.poll();
  std::size_t accepted = 0;
  for (const auto& written : waiting) {
    ASSERT_TRUE(*written);
    EXPECT_FALSE((*written)->failed);
    accepted += (*written)->bytes;
  }
  EXPECT_EQ(accepted, budget);
  const auto again = pair.write(streams[refused_at], as_bytes("again"));
  ASSERT_TRUE(*again) << "the stream lives";
  EXPECT_FALSE((*again)->failed);
}

// ---- what the peer may take for complete

TEST(interop_traps, trap_16_a_write_given_up_behind_a_half_close_is_a_reset_and_not_an_end) {
  for (const bool destroy : {false, true}) {
    SCOPED_TRACE(destroy);
    link_pair pair;
    auto [near, far] = pair.open();
    const auto first = pair.write(near, as_bytes(much).first(262'122));  // what the window holds
    ASSERT_TRUE(*first);
    const auto second = pair.write(near, as_bytes(much).first(1'000));
    EXPECT_FALSE(*second) << "the peer has not read";
    pair.shutdown(near);
    destroy ? static_cast<void>(near = {}) : near.cancel();
    pair.poll();
    ASSERT_TRUE(*second);
    EXPECT_EQ((*second)->failed, net_error::operation_aborted);
    EXPECT_EQ(pair.read_all(far).end, net_error::connection_reset);
  }
}

TEST(link_writes, that_are_out_are_followed_by_the_end_of_the_half) {
  link_pair pair;
  auto [near, far] = pair.open();
  ASSERT_TRUE(*pair.write(near, as_bytes(much).first(1'000)));
  pair.shutdown(near);
  near.cancel();
  near = {};
  pair.poll();
  const auto all = pair.read_all(far);
  EXPECT_EQ(all.text.size(), 1'000u);
  EXPECT_EQ(all.end, net_error::eof);
}

// ---- what is reported

std::vector<session::incident> just(session::incident what) { return {std::move(what)}; }

TEST(link_reports, a_hello_that_does_not_come_in_time) {
  auto options = link_pair::live_server_options();
  options.session.hello_timeout = 20ms;
  // A record for every frame, so that the SYN arrives without the hello.
  link_pair pair{client_with([](auto& o) { o.record.outbound_record_chunk_bytes = 512; }), std::move(options)};
  pair.client.pipe->lose_after(1);
  const auto near = pair.open_here("x");
  pair.run_until([&] { return !pair.server.reported.empty(); });
  EXPECT_EQ(pair.server.reported, just(session_errc::hello_timeout));
  EXPECT_TRUE(pair.client.reported.empty());
}

TEST(link_reports, a_hello_that_is_not_valid) {
  link_pair pair;
  const auto near = pair.open_here("\xff");  // no text in any encoding of JSON
  EXPECT_EQ(pair.server.reported, just(session_errc::hello_invalid));
}

TEST(link_reports, a_stream_that_is_refused_and_the_peer_sees_a_reset) {
  link_pair pair;
  auto [near, far] = pair.open();
  pair.server.link->refuse(std::move(far), session_errc::no_handler);
  pair.poll();
  EXPECT_EQ(pair.server.reported, just(session_errc::no_handler));
  EXPECT_EQ(pair.read_all(near).end, net_error::connection_reset);
}

TEST(link_reports, a_peer_that_answers_no_probe) {
  auto options = client_options_of();
  options.probes = session::liveness{.interval = 10ms, .timeout = 10ms};
  link_pair pair{std::move(options)};
  pair.server.pipe->hold();
  pair.run_until([&] { return !pair.client.reported.empty(); });
  EXPECT_EQ(pair.client.reported, just(session_errc::probe_timeout));
}

// ---- the end

TEST(interop_traps, trap_17_a_transport_that_ends_without_a_word_ends_the_session_normally) {
  link_pair pair;
  auto [near, far] = pair.open();
  std::optional<session::link_end> seen;
  pair.client.link->watch_end(pair.client.link->next_serial(), [&seen](const session::link_end* end) { seen = *end; });
  error_code accepting;
  pair.client.link->accept(
      {[&accepting](error_code failed, session::incoming_stream) { accepting = failed; }, pair.context.get_executor()});
  pair.poll();
  ASSERT_FALSE(seen);
  pair.client.pipe->cut();
  pair.poll();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->why, session_errc::transport_closed);
  EXPECT_FALSE(seen->before_connected);
  EXPECT_FALSE(seen->closed_here);
  EXPECT_EQ(accepting, session_errc::accept_ended);
  EXPECT_EQ(pair.read_all(near).end, net_error::connection_reset);
}

TEST(link_reports, a_transport_that_takes_nothing_for_too_long_and_the_session_ends) {
  link_pair pair{client_with([](auto& options) { options.send_timeout = 50ms; })};
  auto [near, far] = pair.open();
  pair.client.pipe->hold();
  std::optional<session::link_end> seen;
  pair.client.link->watch_end(pair.client.link->next_serial(), [&seen](const session::link_end* end) { seen = *end; });
  ASSERT_TRUE(*pair.write(near, as_bytes("nobody takes this")));
  pair.run_until([&] { return seen.has_value(); });
  EXPECT_EQ(seen->why, session_errc::send_timeout);
  EXPECT_FALSE(seen->closed_here);
  ASSERT_EQ(pair.client.reported.size(), 1u);
  const auto& stalled = std::get<session::send_stalled>(pair.client.reported[0]);
  EXPECT_GE(stalled.bytes, std::string_view{"nobody takes this"}.size());
  EXPECT_TRUE(pair.server.reported.empty());
}

/// What is wrong after sends that were held up, together for longer than the time-out, each one for less.
std::string hold_up_sends() {
  link_pair pair{client_with([](auto& options) { options.send_timeout = 200ms; })};
  auto [near, far] = pair.open();
  for (int i = 0; i < 4; ++i) {
    pair.client.pipe->hold();
    const auto written = pair.write(near, as_bytes("x"));
    if (!pair.client.reported.empty()) return "a send that was taken in time has stalled";
    EXPECT_TRUE(*written);
    const auto until = std::chrono::steady_clock::now() + 80ms;
    pair.context.restart();
    pair.context.run_until(until);
    pair.client.pipe->release();
    pair.poll();
  }
  if (!pair.client.reported.empty()) return "a send that was taken in time has stalled";
  EXPECT_EQ(pair.read_all(far).text, "xxxx");
  return {};
}

TEST(link_reports, no_stall_while_each_send_is_taken_in_time) { expect_when_undisturbed(20ms, hold_up_sends); }

TEST(link_reports, streams_of_the_peer_that_are_too_many) {
  auto options = link_pair::live_server_options();
  options.session.yamux.max_active_streams = 2;
  options.session.yamux.max_inbound_streams = 2;
  link_pair pair{client_options_of(), std::move(options)};
  const auto first = pair.open_here("x");  // beside the rpc stream
  EXPECT_TRUE(pair.server.reported.empty());
  const auto second = pair.open_here("x");
  EXPECT_EQ(pair.server.reported,
            just(yamux::streams_refused{.why = yamux::refusal::inbound_streams, .count = 1, .limit = 2}));
}

// ---- streams that are handlers'

TEST(link_handlers, a_stream_let_go_is_closed_in_order_when_its_handler_returns) {
  link_pair pair;
  auto [near, far] = pair.open();
  ASSERT_TRUE(*pair.write(near, as_bytes("nobody reads this")));
  const auto id = static_cast<stream_id>(far.id());
  pair.server.link->handler_begins(id);
  ASSERT_TRUE(*pair.write(far, as_bytes("answer")));
  far = {};
  EXPECT_EQ(pair.read_all(near).end, net_error::operation_aborted) << "the handler is still running";
  pair.server.link->handler_ended(id, true);
  EXPECT_EQ(pair.read_all(near).end, net_error::eof);
}

TEST(link_handlers, a_stream_is_reset_when_its_handler_fails_or_leaves_a_write_under_way) {
  for (const bool in_order : {false, true}) {
    SCOPED_TRACE(in_order);
    link_pair pair;
    auto [near, far] = pair.open();
    const auto id = static_cast<stream_id>(far.id());
    pair.server.link->handler_begins(id);
    if (in_order) {
      ASSERT_TRUE(*pair.write(far, as_bytes(much).first(262'144)));
      EXPECT_FALSE(*pair.write(far, as_bytes(much)));
    }
    far = {};
    pair.server.link->handler_ended(id, in_order);
    EXPECT_EQ(pair.read_all(near).end, net_error::connection_reset);
  }
}

TEST(link_handlers, a_stream_that_its_handler_passed_on_stays_whole) {
  link_pair pair;
  auto [near, far] = pair.open();
  const auto id = static_cast<stream_id>(far.id());
  pair.server.link->handler_begins(id);
  pair.server.link->handler_ended(id, true);
  ASSERT_TRUE(*pair.write(far, as_bytes("later")));
  EXPECT_EQ(pair.read_all(near).text, "later");
  far = {};
  EXPECT_EQ(pair.read_all(near).end, net_error::connection_reset);
}

}  // namespace
}  // namespace flowersec::testing
