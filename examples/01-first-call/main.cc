// A server and a client in one process, without a tunnel: one call, one stream.
//
//   ./first-call
//
// The two share a channel id and a key (the connect info). Everything between them is encrypted end to end.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <ctime>
#include <iostream>

#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/direct_listener.h"

namespace asio = boost::asio;
namespace endpoint = flowersec::endpoint;
using asio::awaitable;

// What both programs would be given by whoever introduces them to each other.
endpoint::direct_connect_info make_info() {
  const auto key = flowersec::crypto::psk::generate(flowersec::system_random());
  endpoint::direct_connect_info info;
  info.channel_id = "my-first-channel";
  info.e2ee_psk_b64u = flowersec::messages::sensitive_text{key.value().to_base64url()};
  info.channel_init_expire_at_unix_s = std::time(nullptr) + 60;
  info.default_suite = flowersec::messages::direct::v1::suite::x25519_hkdf_sha256_aes_256_gcm;
  return info;
}

// Sends back whatever arrives, until the client closes its half.
awaitable<void> echo(flowersec::stream stream) {
  std::array<char, 4096> block;
  for (;;) {
    boost::system::error_code failed;
    const auto n =
        co_await stream.async_read_some(asio::buffer(block), asio::redirect_error(endpoint::default_token{}, failed));
    if (failed) break;
    co_await asio::async_write(stream, asio::buffer(block, n), endpoint::default_token{});
  }
  co_await stream.async_shutdown_send();
}

awaitable<void> serve(endpoint::direct_listener& listener) {
  auto session = co_await listener.async_accept();

  flowersec::rpc::router calls;
  calls.on_request(1, [](flowersec::rpc::request request, flowersec::rpc::responder answer) {
    std::cout << "server: called with " << request.payload << '\n';
    answer.succeed(R"({"answer":42})");
  });
  co_await session.async_serve(endpoint::stream_router{}.on("echo", echo).on_rpc(std::move(calls)),
                               asio::as_tuple(endpoint::default_token{}));
}

awaitable<void> call(endpoint::direct_connect_info info) {
  endpoint::connect_options options;
  options.origin = "https://app.example";
  // Plaintext WebSockets are refused unless we say so; inside, everything is encrypted anyway.
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  auto session = co_await endpoint::async_connect(co_await asio::this_coro::executor, std::move(info), options);

  const auto reply = co_await session.async_call(1, R"({"question":"life"})");
  std::cout << "client: got " << reply.payload << '\n';

  auto stream = co_await session.async_open_stream("echo");
  co_await asio::async_write(stream, asio::buffer("hello, stream", 13), endpoint::default_token{});
  co_await stream.async_shutdown_send();
  std::string back(13, ' ');
  co_await asio::async_read(stream, asio::buffer(back), endpoint::default_token{});
  std::cout << "client: echoed \"" << back << "\"\n";

  co_await session.async_close();
}

int main() {
  asio::io_context context;
  auto info = make_info();

  endpoint::listen_options options;
  options.allowed_origins = {"https://app.example"};
  auto listener =
      endpoint::direct_listener::open(context.get_executor(), endpoint::fixed_credential::from(info).value(), options)
          .value();
  info.ws_url = listener.url();
  std::cout << "server: listening on " << info.ws_url << '\n';

  int exit_code = 0;
  asio::co_spawn(context, serve(listener), asio::detached);
  asio::co_spawn(context, call(std::move(info)), [&](std::exception_ptr failed) {
    try {
      if (failed) std::rethrow_exception(failed);
    } catch (const std::exception& error) {
      std::cerr << "client: " << error.what() << '\n';
      exit_code = 1;
    }
    listener.close();
  });
  context.run();
  return exit_code;
}
