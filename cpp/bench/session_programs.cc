// Two endpoints, one process each, built on the public API alone: they meet through the tunnel, and the client does
// what it is told on stdin so that the benchmark can read everybody's CPU and counters before and after.
//
//   both     grant as JSON on the first line; "up" when the session is there
//   client   "bulk <bytes>": one stream to the server, all of it read there      -> "done"
//            "calls <n>": RPC calls one after the other                          -> "done"
//            "streams <n>": streams one after the other, a byte each way         -> "done"
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <iostream>
#include <sstream>
#include <string>

#include "flowersec/endpoint/connect.h"
#include "flowersec/messages/grant_file.h"
#include "programs.h"
#include "sockets.h"
#include "tunnel_relay.h"

namespace flowersec::bench {
namespace {

namespace asio = boost::asio;

constexpr std::uint32_t echo_type = 7;
constexpr const char* echo_payload = R"({"text":"a payload of an ordinary size","number":42})";
constexpr std::size_t write_bytes = 256 * 1024;

endpoint::connect_options connecting() {
  endpoint::connect_options options;
  options.origin = tunnel_relay::origin;
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  return options;
}

endpoint::channel_init_grant grant_from_stdin() {
  std::string line;
  std::getline(std::cin, line);
  return messages::read_raw_grant(line).value();
}

void say(const std::string& line) { std::cout << line << std::endl; }

// --- the server ------------------------------------------------------------------------------------------------

/// Reads to the end, then answers with a byte.
asio::awaitable<void> swallow(flowersec::stream from) {
  byte_buffer room(write_bytes);
  for (error_code ended; !ended;) {
    co_await from.async_read_some(asio::buffer(room), asio::redirect_error(asio::use_awaitable, ended));
  }
  co_await asio::async_write(from, asio::buffer("!", 1), asio::use_awaitable);
  co_await from.async_shutdown_send();
}

asio::awaitable<void> serve(asio::any_io_executor executor) {
  auto session = co_await endpoint::async_attach_server(executor, grant_from_stdin(), connecting());
  say("up");
  rpc::router calls;
  calls.on_request(echo_type,
                   [](rpc::request call, rpc::responder answer) { answer.succeed(std::move(call.payload)); });
  endpoint::stream_router router;
  router.on("sink", swallow).on_rpc(std::move(calls));
  error_code ended;  // the client leaving is the normal end
  co_await session.async_serve(std::move(router), asio::redirect_error(asio::use_awaitable, ended));
}

// --- the client ------------------------------------------------------------------------------------------------

asio::awaitable<void> send_and_confirm(endpoint::session& session, std::uint64_t bytes) {
  auto to = co_await session.async_open_stream("sink");
  byte_buffer data(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, write_bytes)));
  while (bytes > 0) {
    const auto piece = std::min<std::uint64_t>(bytes, data.size());
    co_await asio::async_write(to, asio::buffer(data, static_cast<std::size_t>(piece)), asio::use_awaitable);
    bytes -= piece;
  }
  co_await to.async_shutdown_send();
  char answer = 0;
  co_await asio::async_read(to, asio::buffer(&answer, 1), asio::use_awaitable);
  error_code ended;
  co_await to.async_read_some(asio::buffer(&answer, 1), asio::redirect_error(asio::use_awaitable, ended));
  if (ended != asio::error::eof) throw bench_error("a stream did not end in order");
}

asio::awaitable<void> call(endpoint::session& session) {
  const auto reply = co_await session.async_call(echo_type, echo_payload);
  if (!reply.ok() || reply.payload != echo_payload) throw bench_error("a call failed");
}

asio::awaitable<void> obey(asio::any_io_executor executor) {
  auto session = co_await endpoint::async_connect(executor, grant_from_stdin(), connecting());
  say("up");
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words{line};
    std::string what;
    std::uint64_t count = 0;
    words >> what >> count;
    if (what == "bulk") co_await send_and_confirm(session, count);
    for (std::uint64_t i = 0; what == "calls" && i < count; ++i) co_await call(session);
    for (std::uint64_t i = 0; what == "streams" && i < count; ++i) co_await send_and_confirm(session, 1);
    say("done");
  }
}

/// One thread, which also waits for stdin: the session is idle then.
template <class Program>
int run_on_own_context(Program program) {
  asio::io_context context{1};
  std::exception_ptr problem;
  asio::co_spawn(context, program(context.get_executor()), [&](std::exception_ptr failed) { problem = failed; });
  context.run();
  if (problem) std::rethrow_exception(problem);
  return 0;
}

}  // namespace

int run_session_server() { return run_on_own_context(serve); }
int run_session_client() { return run_on_own_context(obey); }

}  // namespace flowersec::bench
