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
                                              door::place place, bool busy);
  /// From the upgrade on.
  static boost::asio::awaitable<void> open(std::shared_ptr<public_desk> desk, ws::message_socket socket,
                                           visitor_address from);

  /// From now on closing says that the server ends. From any thread.
  void set_going_away() { *going_away_ = true; }

 private:
  [[nodiscard]] ws::head_decision look_at(const ws::request_head& head, const boost::asio::ip::address& peer, bool busy,
                                          visitor_address& from) const;
  void report(gateway_event event) const;

  std::shared_ptr<core> core_;
  public_port_options options_;
  endpoint::sealed_credentials credentials_;
  gateway_limits limits_;
  endpoint::common_options common_;
  ws::socket_options socket_;
  std::shared_ptr<std::atomic<bool>> going_away_ = std::make_shared<std::atomic<bool>>(false);
  network_list trusted_;
  origin_rule origins_;
};

}  // namespace flowersec::ownwire
