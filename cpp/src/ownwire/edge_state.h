// What a blind front holds: sockets that wait, sockets that are joined.
// Layer ownwire, part `edge`, private, on Asio. Every member on one strand but counts().
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <mutex>
#include <unordered_set>

#include "flowersec/ownwire/edge.h"
#include "flowersec/ownwire/peer_message.h"
#include "flowersec/ws/accept.h"
#include "ownwire/front.h"

namespace flowersec::ownwire {

/// One socket of either side.
struct edge_link {
  ws::message_socket socket{};
  std::weak_ptr<edge_link> partner{};
  bool backend_side = false;
  bool joined = false;
  bool closing = false;  // its one close has begun
};

class edge_state : public std::enable_shared_from_this<edge_state> {
 public:
  edge_state(boost::asio::any_io_executor executor, edge_options options);

  [[nodiscard]] error_code open();
  void start();
  void stop(boost::asio::any_completion_handler<void(error_code)> done);
  void abort();
  void replace_token(std::string token) { options_.token = std::move(token); }

  [[nodiscard]] const serial_executor& serial() const noexcept { return serial_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return door_->local().port(); }
  [[nodiscard]] edge_counts counts() const;

 private:
  using link_ptr = std::shared_ptr<edge_link>;
  using self_ptr = std::shared_ptr<edge_state>;

  /// What the head of a request came to.
  struct request {
    bool backend = false;
    visitor_address from{};
  };
  struct backend_refused {
    unsigned status;
    std::string_view line;
    const char* why;
  };

  static boost::asio::awaitable<void> receive(self_ptr self, boost::asio::ip::tcp::socket socket, door::place place,
                                              bool busy);
  static boost::asio::awaitable<void> serve_user(self_ptr self, link_ptr user, visitor_address from);
  /// The oldest backend that waits and lives, told of the user; null when there is none.
  static boost::asio::awaitable<link_ptr> join(self_ptr self, link_ptr user, visitor_address from);
  /// Carries whole messages from this socket to its partner, one at a time, until one of them ends.
  static boost::asio::awaitable<void> pump(self_ptr self, link_ptr from);
  void end(const link_ptr& link, error_code why);
  /// Once for each socket; later calls do nothing.
  void close(const link_ptr& link, ws::close_code code, std::string_view reason);

  [[nodiscard]] ws::head_decision look_at(const ws::request_head& head, const boost::asio::ip::address& peer, bool busy,
                                          request& seen);
  [[nodiscard]] std::optional<backend_refused> backend_refusal(const ws::request_head& head) const;
  void report(gateway_event_kind kind, std::string remote_addr, std::string detail);
  void publish();
  void finish_stopping();

  serial_executor serial_;
  boost::asio::any_io_executor executor_;
  edge_options options_;
  visitors visitors_;
  network_list trusted_;
  origin_rule origins_;
  ws::socket_options socket_;
  std::shared_ptr<door> door_;
  std::deque<link_ptr> waiting_;  // oldest first
  std::unordered_set<link_ptr> links_;
  edge_counts counts_;
  mutable std::mutex counts_mutex_;  // of what other threads read
  edge_counts published_;
  boost::asio::steady_timer stop_timer_;
  bool stopping_ = false;
  std::vector<boost::asio::any_completion_handler<void(error_code)>> on_stopped_;
};

}  // namespace flowersec::ownwire
