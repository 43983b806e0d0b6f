// Asks an external authorizer over HTTP whether an endpoint may attach.
// Layer apps, on the http client. Calls come from the tunnel's I/O threads; everything else happens on the context it
// is given, which one thread runs. It fails closed: no usable answer is no permission.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>

#include "flowersec/http/client.h"
#include "flowersec/tunnel/policy.h"
#include "tunneld/authorizer_options.h"
#include "tunneld/quiet_time.h"

namespace flowersec::apps {

class authorizer final : public tunnel::attach_policy, public std::enable_shared_from_this<authorizer> {
 public:
  /// Attaches asked about at once; later ones wait in line, within the same time-out. Each costs a socket, and an
  /// authorizer can make us hold this many response bodies.
  static constexpr std::size_t most_calls = 128;

  /// `context` outlives it. `trust` is from http::load_client_tls, nullptr for plain http.
  authorizer(boost::asio::io_context& context, authorizer_options options, std::shared_ptr<ssl_ctx_st> trust);

  void decide(tunnel::attach_query query, std::stop_token abandoned,
              std::function<void(std::optional<tunnel::attach_decision>)> answer) override;

 private:
  struct call;
  void enqueue(std::shared_ptr<call> asked);
  void start_waiting();
  void start(const std::shared_ptr<call>& asked, std::chrono::milliseconds time_left);
  void finish(call& asked, error_code error, const http::response& response);

  boost::asio::io_context& context_;
  const authorizer_options options_;
  const std::shared_ptr<ssl_ctx_st> trust_;
  std::size_t running_ = 0;
  std::deque<std::shared_ptr<call>> waiting_;
  quiet_time complaints_{std::chrono::seconds{10}};
};

/// What a response says went wrong, for the log; empty when its body may be read.
[[nodiscard]] std::string failure_of(error_code error, const http::response& response);

}  // namespace flowersec::apps
