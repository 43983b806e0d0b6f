// The two ends of one channel, meeting at a tunnel that cannot read what they say.
//
//   flowersec-channelinit ... > channel.json      (writes a grant for each end)
//   ./through-the-tunnel server < channel.json
//   ./through-the-tunnel client < channel.json
//
// Both dial out, so neither needs an open port. A grant works once: its token is used up by the attempt.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <iostream>
#include <iterator>

#include "flowersec/endpoint/connect.h"
#include "flowersec/messages/grant_file.h"

namespace asio = boost::asio;
namespace endpoint = flowersec::endpoint;
using asio::awaitable;

endpoint::connect_options make_options() {
  endpoint::connect_options options;
  options.origin = "https://app.example";
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();  // for a tunnel on this machine
  // A server waits for its client as long as its handshake may take.
  options.common.session.handshake_timeout = std::chrono::minutes{1};
  return options;
}

awaitable<void> run_server(endpoint::channel_init_grant grant) {
  auto session =
      co_await endpoint::async_attach_server(co_await asio::this_coro::executor, std::move(grant), make_options());
  std::cout << "server: a client is here\n";

  flowersec::rpc::router calls;
  calls.on_request(1,
                   [](flowersec::rpc::request, flowersec::rpc::responder answer) { answer.succeed(R"({"ok":true})"); });
  co_await session.async_serve(endpoint::stream_router{}.on_rpc(std::move(calls)),
                               asio::as_tuple(endpoint::default_token{}));

  const auto end = co_await session.async_wait_end();
  std::cout << "server: over, " << to_string(end.info) << '\n';
}

awaitable<void> run_client(endpoint::channel_init_grant grant) {
  auto session = co_await endpoint::async_connect(co_await asio::this_coro::executor, std::move(grant), make_options());
  const auto reply = co_await session.async_call(1, "{}");
  std::cout << "client: the server answered " << reply.payload << '\n';

  const auto round_trip = co_await session.async_probe();
  std::cout << "client: one round trip takes "
            << std::chrono::duration_cast<std::chrono::microseconds>(round_trip).count() << " us\n";
  co_await session.async_close();
}

int main(int argc, char** argv) {
  const std::string role = argc == 2 ? argv[1] : "";
  if (role != "server" && role != "client") {
    std::cerr << "usage: through-the-tunnel server|client < channel.json\n";
    return 2;
  }
  const std::string text{std::istreambuf_iterator<char>{std::cin}, {}};
  auto grant =
      role == "server" ? flowersec::messages::read_server_grant(text) : flowersec::messages::read_client_grant(text);
  if (!grant) {
    std::cerr << "the grant: " << grant.error().text() << '\n';
    return 2;
  }

  asio::io_context context;
  int exit_code = 0;
  asio::co_spawn(context, role == "server" ? run_server(std::move(*grant)) : run_client(std::move(*grant)),
                 [&](std::exception_ptr failed) {
                   try {
                     if (failed) std::rethrow_exception(failed);
                   } catch (const boost::system::system_error& error) {
                     // Every failure is a {path, stage, code}; programs decide on it, people read it.
                     std::cerr << error.code().message() << '\n';
                     exit_code = 1;
                   }
                 });
  context.run();
  return exit_code;
}
