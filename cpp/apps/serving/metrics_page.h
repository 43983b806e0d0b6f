// A listener of its own for /metrics.
// Layer apps, on the http server. Runs on the context it is given.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>

#include "cli/problem.h"
#include "flowersec/http/server.h"
#include "serving/metrics_text.h"

namespace flowersec::apps {

class metrics_page {
 public:
  /// Scrapers at once; later ones wait in the kernel's queue.
  static constexpr std::size_t most_clients = 16;

  /// Binds `listen` (host:port) and serves. `families` is called for each request; what the process uses and
  /// `build_family`, whose labels say which build runs, are added. Problems name the flag.
  [[nodiscard]] static or_problem<metrics_page> open(boost::asio::io_context& context, const std::string& listen,
                                                     std::string build_family,
                                                     std::function<std::vector<metric_family>()> families);

  /// host:port as bound, IPv6 in brackets.
  [[nodiscard]] std::string bound_address() const;
  void abort() noexcept { server_->abort(); }

 private:
  explicit metrics_page(std::unique_ptr<http::server> server) noexcept : server_(std::move(server)) {}

  std::unique_ptr<http::server> server_;
};

}  // namespace flowersec::apps
