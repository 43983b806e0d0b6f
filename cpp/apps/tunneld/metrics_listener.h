// A listener of its own for /metrics.
// Layer apps, on the http server. Runs on the context it is given.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "flowersec/tunnel/server.h"
#include "tunneld/admin_listener.h"

namespace flowersec::apps {

class metrics_listener {
 public:
  /// Binds `listen` (host:port) and serves `tunnel`'s metrics, 404 while they are disabled. With TLS when `tls` is set.
  /// `tunnel` must outlive the listener.
  /// Errors   tunnel_errc::bad_listen_address, those of http::load_server_tls, the system's of resolve and bind.
  [[nodiscard]] static result<metrics_listener> open(boost::asio::io_context& context, const std::string& listen,
                                                     const std::optional<tunnel::tls_files>& tls,
                                                     const tunnel::server& tunnel);

  /// host:port as bound, IPv6 in brackets.
  [[nodiscard]] std::string bound_address() const { return listener_.bound_address(); }
  [[nodiscard]] admin_listener& listener() noexcept { return listener_; }
  /// For later connections.
  void replace_tls(std::shared_ptr<ssl_ctx_st> context) { listener_.replace_tls(std::move(context)); }

 private:
  explicit metrics_listener(admin_listener listener) noexcept : listener_(std::move(listener)) {}

  admin_listener listener_;
};

}  // namespace flowersec::apps
