// ws-peer: this project's message socket as a server or a client that sends back what it gets, for peers of other
// makers.
//
//   ws-peer serve [max_bytes]             prints `port <n>`; then a line for the end of each connection
//   ws-peer connect <url> [ping_ms]       one connection; ping_ms of silence and it pings
//
// The message `close <code> <reason>` makes it close. Lines: `closed <code or -> <reason>` when the peer closed,
// `closed here` when it was told to, `failed <why>` for anything else.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <iostream>
#include <sstream>
#include <string>

#include "flowersec/base/bytes.h"
#include "flowersec/ws/accept.h"
#include "flowersec/ws/connect.h"
#include "flowersec/ws/error.h"
#include "support/run_tasks.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using flowersec::error_code;
using flowersec::testing::as_result;
namespace ws = flowersec::ws;

void say(const std::string& text) { std::cout << text << std::endl; }

void say_end(const error_code& why, const ws::message_socket& socket) {
  const auto& said = socket.peer_close();
  if (why != ws::ws_errc::closed_by_peer || !said) return say("failed " + why.message());
  say("closed " + (said->code ? std::to_string(*said->code) : "-") + " " + said->reason);
}

asio::awaitable<void> send_back(ws::message_socket socket) {
  while (true) {
    auto [failed, message] = co_await socket.async_read_message(as_result);
    if (failed) {
      say_end(failed, socket);
      (void)co_await socket.async_close(ws::close_code::normal, "", as_result);
      co_return;
    }
    const std::string text{flowersec::as_text(message.payload)};
    if (text.starts_with("close ")) {
      std::istringstream words{text.substr(6)};
      unsigned code = 0;
      words >> code;
      std::string reason;
      std::getline(words >> std::ws, reason);
      const auto [ended] = co_await socket.async_close(static_cast<ws::close_code>(code), reason, as_result);
      say(ended ? "failed " + ended.message() : "closed here");
      co_return;
    }
    const auto [lost] = co_await socket.async_write_message(message.kind, message.payload, as_result);
    if (lost) {
      say("failed " + lost.message());
      (void)co_await socket.async_close(ws::close_code::normal, "", as_result);
      co_return;
    }
  }
}

asio::awaitable<void> greet(tcp::socket connection, std::uint64_t max_bytes) {
  ws::accept_options options{.origins = ws::origin_policy::everybody()};
  options.socket.limits.max_message_bytes = max_bytes;
  auto [failed, accepted] = co_await ws::async_accept(std::move(connection), std::move(options), as_result);
  if (failed) {
    say("failed " + failed.message());
    co_return;
  }
  co_await send_back(std::move(accepted.socket));
}

asio::awaitable<void> serve(std::uint64_t max_bytes) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::acceptor listener{executor, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  say("port " + std::to_string(listener.local_endpoint().port()));
  while (true) {
    auto [failed, connection] = co_await listener.async_accept(as_result);
    if (!failed) asio::co_spawn(executor, greet(std::move(connection), max_bytes), asio::detached);
  }
}

asio::awaitable<void> connect(std::string to, unsigned ping_ms) {
  const auto target = ws::parse_url(to);
  ws::connect_options options{};
  options.origin = "http://127.0.0.1";
  if (ping_ms > 0) options.socket.ping_after = std::chrono::milliseconds{ping_ms};
  auto [failed, socket] =
      co_await ws::async_connect(co_await asio::this_coro::executor, target.value(), std::move(options), as_result);
  if (failed) {
    say("failed " + failed.message());
    co_return;
  }
  co_await send_back(std::move(socket));
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> given{words + 1, words + count};
  asio::io_context context{1};
  if (!given.empty() && given[0] == "serve") {
    asio::co_spawn(context, serve(given.size() > 1 ? std::stoul(given[1]) : 1048576), asio::detached);
  } else if (given.size() > 1 && given[0] == "connect") {
    asio::co_spawn(context, connect(given[1], given.size() > 2 ? static_cast<unsigned>(std::stoul(given[2])) : 0),
                   asio::detached);
  } else {
    std::cerr << "usage: ws-peer serve [max_bytes] | ws-peer connect <url> [ping_ms]\n";
    return 2;
  }
  context.run();
}
