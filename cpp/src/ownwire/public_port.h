// Users on their way in: the request, the limits of their address, the encrypted session.
// Layer ownwire, private, on Asio. Each connection runs on its own strand until it is a user_link.
// Source: PROTOCOL, "OwnWire, public WebSocket".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "flowersec/ownwire/gateway.h"
#include "flowersec/ws/accept.h"
#include "ownwire/core.h"
#include "ownwire/front.h"

namespace flowersec::ownwire {

/// What all connections share. Immutable.
class public_desk : public std::enable_shared_from_this<public_desk> {
 public:
  /// Errors   gateway_errc::invalid_option.
  [[nodiscard]] static result<std::shared_ptr<public_desk>> make(std::shared_ptr<core> owner,
                                                                 const gateway_options& options);

  /// `desk` outlives the connection.
  static boost::asio::awaitable<void> receive(std::shared_ptr<public_desk> desk, boost::asio::ip::tcp::socket socket,
                                              entrance::place place);
  /// From the upgrade on, for one that was upgraded elsewhere.
  static boost::asio::awaitable<void> adopt(std::shared_ptr<public_desk> desk, ws::message_socket socket,
                                            visitor_address from);

  /// At the door: until the request is answered.
  [[nodiscard]] std::shared_ptr<entrance> way_in() const {
    return std::make_shared<entrance>(options_.max_requests, options_.max_requests_per_address, trusted_);
  }
  /// From now on closing says that the server ends. From any thread.
  void set_going_away() { *going_away_ = true; }

 private:
  /// A user whose request has been read, and the place of the handshake, or of being told that there is none.
  struct arrival {
    visitor_address from;
    std::optional<entrance::place> handshake{};
    std::optional<entrance::place> refusal{};
  };
  static boost::asio::awaitable<void> open(std::shared_ptr<public_desk> desk, ws::message_socket socket, arrival user);
  [[nodiscard]] ws::head_decision look_at(const ws::request_head& head, const boost::asio::ip::address& peer, bool busy,
                                          arrival& user) const;
  void report_refused(gateway_event event) const;

  std::shared_ptr<core> core_;
  public_port_options options_;
  endpoint::sealed_credentials credentials_;
  gateway_limits limits_;
  endpoint::common_options common_;
  ws::socket_options socket_;
  std::shared_ptr<std::atomic<bool>> going_away_ = std::make_shared<std::atomic<bool>>(false);
  network_list trusted_;
  std::shared_ptr<entrance> handshakes_;
  std::shared_ptr<entrance> refusals_;
  origin_rule origins_;
};

}  // namespace flowersec::ownwire
