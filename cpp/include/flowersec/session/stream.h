// One byte stream of a session, shaped like a socket.
// Layer session. Models Asio's AsyncReadStream and AsyncWriteStream, so that asio::async_read, Beast and
// asio::ssl::stream run over it. Source: PROTOCOL, "Yamux" and "Stream hello".
// Threads: every member may be called from any thread; work is posted to the session's strand, handlers run on their
// own executor. At most one read and one write may be under way, as with any Asio stream.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"
#include "flowersec/session/completion.h"

namespace flowersec {

namespace session {
class link;

/// The first pieces of a buffer sequence, not empty ones; what is beyond waits for the next operation.
struct write_buffers {
  static constexpr std::size_t max_pieces = 16;

  std::array<byte_view, max_pieces> pieces{};
  std::size_t count = 0;

  template <class ConstBufferSequence>
  [[nodiscard]] static write_buffers of(const ConstBufferSequence& buffers) {
    write_buffers list;
    for (auto at = boost::asio::buffer_sequence_begin(buffers), end = boost::asio::buffer_sequence_end(buffers);
         at != end && list.count < max_pieces; ++at) {
      const boost::asio::const_buffer piece{*at};
      if (piece.size() != 0) list.pieces[list.count++] = {static_cast<const std::byte*>(piece.data()), piece.size()};
    }
    return list;
  }
};

/// The first buffer of a sequence that is not empty: one read fills at most one.
template <class MutableBufferSequence>
[[nodiscard]] mutable_byte_view first_buffer(const MutableBufferSequence& buffers) {
  for (auto at = boost::asio::buffer_sequence_begin(buffers), end = boost::asio::buffer_sequence_end(buffers);
       at != end; ++at) {
    const boost::asio::mutable_buffer piece{*at};
    if (piece.size() != 0) return {static_cast<std::byte*>(piece.data()), piece.size()};
  }
  return {};
}

}  // namespace session

/// Move-only. Destroying it gives the stream up: with the sending half closed and no write under way, what was written
/// still arrives and further input is discarded for a while; otherwise the stream is reset.
class stream {
 public:
  using executor_type = boost::asio::any_io_executor;
  using lowest_layer_type = stream;

  /// No stream: every operation fails with asio::error::bad_descriptor.
  stream() noexcept = default;
  stream(stream&& other) noexcept;
  stream& operator=(stream&& other) noexcept;
  ~stream();

  [[nodiscard]] executor_type get_executor() const noexcept;
  [[nodiscard]] lowest_layer_type& lowest_layer() noexcept { return *this; }
  [[nodiscard]] const lowest_layer_type& lowest_layer() const noexcept { return *this; }
  [[nodiscard]] explicit operator bool() const noexcept { return link_ != nullptr; }
  /// The number of the stream within its session, for logs.
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }

  /// Reads at least one byte, at most one buffer's worth. Signature void(error_code, std::size_t).
  /// Ownership the buffers must stay until the handler runs.
  /// Cancellation by the handler's slot or cancel(): operation_aborted; bytes that arrived are not lost.
  /// Errors   asio::error::eof after the peer closed its sending half and everything was read; connection_reset when
  ///          either side reset the stream or the session ended; already_started for a second read.
  template <class MutableBufferSequence, BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, std::size_t))
                                             Token = boost::asio::use_awaitable_t<boost::asio::any_io_executor>>
  auto async_read_some(const MutableBufferSequence& buffers, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [](auto handler, stream* self, mutable_byte_view into) {
          self->start_read(into, {std::move(handler), self->get_executor()});
        },
        token, this, session::first_buffer(buffers));
  }

  /// Writes at least one byte. Completes when the bytes are encrypted and on their way, so that a slow peer slows the
  /// writer down: nothing is queued beyond one batch per session. Signature void(error_code, std::size_t).
  /// Ownership the buffers must stay until the handler runs.
  /// Cancellation operation_aborted when nothing was sent yet; otherwise the count of what was. Behind
  ///          async_shutdown_send it resets the stream, because the peer must not take a part for the whole.
  /// Errors   connection_reset as above; asio::error::shut_down after async_shutdown_send; already_started;
  ///          secure/resource_exhausted when the writes of all streams hold max_outbound_buffered_bytes already:
  ///          nothing was taken, and the stream lives.
  template <class ConstBufferSequence, BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, std::size_t))
                                           Token = boost::asio::use_awaitable_t<boost::asio::any_io_executor>>
  auto async_write_some(const ConstBufferSequence& buffers, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [](auto handler, stream* self, session::write_buffers list) {
          self->start_write(list, {std::move(handler), self->get_executor()});
        },
        token, this, session::write_buffers::of(buffers));
  }

  /// Closes the sending half: the peer reads what was written, then end of stream. Reading goes on. Harmless the second
  /// time. Signature void(error_code).
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code))
                Token = boost::asio::use_awaitable_t<boost::asio::any_io_executor>>
  auto async_shutdown_send(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, stream* self) {
          self->start_shutdown({std::move(handler), self->get_executor()});
        },
        token, this);
  }

  /// Ends both halves at once; unread and unsent bytes are dropped and the peer is told.
  void reset() noexcept;
  /// Ends the operations under way with operation_aborted; the stream stays usable, but see async_write_some.
  void cancel() noexcept;

 private:
  friend class session::link;
  stream(std::shared_ptr<session::link> link, std::uint32_t id) noexcept;

  void start_read(mutable_byte_view into, session::completion<error_code, std::size_t> done);
  void start_write(const session::write_buffers& from, session::completion<error_code, std::size_t> done);
  void start_shutdown(session::completion<error_code> done);
  void give_up() noexcept;
  /// Lets go without giving up: the link goes on with the stream itself.
  void release() noexcept;

  std::shared_ptr<session::link> link_;
  std::uint32_t id_ = 0;
};

namespace session {

/// A stream that the peer opened, its hello already read.
struct incoming_stream {
  std::string kind;  ///< compare exactly; not trimmed
  flowersec::stream stream;
};

}  // namespace session

}  // namespace flowersec
