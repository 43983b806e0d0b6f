// One user: the stream ownwire/chat of an encrypted session, between the socket and the hub.
// Layer ownwire, private, on Asio. Runs on the core's strand; the session has its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "flowersec/endpoint/session.h"
#include "ownwire/core.h"

namespace flowersec::ownwire {

class user_link final : public user_side, public std::enable_shared_from_this<user_link> {
 public:
  user_link(std::shared_ptr<core> owner, connection_id who, endpoint::session session, const gateway_limits& limits);

  /// Starts it; the link lives until the session is over, and removes itself.
  void start();

  void wake() override;
  void end(enum end_user::how how) override;
  void abort() override;

 private:
  static boost::asio::awaitable<void> live(std::shared_ptr<user_link> self);
  static boost::asio::awaitable<void> refuse_streams(std::shared_ptr<user_link> self);
  static boost::asio::awaitable<void> write(std::shared_ptr<user_link> self);
  boost::asio::awaitable<void> accept_chat();
  boost::asio::awaitable<void> read();
  boost::asio::awaitable<void> finish();

  std::shared_ptr<core> core_;
  connection_id who_;
  endpoint::session session_;
  stream chat_;
  std::chrono::milliseconds linger_;
  bool writing_ = false;
  std::optional<enum end_user::how> ending_{};
  boost::asio::steady_timer lingering_;  // cancelled when the user's side has closed
  bool user_closed_ = false;
};

}  // namespace flowersec::ownwire
