// The state behind a message_socket: runs reader and sender over one non-blocking connection.
// Layer ws, private. Reading never waits for writing: answers to pings go into the sender's slots. Waits hold a
// reference to the connection; the public handle holds another and shuts the connection when it goes.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "flowersec/base/clock.h"
#include "flowersec/ws/message_socket.h"
#include "ws/frame_sender.h"
#include "ws/socket_io.h"

namespace flowersec::ws {

class message_connection : public std::enable_shared_from_this<message_connection> {
 public:
  using read_handler = boost::asio::any_completion_handler<void(error_code, received_message)>;
  using done_handler = boost::asio::any_completion_handler<void(error_code)>;

  /// `socket` is upgraded, `io` works on its descriptor; `received` came behind the upgrade, which selected
  /// `subprotocol`.
  message_connection(boost::asio::ip::tcp::socket socket, socket_io io, role own, const socket_options& options,
                     byte_view received, std::string subprotocol);

  /// Starts the keep-alive, if any. Once, after construction.
  void run();

  [[nodiscard]] boost::asio::any_io_executor executor() noexcept { return socket_.get_executor(); }
  [[nodiscard]] role own_role() const noexcept { return own_; }
  [[nodiscard]] std::string_view subprotocol() const noexcept { return subprotocol_; }
  [[nodiscard]] const std::optional<close_payload>& peer_close() const noexcept { return peer_close_; }

  void read(read_handler handler);
  [[nodiscard]] std::optional<received_message> try_read();
  void bound_messages(std::optional<message_bound> bound);
  [[nodiscard]] result<void> finish_frame(opcode op, mutable_byte_view frame, std::size_t payload_bytes);
  [[nodiscard]] std::optional<error_code> try_write(std::span<const byte_view> frames);
  void finish_write(done_handler handler);
  void write(std::span<const byte_view> frames, done_handler handler);
  void write_copy(opcode op, byte_view payload, done_handler handler);
  void find_peer_close();
  void close(const close_payload& payload, done_handler handler);

  /// Closes TCP now. What is pending completes with `pending`, what is called later with `later`.
  void shut(error_code pending, error_code later);

 private:
  enum class closing : std::uint8_t { no, under_way, finished };

  // Reading.
  struct read_outcome {
    error_code error;
    received_message message;
  };
  [[nodiscard]] std::optional<read_outcome> advance_reading();
  [[nodiscard]] std::optional<received_message> take_message();
  void receive();
  void on_no_input(const io_result& why);
  void on_control(const message_reader::control& control);
  void on_close_frame(byte_view payload);
  void on_violation(ws_errc error);
  void end_reading(error_code why);
  void complete_read(error_code error, received_message message = {});
  void resume_reading();

  // Writing.
  void advance_writing();
  void end_writing(error_code why);
  void queue_control(opcode op, byte_view payload);
  void complete_write(error_code error);

  // Closing.
  void advance_closing();
  [[nodiscard]] bool drain_some();
  void finish_closing(error_code error);

  // Waiting.
  /// The handler of a wait. Destroyed unused when the io_context goes away: then the pending handlers, which may own
  /// this connection through what they serve, have to go as well, or both would keep each other for ever.
  struct waiting {
    std::shared_ptr<message_connection> who;
    io_status direction;

    waiting(std::shared_ptr<message_connection> connection, io_status for_what) noexcept
        : who(std::move(connection)), direction(for_what) {}
    waiting(waiting&&) noexcept = default;
    waiting& operator=(waiting&&) = delete;
    ~waiting() {
      if (who) who->abandon();
    }
    /// What happened shows when the connection tries again.
    void operator()(error_code /*ignored*/) {
      const auto self = std::exchange(who, nullptr);
      self->wake(direction);
    }
  };
  void abandon() noexcept;
  void wait_for(io_status direction);
  void wake(io_status direction);
  void watch_silence();
  void on_silence();
  void note_input() noexcept;
  [[nodiscard]] bool keep_alive_by_limit(mono_time now);

  boost::asio::ip::tcp::socket socket_;
  socket_io io_;
  role own_;
  std::string subprotocol_;
  socket_options options_;
  message_reader reader_;
  std::optional<message_bound> bound_;
  frame_sender sender_;
  mask_key_source keys_;

  read_handler read_handler_;
  done_handler write_handler_;
  done_handler close_handler_;
  byte_buffer written_copy_;  ///< the frame of write_copy() under way

  std::optional<io_status> read_blocked_;   ///< what reading waits for
  std::optional<io_status> write_blocked_;  ///< what writing waits for
  bool waiting_readable_ = false;
  bool waiting_writable_ = false;
  bool kernel_drained_ = false;  ///< the last receive took all there was

  std::optional<error_code> read_ended_;   ///< why no more messages come
  std::optional<error_code> write_ended_;  ///< why no more bytes leave
  bool input_ended_ = false;               ///< the transport has no more bytes
  std::optional<close_payload> peer_close_;

  closing closing_ = closing::no;
  bool half_closed_ = false;
  std::size_t drained_bytes_ = 0;
  boost::asio::steady_timer close_timer_;
  boost::asio::steady_timer silence_timer_;
  bool heard_ = false;      ///< bytes arrived since the timer was set
  bool ping_sent_ = false;  ///< the ping of this silence is out
  // With a silence limit.
  mono_time heard_at_{};
  mono_time next_ping_{};
};

}  // namespace flowersec::ws
