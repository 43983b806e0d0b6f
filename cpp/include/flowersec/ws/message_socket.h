// A WebSocket connection of an endpoint: whole messages in, whole frames out, closing, keep-alive.
// Layer ws, on Asio. Knows nothing of what the messages carry. TCP and TLS look the same from outside.
// Threading: every call and every completion on the socket's executor (a strand if that is shared by threads).
// Source: RFC 6455; PROTOCOL, "WebSocket use".
#pragma once

#include <atomic>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "flowersec/ws/close.h"
#include "flowersec/ws/frame.h"
#include "flowersec/ws/message_reader.h"

namespace flowersec::ws {

struct socket_options {
  reader_limits limits{};
  /// Silence after which a ping is sent; a second silence of this length ends the connection with peer_silent.
  /// With silence_limit, a ping goes out every ping_after instead, whatever is heard: it also keeps proxies on the way
  /// from giving up a connection on which only the peer speaks. nullopt: never ping.
  /// Needs a read under way to see the answer.
  std::optional<std::chrono::milliseconds> ping_after{};
  /// Silence that ends the connection with peer_silent: no byte of the peer, be it data or a pong. Longer than
  /// ping_after. nullopt: as ping_after has it.
  std::optional<std::chrono::milliseconds> silence_limit{};
  /// Shared by the sockets of one server. While it is true, a normal close says going_away instead: the server ends.
  std::shared_ptr<const std::atomic<bool>> going_away{};
  /// How long a graceful close may take: sending what is queued, the peer's close frame, the end of TCP.
  std::chrono::milliseconds close_timeout{2000};
  /// Bytes of a peer that goes on sending which a graceful close reads and drops before it gives up.
  std::size_t max_close_drain_bytes = 1048576;

  [[nodiscard]] bool validate() const noexcept;
};

struct received_message {
  message_kind kind = message_kind::binary;
  /// May be changed in place. Valid until the next read on the socket starts.
  mutable_byte_view payload;
};

/// A smaller limit than reader_limits::max_message_bytes, and what is said to a peer that exceeds it.
struct message_bound {
  std::uint64_t max_bytes = 0;  ///< at least 1
  close_payload said{};
};

class message_connection;

/// Move-only. Destroying it closes TCP at once; pending operations complete with operation_aborted.
class message_socket {
 public:
  using executor_type = boost::asio::any_io_executor;

  message_socket() noexcept = default;
  explicit message_socket(std::shared_ptr<message_connection> connection) noexcept;
  message_socket(message_socket&& other) noexcept = default;
  message_socket& operator=(message_socket&& other) noexcept;
  ~message_socket();

  [[nodiscard]] explicit operator bool() const noexcept { return connection_ != nullptr; }
  [[nodiscard]] executor_type get_executor() const noexcept;
  [[nodiscard]] role own_role() const noexcept;
  /// What the server selected of what the client offered; empty for nothing. Valid while the socket lives.
  [[nodiscard]] std::string_view subprotocol() const noexcept;

  /// Reads one message; one read at a time. Pings met on the way are answered, also while a write is under way.
  /// Completion    void(error_code, received_message)
  /// Cancellation  leaves the connection whole; the next read continues.
  /// Errors        closed_by_peer (see peer_close()), abrupt_end, closed_locally, peer_silent, message_too_big and
  ///               the other violations, or the transport's. Each ends the connection: call async_close() so that
  ///               the peer learns why, or abort().
  template <typename Token = boost::asio::use_awaitable_t<>>
  auto async_read_message(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, received_message)>(
        [this](auto handler) { start_read(std::move(handler)); }, token);
  }

  /// The next message if it has arrived whole already; nullopt when only async_read_message() can tell more.
  /// Spares a completion for each but the first of the messages that are there. A caller that goes on for ever serves
  /// nobody else. No read may be under way.
  [[nodiscard]] std::optional<received_message> try_read_message();

  /// From the next message on, until it is called again: a limit of its own, checked at the frame header as well; then
  /// a longer one fails the read with message_too_big as ever, but the peer hears `said` instead of 1009. nullopt: the
  /// limit of the socket's options, which must be the larger one. No read may be under way.
  void bound_messages(std::optional<message_bound> bound);

  /// Header room that a payload of this size needs in front of it.
  [[nodiscard]] std::size_t header_bytes(std::size_t payload_bytes) const noexcept {
    return frame_header_bytes(payload_bytes, own_role() == role::client);
  }
  /// Makes one frame in place: writes the header and, on a client, masks the payload.
  /// Shape    `frame` is header_bytes(payload_bytes) of room, then the payload.
  /// Errors   random_failed.
  [[nodiscard]] result<void> finish_frame(message_kind kind, mutable_byte_view frame, std::size_t payload_bytes);

  /// Writes finished frames; one write at a time. A piece is one or several whole frames in one buffer; all pieces
  /// go out in as few system calls as the kernel allows, and a pong may slip between two pieces.
  /// Ownership     the bytes live until completion; the span itself is copied.
  /// Completion    void(error_code)
  /// Cancellation  ends the connection, since a frame may be out by half.
  template <typename Token = boost::asio::use_awaitable_t<>>
  auto async_write_frames(std::span<const byte_view> pieces, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [this](auto handler, std::span<const byte_view> frames) { start_write(frames, std::move(handler)); }, token,
        pieces);
  }

  /// The same without waiting: what the kernel takes at once goes out. nullopt: not all of it did, and
  /// async_finish_write() must follow before anything else is written.
  [[nodiscard]] std::optional<error_code> try_write_frames(std::span<const byte_view> pieces);

  /// Waits for the rest of what try_write_frames() began. Ownership, completion and cancellation as above.
  template <typename Token = boost::asio::use_awaitable_t<>>
  auto async_finish_write(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [this](auto handler) { start_finish_write(std::move(handler)); }, token);
  }

  /// Frames, masks and writes a copy of `payload`: for short, rare messages.
  template <typename Token = boost::asio::use_awaitable_t<>>
  auto async_write_message(message_kind kind, byte_view payload, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [this](auto handler, message_kind k, byte_view bytes) { start_write_copy(k, bytes, std::move(handler)); },
        token, kind, payload);
  }

  /// Sends a close frame behind the write under way, waits for the peer's, ends TLS and TCP; all of it within
  /// close_timeout. A pending read completes with closed_locally. Safe after any error; the second call waits too.
  /// Completion    void(error_code), success when the peer answered or ended the connection as well
  /// Cancellation  aborts.
  template <typename Token = boost::asio::use_awaitable_t<>>
  auto async_close(close_code code, std::string_view reason, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [this](auto handler, close_code why, const std::string& text) { start_close(why, text, std::move(handler)); },
        token, code, std::string{reason});
  }

  /// Closes TCP at once, without a close frame. Idempotent.
  void abort() noexcept;

  /// After a failed write: looks for the peer's close frame in what had arrived by then, because a peer that closes
  /// says why before its end of TCP fails our write. Messages in front of it are dropped, up to max_close_drain_bytes.
  void find_peer_close();

  /// What the peer's close frame said, once a read completed with closed_by_peer or find_peer_close() found it. The
  /// reason text carries meaning during an attach.
  [[nodiscard]] const std::optional<close_payload>& peer_close() const noexcept;

 private:
  using read_handler = boost::asio::any_completion_handler<void(error_code, received_message)>;
  using done_handler = boost::asio::any_completion_handler<void(error_code)>;

  void start_read(read_handler handler);
  void start_write(std::span<const byte_view> frames, done_handler handler);
  void start_finish_write(done_handler handler);
  void start_write_copy(message_kind kind, byte_view payload, done_handler handler);
  void start_close(close_code code, const std::string& reason, done_handler handler);

  std::shared_ptr<message_connection> connection_;
};

}  // namespace flowersec::ws
