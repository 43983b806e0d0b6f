#include "peer/checks.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <vector>

#include "peer/pattern.h"
#include "peer/services.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using endpoint::default_token;
using steady = std::chrono::steady_clock;
using namespace asio::experimental::awaitable_operators;

constexpr unsigned concurrent_calls = 64;
constexpr unsigned timed_calls = 32;

/// Around every size that some layer cuts at: an empty stream, one byte, record chunks, a window, more than a window.
constexpr std::array<std::size_t, 12> echo_sizes{0,     1,     2,      1023,   1025,   16383,
                                                 16385, 65537, 262143, 262144, 262145, 1000003};

double microseconds_since(steady::time_point start) {
  return std::chrono::duration<double, std::micro>(steady::now() - start).count();
}

awaitable<rpc::reply> call(endpoint::session& session, std::uint32_t type, std::string payload) {
  const endpoint::rpc_call_options options{.timeout = std::chrono::seconds{10}};
  co_return co_await session.async_call(type, std::move(payload), options);
}

/// Whether both texts are the same JSON value: a peer may write numbers and escapes its own way.
bool same_json(const std::string& left, const std::string& right) {
  boost::system::error_code bad_left;
  boost::system::error_code bad_right;
  const auto one = boost::json::parse(left, bad_left);
  const auto other = boost::json::parse(right, bad_right);
  return !bad_left && !bad_right && one == other;
}

awaitable<void> expect_payload(endpoint::session session, std::uint32_t type, std::string payload,
                               std::string expected) {
  const auto reply = co_await call(session, type, std::move(payload));
  require(reply.ok(), "call of type " + std::to_string(type) + " was refused");
  require(same_json(reply.payload, expected),
          "call of type " + std::to_string(type) + " was answered " + reply.payload);
}

awaitable<void> expect_error(endpoint::session session, std::uint32_t type, std::uint32_t code, std::string message) {
  const auto reply = co_await call(session, type, "{}");
  require(!reply.ok(), "call of type " + std::to_string(type) + " was not refused");
  require(reply.error->code == code && reply.error->message == message,
          "call of type " + std::to_string(type) + " was refused with " + std::to_string(reply.error->code) + " " +
              reply.error->message);
}

awaitable<void> send_pattern(flowersec::stream& stream, std::size_t size) {
  byte_buffer bytes(size);
  fill_pattern(0, bytes);
  if (size != 0) co_await asio::async_write(stream, asio::buffer(bytes), default_token{});
  co_await stream.async_shutdown_send();
}

/// Reads to the end of the stream and checks every byte.
awaitable<std::size_t> receive_pattern(flowersec::stream& stream) {
  byte_buffer block(65536);
  std::size_t total = 0;
  while (true) {
    const auto [error, count] = co_await stream.async_read_some(asio::buffer(block), asio::as_tuple(default_token{}));
    if (error == asio::error::eof) co_return total;
    if (error) throw boost::system::system_error{error};
    require(matches_pattern(total, byte_view{block}.first(count)), "echo changed bytes near " + std::to_string(total));
    total += count;
  }
}

awaitable<void> echo_once(endpoint::session session, std::size_t size) {
  auto stream = co_await session.async_open_stream("echo");
  const auto received = co_await (receive_pattern(stream) && send_pattern(stream, size));
  require(received == size, "echo of " + std::to_string(size) + " bytes returned " + std::to_string(received));
}

}  // namespace

hello_counter::hello_counter(endpoint::session session) {
  session.on_notification(rpc_hello, [state = state_](const std::string& payload) {
    ++state->seen;
    state->well_formed = state->well_formed && payload == R"({"hello":"world"})";
  });
}

awaitable<void> check_call(endpoint::session session, client_report& report) {
  std::vector<double> times;
  for (unsigned i = 0; i < timed_calls; ++i) {
    const auto start = steady::now();
    co_await expect_payload(session, rpc_ping, "{}", R"({"ok":true})");
    times.push_back(microseconds_since(start));
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  report.figure("call_us", times[times.size() / 2]);
}

awaitable<void> check_notification(endpoint::session session, hello_counter hellos) {
  const auto before = hellos.seen();
  co_await session.async_notify(rpc_hello, R"({"hello":"server"})");
  // The server sends its notification before it answers, on the same stream: it must be here by then.
  co_await expect_payload(session, rpc_ping, "{}", R"({"ok":true})");
  require(hellos.seen() > before, "no notification came before the answer");
  require(hellos.all_well_formed(), "a notification had another payload");
}

awaitable<void> check_call_payloads(endpoint::session session) {
  const std::vector<std::string> payloads{"null", "0", R"([1,2.50,"\u00e9",{}])", '"' + std::string(200000, 'x') + '"'};
  for (const auto& payload : payloads) co_await expect_payload(session, rpc_echo, payload, payload);
}

awaitable<void> check_call_errors(endpoint::session session) {
  co_await expect_error(session, rpc_teapot, 418, "teapot");
  co_await expect_error(session, rpc_nobody, rpc::status::handler_not_found, "handler not found");
}

awaitable<void> check_concurrent_calls(endpoint::session session, client_report& report) {
  const auto executor = co_await asio::this_coro::executor;
  const auto start = steady::now();
  const auto make = [&](unsigned i) {
    const auto payload = std::to_string(i);
    return asio::co_spawn(executor, expect_payload(session, rpc_echo, payload, payload), asio::deferred);
  };
  std::vector<decltype(make(0))> calls;
  for (unsigned i = 0; i < concurrent_calls; ++i) calls.push_back(make(i));
  const auto [order, thrown] = co_await asio::experimental::make_parallel_group(std::move(calls))
                                   .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const auto& failure : thrown) {
    if (failure) std::rethrow_exception(failure);
  }
  report.figure("concurrent_calls_us", microseconds_since(start));
}

awaitable<void> check_echo(endpoint::session session) {
  for (const auto size : echo_sizes) {
    co_await echo_once(session, size);
    co_await session.async_rekey();
    co_await session.async_ping();
  }
}

awaitable<void> check_probe(endpoint::session session, client_report& report) {
  const auto round_trip = co_await session.async_probe();
  report.figure("probe_us", std::chrono::duration<double, std::micro>(round_trip).count());
}

awaitable<void> check_unknown_kind(endpoint::session session) {
  auto stream = co_await session.async_open_stream("nobody-serves-this");
  std::byte byte{};
  const auto [error, count] = co_await stream.async_read_some(asio::buffer(&byte, 1), asio::as_tuple(default_token{}));
  require(count == 0 && (error == asio::error::connection_reset || error == asio::error::eof),
          "a stream of an unknown kind was not refused");
}

awaitable<std::string> echo_text(endpoint::session session, std::string text) {
  auto stream = co_await session.async_open_stream("echo");
  co_await asio::async_write(stream, asio::buffer(text), default_token{});
  co_await stream.async_shutdown_send();
  std::string heard;
  const auto [error, count] =
      co_await asio::async_read(stream, asio::dynamic_buffer(heard, text.size() + 1), asio::as_tuple(default_token{}));
  if (error && error != asio::error::eof) throw boost::system::system_error{error};
  co_return heard;
}

}  // namespace flowersec::apps
