// An edge on loopback, with users and backends of it.
// Test support.
#pragma once

#include "flowersec/ownwire/edge.h"
#include "gateway_world.h"

namespace flowersec::ownwire {

inline edge_options usual_edge() {
  edge_options options;
  options.listen = any_loopback_port;
  options.token = "token";
  return options;
}

struct edge_world {
  explicit edge_world(edge_options options = usual_edge())
      : front{edge::open(context.get_executor(), std::move(options)).value()} {}

  void run(awaitable<void> body) { testing::run(context, std::move(body)); }
  [[nodiscard]] std::string url(std::string_view path = "/ws") const {
    return "ws://127.0.0.1:" + std::to_string(front.port()) + std::string{path};
  }
  [[nodiscard]] std::string origin() const { return "http://127.0.0.1:" + std::to_string(front.port()); }
  awaitable<test_client> backend(std::string token = "token") {
    ws::connect_options options;
    options.headers = {{.name = "Authorization", .value = "Bearer " + token}};
    co_return co_await test_client::open(url("/backend"), std::move(options));
  }
  awaitable<test_client> user() {
    ws::connect_options options{.origin = origin()};
    co_return co_await test_client::open(url(), std::move(options));
  }

  asio::io_context context;
  edge front;
};

/// The next text; in words what else came.
inline awaitable<std::string> read_text(test_client& from) {
  const auto [failed, message] = co_await from.socket.async_read_message(as_result);
  if (failed) co_return "(" + failed.message() + ")";
  co_return (message.kind == ws::message_kind::text ? "" : "binary:") + std::string{as_text(message.payload)};
}

}  // namespace flowersec::ownwire
