// A whole session without I/O: handshake, records, multiplexer, stream hellos, liveness, deadlines.
// Layer session. It is told messages, time and wishes; it answers with messages to send, events and the time at which
// it wants to be called again. Knows no socket and no thread, so that a client, a tunnel and a server run in one test
// on a virtual clock. Source: PROTOCOL, "Overview".
// Threads: none of its own; one caller at a time.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/base/random.h"
#include "flowersec/handshake/client.h"
#include "flowersec/handshake/server.h"
#include "flowersec/record/opener.h"
#include "flowersec/record/sealer.h"
#include "flowersec/session/error.h"
#include "flowersec/session/options.h"
#include "flowersec/session/outbox.h"
#include "flowersec/session/transport.h"
#include "flowersec/yamux/session.h"

namespace flowersec::session {

using handshake::moment;
using yamux::stream_id;

/// The kind of the stream that a client opens for RPC while connecting.
inline constexpr std::string_view rpc_kind = "rpc";

struct server_side {
  handshake::server_options options;
  /// Absent: a private one.
  std::shared_ptr<handshake::response_cache> cache{};
};
/// The role is the alternative.
using handshake_side = std::variant<handshake::client_options, server_side>;

struct machine_options {
  handshake_side side;
  session_options session{};
  /// Absent: no probes but those asked for.
  std::optional<liveness> probes{};
  /// Wait for start_streams() after the peer is authenticated. Nothing may be received meanwhile.
  bool hold_streams = false;
};

/// The peer knows the key. With hold_streams this is the time to commit the credential.
struct authenticated {};
/// Streams may be opened. A client's rpc stream is open already.
struct connected {
  std::optional<stream_id> rpc_stream;
};
/// The peer opened a stream and its hello is valid. Read, write, reset or abandon it.
struct stream_arrived {
  stream_id id;
  std::string kind;
};
/// A stream of the peer was reset for its hello.
struct stream_rejected {
  stream_id id;
  session_errc why;
};
enum class probe_id : std::uint64_t {};
struct probe_finished {
  probe_id id;
  std::chrono::nanoseconds round_trip;
};
/// The last event. `before_connected` is false once `connected` was reported.
struct session_over {
  error_code why;
  bool before_connected;
};

/// The yamux events are those of streams that were opened here or have arrived, or were refused unseen.
using machine_event = std::variant<authenticated, connected, stream_arrived, stream_rejected, yamux::stream_readable,
                                   yamux::read_done, yamux::peer_closed, yamux::writes_done, yamux::stream_finished,
                                   yamux::stream_failed, yamux::streams_refused, probe_finished, session_over>;

/// The runner's loop, after every call that changes something:
///
///     while poll_event():             tell whoever waits
///     if no batch is on its way:      fill(batch), send it
///     at deadline():                  advance()
class machine {
 public:
  /// Begins the handshake; a client's INIT waits in the output. `random` must outlive the machine.
  /// Errors   of the options, by the layer that owns them; session_errc::invalid_options.
  [[nodiscard]] static result<machine> create(machine_options options, random_source& random, moment now);

  machine(machine&&) noexcept;
  ~machine();

  // ---- the transport

  /// One whole message, opened in place. After the end it is dropped.
  void receive(message_kind kind, mutable_byte_view message, moment now) {
    take(kind, message, now);
    settle(now);
  }
  /// The two halves of it, for messages that arrive together: each is taken, then one settle() reports what they did
  /// to the streams, so that a reader is woken once and filled directly until then.
  void take(message_kind kind, mutable_byte_view message, moment now);
  void settle(moment now) { pump(now); }
  /// Whether messages concern streams: from the start of the streams until the end. Elsewhere each message is followed
  /// by a look at the events.
  [[nodiscard]] bool has_streams() const noexcept { return mux() != nullptr; }
  /// Ends the session. Without effect when it has ended.
  void end(error_code why, moment now);

  [[nodiscard]] bool has_output() const noexcept;
  /// Appends due messages to `batch` until it holds gather_bytes or nothing is due. Events may follow.
  void fill(outbox& batch, moment now);

  // ---- time

  [[nodiscard]] std::optional<mono_time> deadline() const;
  void advance(moment now);

  [[nodiscard]] std::optional<machine_event> poll_event();
  [[nodiscard]] bool has_events() const noexcept { return !events_.empty(); }

  /// After `authenticated`, with hold_streams.
  void start_streams(moment now);

  // ---- streams; what is not said here is as in yamux::session

  /// Opens a stream and queues its hello. `kind` has no white space around it.
  /// Errors   session_errc::missing_kind, ::open_limit, ::open_failed, ::streams_gone.
  [[nodiscard]] result<stream_id> open(std::string_view kind, moment now);
  [[nodiscard]] result<std::optional<std::size_t>> read(stream_id id, mutable_byte_view into, moment now);
  [[nodiscard]] std::size_t cancel_read(stream_id id) noexcept;
  /// Errors   beside those of yamux: record_errc::outbound_overflow when it does not fit outbound_room(); nothing of it
  ///          is sent, and the stream lives.
  [[nodiscard]] result<void> write(stream_id id, byte_view body, moment now);
  /// The same for frames of rpc, whose own limits bound them: they count, and are not refused for what others wrote.
  [[nodiscard]] result<void> write_rpc(stream_id id, byte_view body, moment now);
  /// What is left of max_outbound_buffered_bytes, which all streams share.
  [[nodiscard]] std::size_t outbound_room() const noexcept;
  /// What is left of max_stream_write_queue_bytes.
  [[nodiscard]] std::size_t outbound_room(stream_id id) const noexcept;
  [[nodiscard]] std::size_t cancel_writes(stream_id id) noexcept;
  [[nodiscard]] result<void> close_write(stream_id id, moment now);
  void reset(stream_id id, moment now);
  /// The application lets go of the stream. With its half closed, what was written still arrives and input is discarded
  /// for linger_timeout; otherwise it is reset. No event follows.
  void abandon(stream_id id, moment now);

  // ---- the secure channel and liveness

  /// Errors   session_errc::channel_gone, ::controls_full.
  [[nodiscard]] result<void> ping();
  [[nodiscard]] result<void> rekey();
  /// Ping and rekey records that were not handed to fill() yet.
  [[nodiscard]] std::size_t queued_controls() const noexcept { return controls_.size(); }
  /// Memory of what arrived on streams and nobody has read, slack included.
  [[nodiscard]] std::size_t receive_memory_bytes() const noexcept;

  /// probe_finished follows, or the session ends with probe_timeout. Probes under way share one ping.
  /// Errors   session_errc::streams_gone.
  [[nodiscard]] result<probe_id> probe(std::chrono::milliseconds timeout, moment now);
  void cancel_probe(probe_id id);

  [[nodiscard]] bool over() const noexcept;
  [[nodiscard]] bool is_client() const noexcept {
    return std::holds_alternative<handshake::client_options>(options_.side);
  }

 private:
  struct awaiting_response {
    handshake::client_handshake handshake;
  };
  struct awaiting_client {
    handshake::server_handshake handshake;
  };
  struct awaiting_finished {
    record::sealer sealer;
    record::opener opener;
  };
  struct running {
    record::sealer sealer;
    record::opener opener;
    std::optional<yamux::session> mux;  // empty while held
  };
  struct ended {};

  /// What yamux does not know about a stream.
  struct stream_state {
    enum class phase { reading_hello, in_use, lingering };
    phase is = phase::in_use;
    bool own_hello_queued = false;
    bool write_closed = false;
    byte_buffer hello;           // ours until it is sent, or the peer's while it is read
    std::size_t hello_read = 0;  // bytes of it that are there
    mono_time deadline{};        // of reading_hello and lingering
  };

  struct waiting_probe {
    probe_id id;
    mono_time deadline;
  };

  machine(machine_options options, random_source& random, moment now);

  void on_handshake_message(mutable_byte_view message, moment now);
  void on_response(awaiting_response& waiting, byte_view message, moment now);
  void on_client_frame(awaiting_client& waiting, byte_view message, moment now);
  void on_record(running& live, mutable_byte_view message, moment now);
  void on_authenticated(record::sealer sealer, record::opener opener, moment now);
  [[nodiscard]] std::pair<record::sealer, record::opener> make_halves(handshake::traffic_keys keys,
                                                                      record::direction sending);

  [[nodiscard]] yamux::session* mux() noexcept;
  [[nodiscard]] const yamux::session* mux() const noexcept;
  void pump(moment now);
  void on_mux_event(const yamux::event& happened, moment now);
  void read_hello(stream_id id, stream_state& state);
  void finish_hello(stream_id id, stream_state& state);
  void reject(stream_id id, session_errc why);
  void discard_input(stream_id id);
  void forget(stream_id id);
  [[nodiscard]] bool in_use(stream_id id) const;

  [[nodiscard]] bool fill_one(running& live, outbox& batch, moment now);
  [[nodiscard]] bool seal_control(running& live, outbox& batch, moment now);
  [[nodiscard]] bool seal_frames(running& live, outbox& batch, moment now);

  [[nodiscard]] result<void> queue_control(record::record_kind kind);
  [[nodiscard]] bool send_probe(moment now);
  void on_probe_answered(moment now);

  machine_options options_;
  random_source& random_;
  std::variant<awaiting_response, awaiting_client, awaiting_finished, running, ended> state_;
  bool connected_ = false;
  bool wide_windows_ = false;  // both sides know them
  std::optional<mono_time> handshake_deadline_;
  std::deque<byte_buffer> frames_;  // of the handshake, at most two
  std::deque<record::record_kind> controls_;
  std::map<stream_id, stream_state> streams_;
  std::deque<machine_event> events_;

  std::vector<waiting_probe> probes_;
  std::uint64_t next_probe_ = 1;         // 0 is the automatic one
  std::optional<mono_time> probe_sent_;  // while a ping is under way
  std::optional<mono_time> next_automatic_probe_;
};

}  // namespace flowersec::session
