// A server of this layer on loopback, and raw clients for it.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>

#include "flowersec/http/server.h"
#include "support/run_tasks.h"

namespace flowersec::http::testing {

using boost::asio::awaitable;
using boost::asio::ip::tcp;
using flowersec::testing::as_result;
using flowersec::testing::run_tasks;
using flowersec::testing::task;

class http_server : public ::testing::Test {
 protected:
  /// Starts serving with `options` and `handler` as they are now.
  void start(const boost::asio::ip::address& where = boost::asio::ip::address_v4::loopback()) {
    running = std::make_unique<server>(context.get_executor(), options,
                                       [this](request asked, responder answer) { handler(std::move(asked), answer); });
    ASSERT_FALSE(running->listen({where, 0}));
    running->start();
  }

  awaitable<tcp::socket> dial() {
    tcp::socket socket{context};
    const tcp::endpoint to{boost::asio::ip::address_v4::loopback(), running->local_endpoint().port()};
    co_await socket.async_connect(to, boost::asio::use_awaitable);
    co_return socket;
  }

  /// Sends `text`, and nothing more if it `ends` there, and reads to the end of the connection.
  std::string exchange(std::string text, bool ends = false) {
    std::string answer;
    const auto client = [&]() -> task {
      auto socket = co_await dial();
      co_await boost::asio::async_write(socket, boost::asio::buffer(text), as_result);
      if (ends) socket.shutdown(tcp::socket::shutdown_send);
      co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer), as_result);
    };
    run_tasks(context, client());
    return answer;
  }

  boost::asio::io_context context;
  server_options options;
  /// Echoes method, target and body unless a test replaces it.
  std::function<void(request, const responder&)> handler = [](const request& asked, const responder& answer) {
    answer(text_response(200, asked.method + ' ' + asked.target + ' ' + asked.body));
  };
  std::unique_ptr<server> running;
};

}  // namespace flowersec::http::testing
