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

/// A user who waits for a backend.
struct edge_turn {
  explicit edge_turn(serial_executor serial) : timer(std::move(serial)) {}

  boost::asio::steady_timer::time_point deadline{};
  boost::asio::steady_timer timer;  // runs out when the wait is over, whatever ends it
  std::shared_ptr<struct edge_link> backend{};
  std::optional<error_code> left{};
};

/// One socket of either side.
struct edge_link {
  /// A message read before there was a backend.
  struct held_message {
    ws::message_kind kind;
    byte_buffer bytes;
  };

  ws::message_socket socket{};
  std::weak_ptr<edge_link> partner{};
  std::shared_ptr<edge_turn> turn{};
  std::deque<held_message> held{};
  std::size_t held_bytes = 0;
  bool backend_side = false;
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

  static boost::asio::awaitable<void> receive(self_ptr self, boost::asio::ip::tcp::socket socket,
                                              entrance::place place);
  static boost::asio::awaitable<void> serve_user(self_ptr self, link_ptr user, visitor_address from);
  /// The oldest backend that waits and lives, told of the user; null when there is none in time, or the user left.
  static boost::asio::awaitable<link_ptr> join(self_ptr self, link_ptr user, visitor_address from);
  /// Until a backend is given to the user, the user leaves, or the time is over. What it says meanwhile is held, so
  /// that its end is noticed, up to a bound.
  static boost::asio::awaitable<void> await_turn(self_ptr self, link_ptr user);
  static boost::asio::awaitable<void> hold_one(link_ptr user);
  /// The one given to the user, else one that waits; null when the user is gone.
  [[nodiscard]] link_ptr take_backend(const link_ptr& user);
  /// A backend that has nobody: for the user who waits longest, or to wait itself.
  void give(link_ptr backend);
  /// Carries whole messages from this socket to its partner, one at a time, until one of them ends.
  static boost::asio::awaitable<void> pump(self_ptr self, link_ptr from);
  /// False when the message did not go out. `frame` is room for it.
  static boost::asio::awaitable<bool> pass_on(self_ptr self, link_ptr from, ws::message_kind kind, byte_view payload,
                                              byte_buffer& frame);
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
  std::deque<link_ptr> queue_;    // users, the same; one of the two is empty
  std::unordered_set<link_ptr> links_;
  std::size_t backends_ = 0;  // joined or not
  edge_counts counts_;
  mutable std::mutex counts_mutex_;  // of what other threads read
  edge_counts published_;
  boost::asio::steady_timer stop_timer_;
  bool stopping_ = false;
  std::vector<boost::asio::any_completion_handler<void(error_code)>> on_stopped_;
};

}  // namespace flowersec::ownwire
