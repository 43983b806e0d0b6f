// One connection of a chat client: dialled, authenticated, with the one stream open. What is said on it goes to a
// machine. Layer ownwire, part `client`, private. Runs on a strand. Reading never waits for writing.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <deque>
#include <memory>

#include "endpoint/attempt.h"
#include "flowersec/base/json_frame.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/ownwire/frames.h"

namespace flowersec::ownwire {

/// Who hears of a connection. After on_lost() nothing more.
class connection_user {
 public:
  virtual ~connection_user() = default;
  virtual void on_opened(std::uint64_t id) = 0;
  virtual void on_frame(std::uint64_t id, const gateway_frame& frame) = 0;
  /// `draining`: the other side said that it is going away.
  virtual void on_lost(std::uint64_t id, error_code why, bool draining) = 0;
};

class client_connection : public std::enable_shared_from_this<client_connection> {
 public:
  using strand = boost::asio::strand<boost::asio::any_io_executor>;

  client_connection(strand serial, std::uint64_t id, std::weak_ptr<connection_user> user)
      : serial_(std::move(serial)), id_(id), user_(std::move(user)), leave_timer_(serial_) {}

  void dial(const endpoint::sealed_connect_info& info, endpoint::connect_options options);
  /// In order. A frame that says again what the one before it says takes its place, so that a gateway that does not
  /// read makes us hold little.
  void send(user_frame frame);
  /// Ends it at once; the user hears nothing more.
  void drop();
  /// Ends it behind a `bye`, when the gateway has or after 2 s, and calls `gone` then. Were it ended before, the end of
  /// the session could overtake what was sent.
  void leave(std::function<void()> gone);

 private:
  void on_dialled(error_code failed, endpoint::session up);
  void on_stream(error_code failed, flowersec::stream opened);
  void read();
  void on_read(error_code failed, std::size_t bytes);
  void write();
  void on_written(error_code failed);
  void close_session();
  void lose_with_session(error_code why);
  void lose(error_code why, bool draining = false);

  /// For the gateway to take what was sent and to end it, when the user ends the chat.
  static constexpr std::chrono::seconds leave_time{2};
  static constexpr std::size_t read_bytes = 16'384;

  strand serial_;
  std::uint64_t id_;
  std::weak_ptr<connection_user> user_;
  boost::asio::cancellation_signal stop_dialling_;
  std::shared_ptr<endpoint::attempt_hint> hint_ = std::make_shared<endpoint::attempt_hint>();
  endpoint::session session_;
  flowersec::stream stream_;
  json_frame_splitter splitter_{max_chat_frame_bytes};
  std::array<std::byte, read_bytes> input_;
  std::deque<user_frame> queue_;
  byte_buffer writing_;
  bool is_writing_ = false;
  bool over_ = false;
  std::function<void()> gone_;  ///< set while leaving
  boost::asio::steady_timer leave_timer_;
};

}  // namespace flowersec::ownwire
