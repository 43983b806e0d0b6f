// Clients on their way in: the request, the limits of their address, the sealed session.
// Layer rendezvous, part `registry`, private, on Asio. Each connection runs on its own strand.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "flowersec/rendezvous/registry_server.h"
#include "flowersec/ws/accept.h"
#include "rendezvous/registry_core.h"
#include "ws/entrance.h"
#include "ws/origin_rule.h"

namespace flowersec::rendezvous {

/// What a request asked for.
struct registry_entrance {
  registry_server::transport how = registry_server::transport::clear;
  std::optional<public_key> path_key{};
  ws::visitor_address from{};
};

/// What all connections share. Immutable, but for the certificate, which is the core's strand's.
class registry_desk : public std::enable_shared_from_this<registry_desk> {
 public:
  /// Errors   registry_errc::invalid_option.
  [[nodiscard]] static result<std::shared_ptr<registry_desk>> make(std::shared_ptr<registry_core> core,
                                                                   const registry_options& options);

  /// On the core's strand: takes the connection to its own. `desk` outlives it.
  static void receive(const std::shared_ptr<registry_desk>& desk, boost::asio::ip::tcp::socket socket,
                      ws::entrance::place place);
  /// From the upgrade on. `place`: given back when the machine has let the socket in, or it is closed.
  static boost::asio::awaitable<void> serve(std::shared_ptr<registry_desk> desk, ws::message_socket socket,
                                            registry_entrance in, std::shared_ptr<ws::entrance::place> place);

  /// The places of those who are on their way in.
  [[nodiscard]] const std::shared_ptr<ws::entrance>& way_in() const noexcept { return way_in_; }
  void replace_tls(ws::tls_context next) { port_.tls = std::move(next); }
  /// From now on closing says that the server ends. From any thread.
  void set_going_away() { *going_away_ = true; }

 private:
  static boost::asio::awaitable<void> accept(std::shared_ptr<registry_desk> desk, boost::asio::ip::tcp::socket socket,
                                             ws::accept_options options, std::shared_ptr<registry_entrance> in,
                                             std::shared_ptr<ws::entrance::place> place);
  static boost::asio::awaitable<void> serve_sealed(std::shared_ptr<registry_desk> desk, ws::message_socket socket,
                                                   socket_id who, std::shared_ptr<ws::farewell> arriving,
                                                   std::string shown);
  [[nodiscard]] ws::head_decision look_at(const ws::request_head& head, const boost::asio::ip::address& peer, bool busy,
                                          registry_entrance& in) const;
  [[nodiscard]] std::optional<registry_entrance> entrance_of(const ws::request_head& head) const;

  std::shared_ptr<registry_core> core_;
  registry_port_options port_;
  endpoint::sealed_credentials credentials_;
  endpoint::common_options common_;
  registry_limits limits_;
  bool legacy_ = false;
  ws::socket_options socket_;
  std::shared_ptr<std::atomic<bool>> going_away_ = std::make_shared<std::atomic<bool>>(false);
  ws::network_list trusted_;
  std::shared_ptr<ws::entrance> way_in_;
  ws::origin_rule origins_;
};

}  // namespace flowersec::rendezvous
