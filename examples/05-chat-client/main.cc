// A program that chats through an OwnWire gateway, as a page would: says one line, prints the first reply.
//
//   ./chat-client wss://chat.example.com/ws "$(ownwire --print-key)" 'hello'
//
// What passes is encrypted for the holder of the key, whoever ends TLS in between.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

#include "flowersec/ownwire/client.h"

namespace asio = boost::asio;
namespace ownwire = flowersec::ownwire;
namespace sealed = flowersec::sealed;

// Says `text`. The reply is told as an event, which ends the chat.
asio::awaitable<void> say(ownwire::client& chat, std::string text, int& status) {
  const auto [failed, id] = co_await chat.async_send(std::move(text), asio::as_tuple(asio::use_awaitable));
  if (failed) {
    std::cerr << "not delivered: " << failed.message() << '\n';
    status = 1;
    co_await chat.async_close();
  } else {
    std::cerr << "delivered\n";  // an internal client has been handed it
  }
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: chat-client URL SERVER-KEY TEXT\n";
    return 2;
  }
  const auto key = sealed::public_key::parse(argv[2]);
  if (!key) {
    std::cerr << "SERVER-KEY: 43 characters, as `ownwire --print-key` says them\n";
    return 2;
  }

  asio::io_context context;
  std::optional<ownwire::client> chat;
  int status = 0;
  ownwire::client_options options;
  options.url = argv[1];
  options.server_keys = {*key};
  options.on_event = [&](const ownwire::client_event& event) {
    if (const auto* reply = std::get_if<ownwire::reply_received>(&event)) {
      std::cout << reply->content << '\n';
      chat->async_close(asio::detached);
    }
  };
  auto made = ownwire::client::create(context.get_executor(), std::move(options));
  if (!made) {
    std::cerr << "URL: " << made.error().message() << '\n';
    return 2;
  }
  chat.emplace(std::move(*made));
  chat->async_connect(asio::detached);
  asio::co_spawn(context, say(*chat, argv[3], status), asio::detached);
  context.run();
  return status;
}
