// One client of a registry, between its socket and the machine.
// Layer rendezvous, part `registry`, private, on Asio. The socket has a strand of its own; the machine speaks from the
// core's.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

#include "flowersec/endpoint/session.h"
#include "flowersec/ws/message_socket.h"
#include "rendezvous/registry_core.h"

namespace flowersec::rendezvous {

class registry_link : public client_side, public std::enable_shared_from_this<registry_link> {
 public:
  [[nodiscard]] bool send(std::string text) override;
  [[nodiscard]] bool has_room() const override { return queued_ < max_queued_ / 2; }
  void end(std::uint16_t close_code, std::string reason) override;

  /// Until the connection is over. On the socket's strand.
  static boost::asio::awaitable<void> live(std::shared_ptr<registry_link> self);

 protected:
  registry_link(std::shared_ptr<registry_core> core, socket_id who, boost::asio::any_io_executor strand,
                const registry_limits& limits);

  /// Frames to the machine until the connection ends.
  virtual boost::asio::awaitable<void> read() = 0;
  virtual boost::asio::awaitable<bool> write(const std::string& text) = 0;
  virtual boost::asio::awaitable<void> close(std::uint16_t close_code, const std::string& reason) = 0;
  virtual void abort() = 0;

  boost::asio::awaitable<void> tell_frame(std::string_view text);
  boost::asio::awaitable<void> tell_bad_frame();

 private:
  static boost::asio::awaitable<void> write_all(std::shared_ptr<registry_link> self);
  void wake();

  std::shared_ptr<registry_core> core_;
  socket_id who_;
  boost::asio::any_io_executor strand_;
  std::size_t max_queued_;
  std::chrono::milliseconds linger_;
  std::atomic<std::size_t> queued_{0};
  // On the socket's strand.
  std::deque<std::string> queue_;
  bool writing_ = false;
  bool over_ = false;
  std::optional<std::pair<std::uint16_t, std::string>> ending_;
  boost::asio::steady_timer late_;
};

/// Texts of a WebSocket.
[[nodiscard]] std::shared_ptr<registry_link> make_link(std::shared_ptr<registry_core> core, socket_id who,
                                                       ws::message_socket socket, const registry_limits& limits);
/// JSON frames on the stream rv/registry of a session, whose own executor may have several threads: `strand` is the
/// socket's.
[[nodiscard]] std::shared_ptr<registry_link> make_link(std::shared_ptr<registry_core> core, socket_id who,
                                                       boost::asio::any_io_executor strand, endpoint::session session,
                                                       stream frames, const registry_limits& limits);

/// Runs `function` on the core's strand and comes back.
template <class F>
boost::asio::awaitable<std::invoke_result_t<F>> run_now(F function) {
  co_return function();
}
template <class F>
auto on_core(const registry_core& core, F function) {
  return boost::asio::co_spawn(core.serial(), run_now(std::move(function)), boost::asio::use_awaitable);
}

}  // namespace flowersec::rendezvous
