// The chat gateway: a public port for users, an internal port for the site owner's own program, sessions between them.
// Layer ownwire, on Asio. Serves no pages and reads no files: a hook answers plain HTTP requests, keys come as values.
// Source: PROTOCOL, "OwnWire".
// Threads: every member may be called from any thread. Hooks must not throw; on_event runs on the gateway's strand,
// page on the strand of a connection, so several of it may run at once.
//
//   ownwire::gateway_options options;
//   options.public_port = ownwire::public_port_options{.listen = {address, 8080}, .credentials = {.keys = keyring}};
//   auto gateway = ownwire::gateway::open(executor, std::move(options));
//   ...
//   co_await gateway->async_stop();
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/endpoint/accept.h"
#include "flowersec/ownwire/events.h"
#include "flowersec/ownwire/limits.h"
#include "flowersec/session/completion.h"
#include "flowersec/ws/request_head.h"
#include "flowersec/ws/tls.h"

namespace flowersec::ownwire {

struct public_port_options {
  /// Port 0 lets the system choose.
  boost::asio::ip::tcp::endpoint listen{boost::asio::ip::address_v4::loopback(), 8080};
  /// Path of the WebSocket. Any subprotocol that is offered is ignored.
  std::string path = "/ws";
  /// Beside the origin that the request's Host stands for: entries of ws::origin_policy::allow_list.
  std::vector<std::string> allowed_origins{};
  /// Lets programs in that send no Origin.
  bool allow_no_origin = false;
  /// Networks (address or address/prefix) whose X-Forwarded-For is believed.
  std::vector<std::string> trusted_proxies{"127.0.0.0/8", "::1/128"};
  /// Answers every request but those for `path` and /healthz: a whole HTTP response that says `Connection: close`, or
  /// nullopt for 404. Absent: always 404.
  std::function<std::optional<std::string>(const ws::request_head&)> page{};
  /// Connections whose request is being read and answered; one more is answered 503. At least 1.
  std::size_t max_requests = 1024;
  /// Of those, of one address that is no trusted proxy; one more is disconnected. At least 1.
  std::size_t max_requests_per_address = 256;
  /// Users between the upgrade and the end of their handshake; one more is `rate_limited`. At least 1.
  std::size_t max_handshakes = 1024;
  /// Of those, of one address, be it behind a trusted proxy; one more is `rate_limited`. At least 1.
  std::size_t max_handshakes_per_address = 64;
};

/// An internal client that speaks the stack itself, from wherever it is.
struct internal_link_credential {
  std::string channel_id;
  crypto::psk psk;
};

struct internal_port_options {
  boost::asio::ip::tcp::endpoint listen{boost::asio::ip::address_v4::loopback(), 8081};
  /// Required of clients of /ws as `Authorization: Bearer <token>`. Absent: none is.
  std::optional<std::string> token{};
  /// Absent: plaintext.
  std::optional<ws::tls_context> tls{};
  /// Opens the path /e2ee.
  std::optional<internal_link_credential> link{};
  /// Connections before the end of their upgrade, on /e2ee of their handshake; one more is answered 503. At least 1.
  std::size_t max_requests = 256;
  /// Of those, of one address; one more is disconnected. At least 1.
  std::size_t max_requests_per_address = 64;
};

struct gateway_options {
  /// How users open a connection: keys, time-outs. Wanted on the public port and for adopted sockets.
  endpoint::sealed_credentials credentials{};
  /// Absent: users come as adopted sockets only.
  std::optional<public_port_options> public_port{};
  internal_port_options internal_port{};
  gateway_limits limits{};
  /// Absent: nobody listens.
  std::function<void(const gateway_event&)> on_event{};
  /// For tests. Both must outlive the gateway.
  const clock_source* clocks = &system_clocks();
  random_source* random = &system_random();
};

enum class gateway_errc {
  invalid_option = 1,  ///< limits, networks, origins or paths that cannot be
  public_port_taken,   ///< the address cannot be bound
  internal_port_taken,
};
[[nodiscard]] const char* describe(gateway_errc code) noexcept;
[[nodiscard]] error_code make_error_code(gateway_errc code) noexcept;

class gateway {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// Binds and starts.
  /// Errors   those of gateway_errc. Nothing is left open after one.
  [[nodiscard]] static result<gateway> open(executor_type executor, gateway_options options);

  /// Ends everything at once.
  ~gateway();
  gateway(gateway&&) noexcept;
  gateway& operator=(gateway&&) noexcept;

  /// 0 without a public port.
  [[nodiscard]] std::uint16_t public_port() const noexcept;
  [[nodiscard]] std::uint16_t internal_port() const noexcept;

  /// Serves a user whose socket came in elsewhere, under the same limits as on the public port.
  void adopt(ws::message_socket socket, std::string remote_addr);
  /// The same for whoever may outlive the gateway: without one, the socket is dropped. From any thread.
  using adopter_function = std::function<void(ws::message_socket, const std::string&)>;
  [[nodiscard]] adopter_function adopter() const;

  /// For the internal clients to come; those that are here stay.
  void replace_internal_tls(ws::tls_context next);
  void replace_internal_token(std::optional<std::string> token);

  /// As of the last moment the gateway did something.
  [[nodiscard]] gateway_counts counts() const;

  /// Stops accepting, tells every user (error shutting_down, then code 1001) and every internal client (1001), and
  /// completes when they are gone, at most limits.stop_timeout later. Signature void(error_code), always success.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = endpoint::default_token>
  auto async_stop(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, gateway* self) {
          self->start_stop({std::move(handler), self->get_executor()});
        },
        token, this);
  }
  [[nodiscard]] executor_type get_executor() const noexcept;

  class impl;  ///< internal

 private:
  explicit gateway(std::shared_ptr<impl> state) noexcept;
  void start_stop(::flowersec::session::completion<error_code> done);

  std::shared_ptr<impl> impl_;
};

}  // namespace flowersec::ownwire

FLOWERSEC_REGISTER_ERRC(flowersec::ownwire::gateway_errc)
