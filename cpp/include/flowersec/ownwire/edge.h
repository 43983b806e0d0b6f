// A front that sees ciphertext only: joins each socket of a user to one of a backend that waits, and carries messages.
// Layer ownwire, part `edge`: on ws and base alone, so that nothing here could decrypt. Holds no keys; what stands
// behind it is behind.h. Source: PROTOCOL, "OwnWire, blind joining".
// Threads: every member may be called from any thread; hooks run on the edge's strand, and must not throw.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/base/error.h"
#include "flowersec/ownwire/events.h"
#include "flowersec/ws/request_head.h"

namespace flowersec::ownwire {

/// Worst memory: two messages for each user, joined or waiting. Times are 1 ms to 24 h, unless said.
struct edge_limits {
  /// Users joined or on their way in. At least 1.
  std::size_t max_users = 10'000;
  /// Of one address, and its visits: so many at once, then so many per second.
  std::size_t max_users_per_address = 200;
  std::uint32_t visit_burst = 200;
  std::uint32_t visits_per_second = 10;
  std::size_t max_visitors = 65'536;
  /// Sockets of backends that wait; one more is answered 503.
  std::size_t max_waiting = 256;
  /// How long a user waits for one of them while a backend is known; then it is closed with 1013. 0 to 24 h.
  std::chrono::milliseconds backend_wait{5'000};
  /// Connections whose request is not answered yet; one more is answered 503.
  std::size_t max_requests = 1'024;
  /// Of those, of one address that is no trusted proxy; one more is disconnected.
  std::size_t max_requests_per_address = 256;
  /// Largest message in either direction. A record of the stack has at most 1 MiB.
  std::size_t max_message_bytes = 1'048'576;
  /// Silence before a ping, and silence that ends a connection, on both sides.
  std::chrono::milliseconds ping_after{25'000};
  std::chrono::milliseconds silence_limit{60'000};
  /// A message that one side does not take for so long ends the pair.
  std::chrono::milliseconds stall{60'000};
  std::chrono::milliseconds stop_timeout{10'000};

  [[nodiscard]] bool validate() const noexcept;
};

struct edge_options {
  boost::asio::ip::tcp::endpoint listen{boost::asio::ip::address_v4::loopback(), 8080};
  /// Where users come, and where backends do.
  std::string path = "/ws";
  std::string backend_path = "/backend";
  /// Required: what backends show as `Authorization: Bearer <token>`.
  std::string token{};
  /// As public_port_options.
  std::vector<std::string> allowed_origins{};
  bool allow_no_origin = false;
  std::vector<std::string> trusted_proxies{"127.0.0.0/8", "::1/128"};
  std::function<std::optional<std::string>(const ws::request_head&)> page{};
  edge_limits limits{};
  std::function<void(const gateway_event&)> on_event{};
  const clock_source* clocks = &system_clocks();
};

/// Since the start, but for those marked "now".
struct edge_counts {
  std::uint64_t users = 0;    ///< now: joined, or waiting for that
  std::uint64_t waiting = 0;  ///< now: sockets of backends
  std::uint64_t joined = 0;
  std::uint64_t without_backend = 0;  ///< closed with 1013, at once or after backend_wait
  std::uint64_t visitors_refused = 0;
  std::uint64_t origins_refused = 0;
  std::uint64_t backends_refused = 0;
  std::uint64_t bytes_to_backends = 0;
  std::uint64_t bytes_to_users = 0;
};

enum class edge_errc {
  invalid_option = 1,  ///< limits, networks, origins, paths or a missing token
  port_taken,
};
[[nodiscard]] const char* describe(edge_errc code) noexcept;
[[nodiscard]] error_code make_error_code(edge_errc code) noexcept;

class edge {
 public:
  /// Binds and starts. Errors   those of edge_errc.
  [[nodiscard]] static result<edge> open(boost::asio::any_io_executor executor, edge_options options);
  /// Ends everything at once.
  ~edge();
  edge(edge&&) noexcept;
  edge& operator=(edge&&) noexcept;

  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] edge_counts counts() const;
  /// For the backends to come.
  void replace_token(std::string token);

  /// Stops accepting, closes every socket with 1001 and completes when they are gone, at most limits.stop_timeout
  /// later. Signature void(error_code), always success.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code))
                Token = boost::asio::use_awaitable_t<boost::asio::any_io_executor>>
  auto async_stop(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, edge* self) { self->start_stop(std::move(handler)); }, token, this);
  }

  class impl;  ///< internal

 private:
  explicit edge(std::shared_ptr<impl> state) noexcept;
  void start_stop(boost::asio::any_completion_handler<void(error_code)> done);

  std::shared_ptr<impl> impl_;
};

}  // namespace flowersec::ownwire

FLOWERSEC_REGISTER_ERRC(flowersec::ownwire::edge_errc)
