// What a session reports to whoever runs it.
// Layer yamux. Events of one stream are merged until they are taken, so their number is bounded by the live streams;
// refusals are counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "flowersec/yamux/error.h"
#include "flowersec/yamux/frame.h"

namespace flowersec::yamux {

/// The peer opened a stream. It is acknowledged already; reset() is how to refuse it.
struct stream_opened {
  stream_id id;
};
/// Bytes arrived while no read was waiting.
struct stream_readable {
  stream_id id;
};
/// The waiting read has ended; its buffer is the caller's again. 0 bytes: the peer closed its sending half.
struct read_done {
  stream_id id;
  std::size_t bytes;
};
/// The peer closed its sending half. What was received before can still be read.
struct peer_closed {
  stream_id id;
};
/// The oldest `count` writes left whole; their buffers are the caller's again.
struct writes_done {
  stream_id id;
  std::size_t count;
};
/// Both halves closed in order and all input was read. The last event of the stream; its id is unknown from now on.
struct stream_finished {
  stream_id id;
};
/// The stream ended before that: waiting reads and writes have failed with `why`, and their buffers are the caller's
/// again since the moment it happened. The last event of the stream; its id is unknown from now on.
struct stream_failed {
  stream_id id;
  yamux_errc why;
};
enum class refusal : std::uint8_t {
  wrong_parity,     ///< an id that only this side may open
  inbound_streams,  ///< max_inbound_streams of the peer's live already
  active_streams,   ///< max_active_streams of both sides live already
};
/// Streams that the peer opened since this was reported last, and that were answered RST at once.
struct streams_refused {
  refusal why;
  std::size_t count;
  std::optional<std::size_t> limit;  ///< the one that was reached, if it was one

  friend bool operator==(const streams_refused&, const streams_refused&) = default;
};
/// The peer answered the outstanding liveness probe.
struct probe_answered {
  std::uint32_t opaque;
};
/// The last event of all, after the stream_failed of every stream. Nothing is sent or accepted any more.
struct session_ended {
  yamux_errc why;
};

using event = std::variant<stream_opened, stream_readable, read_done, peer_closed, writes_done, stream_finished,
                           stream_failed, streams_refused, probe_answered, session_ended>;

}  // namespace flowersec::yamux
