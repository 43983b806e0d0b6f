// Internal clients on their way in: /ws in clear (or TLS), /e2ee encrypted by the stack itself, /healthz.
// Layer ownwire, private, on Asio. On the core's strand. Source: PROTOCOL, "OwnWire, internal WebSocket".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "flowersec/ownwire/gateway.h"
#include "flowersec/ws/accept.h"
#include "ownwire/core.h"

namespace flowersec::ownwire {

class internal_desk {
 public:
  /// Errors   gateway_errc::invalid_option.
  [[nodiscard]] static result<std::shared_ptr<internal_desk>> make(std::shared_ptr<core> owner,
                                                                   gateway_options& options);

  static boost::asio::awaitable<void> receive(std::shared_ptr<internal_desk> desk, boost::asio::ip::tcp::socket socket,
                                              entrance::place place);

  void replace_tls(ws::tls_context next) { tls_ = std::move(next); }
  /// From now on closing says that the server ends. From any thread.
  void set_going_away() { *going_away_ = true; }
  void replace_token(std::optional<std::string> token) { token_ = std::move(token); }

 private:
  /// What the head of a request came to.
  struct request {
    enum class path : std::uint8_t { none, clear, encrypted } where = path::none;
    dialect how = dialect::compatible;
  };
  [[nodiscard]] ws::head_decision look_at(const ws::request_head& head, const std::string& peer, bool busy,
                                          request& seen) const;
  [[nodiscard]] bool knows_token(const ws::request_head& head) const;
  [[nodiscard]] ws::head_answer refuse(unsigned status, std::string_view line, const std::string& peer,
                                       std::string_view why) const;
  [[nodiscard]] endpoint::credential_resolver resolver() const;

  std::shared_ptr<core> core_;
  std::optional<std::string> token_;
  std::optional<ws::tls_context> tls_;
  std::shared_ptr<const internal_link_credential> link_;
  gateway_limits limits_;
  endpoint::common_options common_;
  ws::socket_options socket_;
  std::shared_ptr<std::atomic<bool>> going_away_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace flowersec::ownwire
