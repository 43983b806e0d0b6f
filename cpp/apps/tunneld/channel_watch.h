// Tells an external authorizer at intervals which channels are open, and carries out what it decides about them.
// Layer apps, on the http client and the tunnel's reports. Everything happens on the context it is given, which one
// thread runs; that thread also starts and stops the tunnel.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "flowersec/http/client.h"
#include "flowersec/tunnel/server.h"
#include "tunneld/authorizer_options.h"
#include "tunneld/quiet_time.h"

namespace flowersec::apps {

class channel_watch {
 public:
  /// `context` and `server` outlive it, and `options.observe` is set. The first round is one interval away.
  channel_watch(boost::asio::io_context& context, tunnel::server& server, authorizer_options options,
                std::shared_ptr<ssl_ctx_st> trust);
  channel_watch(const channel_watch&) = delete;
  channel_watch& operator=(const channel_watch&) = delete;

 private:
  void wait();
  void begin_round();
  /// Asks about the next channels of the round, one batch after the other.
  void ask_next();
  void on_answer(error_code error, const http::response& response);

  boost::asio::io_context& context_;
  tunnel::server& server_;
  const authorizer_options options_;
  const std::shared_ptr<ssl_ctx_st> trust_;
  boost::asio::steady_timer timer_;
  std::int64_t round_unix_ms_ = 0;
  std::vector<tunnel::channel_report> round_;
  std::size_t asked_ = 0;  ///< channels of this round that were sent
  quiet_time complaints_{std::chrono::seconds{10}};
};

}  // namespace flowersec::apps
