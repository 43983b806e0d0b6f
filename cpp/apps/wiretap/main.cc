// flowersec-wiretap: a TCP relay that writes down the WebSocket messages that pass.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <fstream>
#include <sstream>

#include "wiretap/options.h"
#include "wiretap/recording.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

struct host_port {
  std::string host;
  std::string port;
};

std::optional<host_port> split(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos || colon + 1 == text.size()) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host_port{host, text.substr(colon + 1)};
}

class wiretap {
 public:
  wiretap(asio::io_context& context, tcp::resolver::results_type to, std::ofstream out)
      : context_(context), to_(std::move(to)), out_(std::move(out)) {}

  awaitable<void> accept_all(tcp::acceptor& acceptor) {
    while (true) {
      auto [error, client] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      asio::co_spawn(context_, relay(std::move(client)), asio::detached);
    }
  }

 private:
  awaitable<void> relay(tcp::socket client) {
    tcp::socket tunnel{context_};
    const auto [error, where] = co_await asio::async_connect(tunnel, to_, asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    const auto line = [this](const std::string& text) { out_ << text << '\n' << std::flush; };
    direction_recording from_client{"client", ws::role::client, line};
    direction_recording from_tunnel{"tunnel", ws::role::server, line};
    co_await (copy(client, tunnel, from_client) && copy(tunnel, client, from_tunnel));
  }

  static awaitable<void> copy(tcp::socket& from, tcp::socket& to, direction_recording& recording) {
    byte_buffer block(65536);
    while (true) {
      const auto [error, count] =
          co_await from.async_read_some(asio::buffer(block), asio::as_tuple(asio::use_awaitable));
      if (error) break;
      recording.passed(byte_view{block}.first(count));
      const auto [write_error, written] =
          co_await asio::async_write(to, asio::buffer(block.data(), count), asio::as_tuple(asio::use_awaitable));
      if (write_error) break;
    }
    error_code ignored;
    to.shutdown(tcp::socket::shutdown_send, ignored);
  }

  asio::io_context& context_;
  tcp::resolver::results_type to_;
  std::ofstream out_;
};

int run(const invocation& io) {
  wiretap_command command;
  const auto described = describe_wiretap(command);
  if (const auto code = read_command_line(described, io)) return *code;
  const auto to = split(command.to);
  if (!to) return usage_error(described, io, "missing --to HOST:PORT");
  if (command.out.empty()) return usage_error(described, io, "missing --out");
  const auto where = split(command.listen);
  if (!where) return usage_error(described, io, "invalid --listen: " + command.listen);
  std::ofstream out{command.out, std::ios::trunc};
  if (!out) return fail(io, exit_runtime, "cannot write " + command.out);

  asio::io_context context{1};
  try {
    tcp::resolver resolver{context};
    tcp::acceptor acceptor{context, resolver.resolve(where->host, where->port).begin()->endpoint()};
    wiretap tap{context, resolver.resolve(to->host, to->port), std::move(out)};
    asio::signal_set signals{context, SIGINT, SIGTERM};
    signals.async_wait([&](const error_code&, int) { context.stop(); });
    asio::co_spawn(context, tap.accept_all(acceptor), asio::detached);
    io.out << R"({"listen":")" << acceptor.local_endpoint() << "\"}\n" << std::flush;
    context.run();
  } catch (const boost::system::system_error& error) {
    return fail(io, exit_runtime,
                "cannot listen on " + command.listen + " or find " + command.to + ": " + error.code().message());
  }
  return exit_ok;
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
