// A channel to one contact: its session, the stream of messages on it, and the streams of the application.
// Layer rendezvous, part `client`, private. Runs on a strand. Reading never waits for writing.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "flowersec/base/json_frame.h"
#include "flowersec/endpoint/session.h"
#include "flowersec/rendezvous/secure_socket_client.h"
#include "rendezvous/channel_frames.h"
#include "rendezvous/registry_connection.h"

namespace flowersec::rendezvous {

/// Frames that wait for a contact which does not read; beyond them the channel is given up. Bytes: those of the queue
/// of messages, twice, since they are there again when a channel takes another's place; and acknowledgements.
inline constexpr std::size_t max_channel_outbox_frames = 1'024;

/// Who hears of a channel. After lost() nothing more.
struct channel_listener {
  std::function<void(const channel_frame&)> frame;
  /// More of the message of this number has left; the last time all of it has.
  std::function<void(std::uint64_t)> moved;
  /// The application was given a stream.
  std::function<void()> used;
  std::function<void(error_code)> lost;
};

struct channel_services {
  std::map<std::string, contact_stream_handler, std::less<>> on_stream;
  std::function<rpc::router(const identity::public_key& peer)> make_rpc;
};

class contact_channel : public std::enable_shared_from_this<contact_channel> {
 public:
  contact_channel(client_strand serial, endpoint::session up, channel_listener listener)
      : serial_(std::move(serial)), session_(std::move(up)), listener_(std::move(listener)), leave_timer_(serial_) {}

  void begin(const public_key& peer, const channel_services& services);
  /// In order, also before there is a stream.
  void send(const channel_frame& frame);
  /// Ends it at once; the listener hears nothing more.
  void drop();
  /// Ends it when what was sent has left, for which it has 2 s, and calls `gone` then.
  void leave(std::function<void()> gone);
  [[nodiscard]] const endpoint::session& session() const noexcept { return session_; }

 private:
  [[nodiscard]] endpoint::stream_router make_router(const public_key& peer, const channel_services& services);
  static boost::asio::awaitable<void> take_messages(std::weak_ptr<contact_channel> channel, flowersec::stream opened);
  static boost::asio::awaitable<void> serve_other(std::weak_ptr<contact_channel> channel, public_key peer,
                                                  contact_stream_handler serve, flowersec::stream opened);
  void on_stream(flowersec::stream opened);
  void read();
  void on_read(error_code failed, std::size_t bytes);
  void write();
  void write_piece();
  void on_written(error_code failed);
  void close_session();
  void lose(error_code why);

  static constexpr std::chrono::seconds leave_time{2};
  static constexpr std::size_t read_bytes = 16'384;
  /// So often is told of the way of a message: a slow link is none that is dead.
  static constexpr std::size_t piece_bytes = 65'536;

  client_strand serial_;
  endpoint::session session_;
  channel_listener listener_;
  flowersec::stream stream_;
  json_frame_splitter splitter_{max_message_frame_bytes};
  std::array<std::byte, read_bytes> input_;
  struct outgoing {
    byte_buffer bytes;
    std::optional<std::uint64_t> message;
    std::size_t written = 0;
  };
  std::deque<outgoing> queue_;
  outgoing writing_;
  bool is_writing_ = false;
  bool over_ = false;
  std::function<void()> gone_;  ///< set while leaving
  boost::asio::steady_timer leave_timer_;
};

}  // namespace flowersec::rendezvous
