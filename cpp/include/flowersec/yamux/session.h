// One multiplexed session: many byte streams in both directions over one ordered byte pipe.
// Layer yamux, a machine without I/O: decrypted bytes go in, frames to seal and events come out. It reads no clock,
// starts nothing, and calls nobody back. Source: PROTOCOL, "Yamux".
// Threads: none of its own; one caller at a time.
#pragma once

#include <memory>
#include <optional>

#include "flowersec/base/bytes.h"
#include "flowersec/base/clock.h"
#include "flowersec/yamux/error.h"
#include "flowersec/yamux/event.h"
#include "flowersec/yamux/frame.h"
#include "flowersec/yamux/limits.h"

namespace flowersec::yamux {

/// The client opens odd stream ids, the server even ones.
enum class role : std::uint8_t { client, server };

struct session_options {
  role is = role::client;
  yamux_limits limits{};
  /// Id of the first stream opened here; its parity must fit the role. Absent: 1 or 2.
  std::optional<stream_id> first_id{};
  /// Both sides have said that they know wide windows. Then a peer may make the windows that we send into as wide as
  /// wide_window_bytes, and those that we receive into grow as limits.wide_window_session_bytes lets them.
  bool wide_windows = false;
};

/// One frame to send. Seal `header` and `body` one behind the other.
/// Ownership `body` lies in the buffer given to write(). It stays valid until the next call of poll_event(),
///           cancel_writes(), reset() or end(): seal the frame before any of them.
struct outgoing_frame {
  encoded_header header;
  byte_view body;

  [[nodiscard]] std::size_t size() const noexcept { return header.size() + body.size(); }
};

/// The runner's loop, after every call that changes something:
///
///     while room in the transport:  next_frame(room) -> seal it, send it
///     while poll_event():           tell whoever waits
///
/// Events must be taken after every receive(); output may wait as long as the transport is full, and nothing that
/// arrives meanwhile makes the session grow without bound or makes reading wait for writing.
class session {
 public:
  /// Errors   invalid_limits.
  [[nodiscard]] static result<session> create(const session_options& options);

  session(session&&) noexcept;
  session& operator=(session&&) noexcept;
  ~session();

  // ---- input

  /// Takes plaintext in any chunking. Bytes are copied once: into the buffer of a waiting read, or into memory of the
  /// stream sized by what arrived. After the end of the session bytes are dropped.
  void receive(byte_view bytes);

  /// The transport will deliver nothing more. Ends the session: transport_closed between two frames,
  /// truncated_frame inside one.
  void end_of_input();

  /// Ends the session from this side. Without effect when it has ended.
  void end(yamux_errc why = yamux_errc::closed);

  /// The time, which never goes back. With wide windows it is told before receive(), read() and probe(); nothing else
  /// looks at it.
  void advance(mono_time now) noexcept;

  // ---- output

  /// The next frame of at most `max_bytes` (header included), or nullopt when nothing is due or it does not fit.
  /// Answers first, then openings, acknowledgements, credit and resets, then data: one frame per stream in turn.
  /// `max_bytes` of at least header_bytes + 1 always makes progress.
  [[nodiscard]] std::optional<outgoing_frame> next_frame(std::size_t max_bytes);

  /// Whether next_frame would give something.
  [[nodiscard]] bool has_output() const noexcept;

  // ---- events

  [[nodiscard]] std::optional<event> poll_event();

  // ---- streams

  /// Opens a stream; data may be written at once.
  /// Errors   resource_exhausted, ids_exhausted, or why the session ended.
  [[nodiscard]] result<stream_id> open();

  /// Reads what is there (value: bytes, at least 1), or leaves `into` behind to be filled directly by what arrives
  /// (nullopt: read_done or stream_failed follows). An empty `into` reads 0 bytes at once.
  /// Ownership while nullopt: `into` must stay until the event, cancel_read(), reset() or the end of the session.
  /// Errors   end_of_stream, read_in_progress, unknown_stream, or why the stream failed.
  [[nodiscard]] result<std::optional<std::size_t>> read(stream_id id, mutable_byte_view into);

  /// Takes the waiting buffer back. Bytes that are already in it: their count, and no read_done follows.
  [[nodiscard]] std::size_t cancel_read(stream_id id) noexcept;

  /// Queues one write; writes of a stream leave in order. writes_done follows when the last byte was handed out by
  /// next_frame. An empty write is done at once and sends nothing.
  /// Ownership `body` must stay until writes_done, cancel_writes(), reset(), stream_failed or the end of the session.
  /// Errors   resource_exhausted (nothing of it is sent), write_closed, unknown_stream, or why the stream failed.
  [[nodiscard]] result<void> write(stream_id id, byte_view body);

  /// Gives up all writes of the stream that are not done. The stream stays usable, unless its sending half was closed
  /// behind them: then it is reset, because the peer must not take a part for the whole.
  /// Result   bytes of the oldest one that were sent already.
  [[nodiscard]] std::size_t cancel_writes(stream_id id) noexcept;

  /// Closes the sending half once queued writes are out. Reading goes on. Without effect the second time.
  /// Errors   unknown_stream, or why the stream failed.
  [[nodiscard]] result<void> close_write(stream_id id);

  /// Abandons the stream in both directions, unread bytes included; the peer is told. stream_failed follows.
  void reset(stream_id id);

  // ---- liveness

  /// Sends a ping, or joins the one under way. probe_answered with the same number follows.
  /// Errors   why the session ended.
  [[nodiscard]] result<std::uint32_t> probe();

  // ---- state

  /// Why the session ended; nullopt while it lives.
  [[nodiscard]] std::optional<yamux_errc> ended() const noexcept;
  /// Streams alive, of both origins.
  [[nodiscard]] std::size_t active_streams() const noexcept;
  /// Received bytes that nobody has read.
  [[nodiscard]] std::size_t unread_bytes() const noexcept;
  /// Memory held for them, slack included. 0 when nothing is unread.
  [[nodiscard]] std::size_t receive_memory_bytes() const noexcept;
  /// Bytes of queued writes of one stream that were not handed out yet; 0 for an unknown stream.
  [[nodiscard]] std::size_t queued_write_bytes(stream_id id) const noexcept;
  /// The same of all streams together.
  [[nodiscard]] std::size_t queued_write_bytes() const noexcept;

 private:
  class core;
  explicit session(std::unique_ptr<core> state) noexcept;

  std::unique_ptr<core> core_;
};

}  // namespace flowersec::yamux
