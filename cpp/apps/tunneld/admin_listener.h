// A listener of its own for one page that operators or their programs read: metrics, statistics.
// Layer apps, on the http server. Runs on the context it is given.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/http/server.h"
#include "flowersec/tunnel/server.h"

namespace flowersec::apps {

class admin_listener {
 public:
  /// Clients that one page serves at once; later ones wait in the kernel's queue. A client can make us hold one page.
  static constexpr std::size_t most_clients = 16;

  /// Binds `listen` (host:port) and serves. With TLS when `tls` is set.
  /// Errors   tunnel_errc::bad_listen_address, those of http::load_server_tls, the system's of resolve and bind.
  [[nodiscard]] static result<admin_listener> open(boost::asio::io_context& context, const std::string& listen,
                                                   const std::optional<tunnel::tls_files>& tls,
                                                   http::request_handler handler);

  /// host:port as bound, IPv6 in brackets.
  [[nodiscard]] std::string bound_address() const;
  /// For later connections.
  void replace_tls(std::shared_ptr<ssl_ctx_st> context) { server_->replace_tls(std::move(context)); }
  /// Stops them in their order: no more clients, and answers under way go out for at most `limit`, shared by all.
  /// Runs `context` until that is done.
  static void stop_all(boost::asio::io_context& context, const std::vector<admin_listener*>& listeners,
                       std::chrono::milliseconds limit);

 private:
  explicit admin_listener(std::unique_ptr<http::server> server) noexcept : server_(std::move(server)) {}

  std::unique_ptr<http::server> server_;
};

}  // namespace flowersec::apps
