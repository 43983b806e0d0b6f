// A server that clients reach without a tunnel: its own listening socket, upgrade, handshake.
// Layer endpoint. Source: PROTOCOL, "Endpoint, direct".
// Threads: every member may be called from any thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/endpoint/credentials.h"
#include "flowersec/endpoint/options.h"
#include "flowersec/endpoint/session.h"

namespace flowersec::endpoint {

struct server_certificate {
  std::string chain_file;  ///< path of a PEM file
  std::string key_file;    ///< path of a PEM file
};

struct listen_options {
  /// Address literal and port; port 0 lets the system choose.
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  /// Path of the WebSocket; other paths are answered 404.
  std::string path = "/ws";
  /// Absent: plaintext, for loopback or behind a TLS proxy.
  std::optional<server_certificate> certificate{};
  /// Required: full origins, *.domain, host:port, host, or a literal.
  std::vector<std::string> allowed_origins{};
  bool allow_missing_origin = false;
  /// Instead of the two above: lets every origin in, for channels whose clients are programs. A client proves itself by
  /// the key, so this takes nothing away but the second lock against pages that a browser was led to.
  bool any_origin = false;
  /// Upgrades and handshakes under way at once; one more is answered 503. At least 1. An unauthenticated peer can make
  /// us hold one request head and one handshake each.
  std::size_t max_handshakes = 256;
  /// Of those, of one address; one more is disconnected, or answered 503 when a trusted proxy says whose it is. IPv6
  /// addresses count by their first 64 bits. At least 1.
  std::size_t max_handshakes_per_address = 64;
  /// Networks (address or address/prefix) of proxies, behind which many are: their connections count by the address
  /// that they say in X-Forwarded-For, and for nobody's when they say none. A proxy on another machine has to be named
  /// here, or all behind it are one address.
  std::vector<std::string> trusted_proxies{"127.0.0.0/8", "::1/128"};
  common_options common{};
};

class direct_listener {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// Clients beyond max_handshakes that are being answered 503, each for at most `refusal_timeout`. One more is
  /// disconnected without an answer.
  static constexpr std::size_t max_refusals_under_way = 64;
  static constexpr std::chrono::seconds refusal_timeout{2};

  /// Binds and starts listening.
  /// Errors   validate/invalid_option, missing_origin, and those of fixed_credential::from; connect/upgrade_failed when
  ///          the address cannot be bound or the certificate cannot be loaded.
  [[nodiscard]] static result<direct_listener> open(executor_type executor, fixed_credential credential,
                                                    listen_options options);
  [[nodiscard]] static result<direct_listener> open(executor_type executor, credential_resolver resolver,
                                                    listen_options options);
  /// Public-key mode: `options.common.clock_skew` and `handshake_cache` are those of the credentials, see there.
  [[nodiscard]] static result<direct_listener> open(executor_type executor, sealed_credentials credentials,
                                                    listen_options options);

  /// Closes. Sessions that were handed out live on.
  ~direct_listener();
  direct_listener(direct_listener&&) noexcept;
  direct_listener& operator=(direct_listener&&) noexcept;

  /// The next client that authenticated, or the next one that failed. Signature void(error_code, session).
  /// Errors   validate, connect, handshake, yamux: of one client; accept again. close/not_connected: the listener is
  ///          closed. Failures that nobody waits for are only reported to the observer.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
  auto async_accept(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, session)>(
        [](auto handler, direct_listener* self) {
          self->start_accept({std::move(handler), self->get_executor()});
        },
        token, this);
  }

  [[nodiscard]] executor_type get_executor() const noexcept;
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// ws or wss URL of this listener, with the address it is bound to.
  [[nodiscard]] std::string url() const;
  /// Takes another certificate for the clients to come; those that are here keep theirs. On an error nothing changes.
  /// Errors   validate/invalid_option when the listener has none; connect/upgrade_failed when it cannot be loaded.
  [[nodiscard]] error_code replace_certificate(const server_certificate& next);
  void close() noexcept;

  class impl;  ///< internal

 private:
  explicit direct_listener(std::shared_ptr<impl> state) noexcept;
  void start_accept(::flowersec::session::completion<error_code, session> done);

  std::shared_ptr<impl> impl_;
};

}  // namespace flowersec::endpoint
