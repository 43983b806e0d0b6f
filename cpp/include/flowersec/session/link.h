// Runs a session machine over a transport: the one place where sessions meet Asio.
// Layer session. Public operations take completions, which endpoint::session and flowersec::stream make of completion
// tokens. It knows neither tunnel nor URL, nor the public error model: `names` turns its errors into what callers see.
// Threads: members marked "any thread" post themselves to the strand; everything else runs there.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/rpc/observer.h"
#include "flowersec/session/completion.h"
#include "flowersec/session/machine.h"
#include "flowersec/session/rpc.h"
#include "flowersec/session/stream.h"
#include "flowersec/session/transport.h"

namespace flowersec::session {

using strand = boost::asio::strand<boost::asio::any_io_executor>;

class link_registry;
class rpc_calling;
class rpc_channel;

/// How a session ended.
struct link_end {
  error_code why;  ///< of the layer that noticed
  bool before_connected = false;
  bool closed_here = false;
  transport_end transport;  ///< what was known of the transport by then
};

/// The transport took nothing of a batch for send_timeout; the session ends.
struct send_stalled {
  std::size_t bytes;  ///< that wait to be sent

  friend bool operator==(const send_stalled&, const send_stalled&) = default;
};

/// What no operation reports: of a stream of the peer session_errc::hello_invalid, ::hello_timeout or ::no_handler; of
/// the session ::probe_timeout.
using incident = std::variant<session_errc, yamux::streams_refused, send_stalled>;

/// What callers are told.
struct error_names {
  /// Of one operation; the argument is a session_errc, rpc_errc or record_errc.
  std::function<error_code(error_code)> of_operation;
  /// Of a session that did not come up.
  std::function<error_code(const link_end&)> of_end;
};

struct link_options {
  boost::asio::any_io_executor executor;  ///< handlers without an executor of their own run here
  strand serial;                          ///< of the same executor; the transport was made with it
  bool hold_streams = false;              ///< as in the machine's options
  session_options session{};
  error_names names;
  /// On the strand. Empty: nobody watches.
  std::function<void(const incident&)> report{};
  const clock_source* clocks = &system_clocks();
  /// Absent: nobody counts calls.
  std::shared_ptr<rpc::observer> rpc_events{};
};

class link final : public transport_user, public std::enable_shared_from_this<link> {
 public:
  /// `side` was made with the same session options.
  [[nodiscard]] static std::shared_ptr<link> make(machine side, std::unique_ptr<transport> pipe, link_options options);
  ~link() override;

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return options_.executor; }
  [[nodiscard]] const strand& serial() const noexcept { return options_.serial; }

  // ---- coming up, any thread

  /// Runs until `done`, which is told of `authenticated` when the machine holds streams, else of `connected`. Then, in
  /// the first case, once more release().
  void start(completion<error_code> done);
  void release(completion<error_code> done);
  /// Ends a session that is not up yet: session_errc::canceled or another reason.
  void give_up(error_code why);

  // ---- what endpoint::session offers, any thread

  void open(std::string kind, completion<error_code, stream> done);
  void accept(completion<error_code, incoming_stream> done);
  void ping(completion<error_code> done);
  void rekey(completion<error_code> done);
  void probe(completion<error_code, std::chrono::nanoseconds> done);
  void call(std::uint32_t type_id, std::string payload, call_options options, completion<error_code, rpc::reply> done);
  void notify(std::uint32_t type_id, std::string payload, completion<error_code> done);
  remove_handler on_notification(std::uint32_t type_id, rpc::notification_handler handler);
  void close(completion<error_code> done);
  /// The same without waiting.
  void close() noexcept;
  /// A number for one operation, to cancel it by.
  [[nodiscard]] std::uint64_t next_serial() noexcept { return next_serial_.fetch_add(1, std::memory_order_relaxed); }
  /// Calls `watch` once, on the strand: with the end of the session, or with nullptr after stop_watching.
  void watch_end(std::uint64_t serial, std::function<void(const link_end*)> watch);
  void stop_watching(std::uint64_t serial);
  /// Calls `watch` once, on the strand, when the rpc stream that this side calls on has ended, something had come on
  /// it, and the session lives on. Replaces an earlier one.
  void watch_rpc_end(std::function<void()> watch);

  /// Serves RPC on a stream that was accepted.
  void serve_rpc(stream on, rpc_router_factory make_router);
  /// Resets a stream that was accepted, and reports why.
  void refuse(stream on, session_errc why);
  /// For a stream that goes to a handler: when the handler lets go of it, how it ends waits for handler_ended().
  void handler_begins(stream_id id);
  /// `in_order`: the sending half is closed and unread input discarded. Otherwise, and with a write under way, it is
  /// reset. Without effect on a stream that the handler has passed on.
  void handler_ended(stream_id id, bool in_order);

  // ---- what flowersec::stream offers, any thread

  void read(stream_id id, mutable_byte_view into, completion<error_code, std::size_t> done);
  void write(stream_id id, const write_buffers& from, completion<error_code, std::size_t> done);
  void shutdown_send(stream_id id, completion<error_code> done);
  void cancel(stream_id id);
  void reset(stream_id id);
  void abandon(stream_id id);

  // ---- for rpc channels, on the strand

  [[nodiscard]] machine& core() noexcept { return machine_; }
  [[nodiscard]] moment now() const noexcept;
  /// Tells whoever waits, sends what is due, sets the timer. After everything that changes the machine.
  void kick();

  /// Destroys whatever waits here, without a word to anybody: the context is being destroyed.
  void drop_everything() noexcept;

  // ---- transport_user, on the strand

  void on_message(transport_message message) override;
  void on_sent() override;
  void on_end(transport_end why) override;

 private:
  /// One read or write of the application.
  struct read_op {
    std::uint64_t serial;
    completion<error_code, std::size_t> done;
  };
  struct write_op {
    std::uint64_t serial;
    completion<error_code, std::size_t> done;
    std::array<std::size_t, write_buffers::max_pieces> piece_bytes{};
    std::size_t pieces = 0;
    std::size_t pieces_done = 0;
    std::unique_ptr<write_buffers> waiting{};  // while nothing of it fits the stream's queue
  };
  struct stream_entry {
    std::optional<read_op> reading;
    std::optional<write_op> writing;
    std::shared_ptr<rpc_channel> channel;  // instead of the application
    bool send_closed = false;
    bool handled = false;  // by a handler that has not ended
    bool let_go = false;   // by that handler
    error_code ended;      // eof after an orderly end, connection_reset otherwise
  };

  link(machine side, std::unique_ptr<transport> pipe, link_options options);

  /// Calls run(*this) on the strand, at once when that is possible.
  template <class Function>
  void on_strand(Function run);
  /// Lets the caller of `done` cancel it: cancel(link&, serial) runs on the strand. The serial names the operation.
  template <class Cancel, class... Args>
  [[nodiscard]] std::uint64_t cancellable(completion<Args...>& done, Cancel cancel);

  void on_event(machine_event happened);
  void on_authenticated();
  void on_connected(const connected& up);
  void on_arrived(stream_arrived arrived);
  void on_probe_finished(const probe_finished& finished);
  void on_over(const session_over& over);
  void on_stream_event(const yamux::stream_readable& event);
  void on_stream_event(const yamux::read_done& event);
  void on_stream_event(const yamux::peer_closed& event);
  void on_stream_event(const yamux::writes_done& event);
  void on_stream_event(const yamux::stream_finished& event);
  void on_stream_event(const yamux::stream_failed& event);
  void end_stream(stream_id id, error_code why);
  void report(const incident& what) const;

  void start_read(stream_id id, mutable_byte_view into, read_op op);
  void start_write(stream_id id, const write_buffers& from, write_op op);
  bool begin_write(stream_id id, stream_entry& entry, const write_buffers& from, write_op op);
  bool resume_writes();
  void finish_read(stream_entry& entry, error_code failed, std::size_t bytes);
  void finish_write(stream_entry& entry, error_code failed);
  void cancel_read(stream_id id, stream_entry& entry);
  void cancel_write(stream_id id, stream_entry& entry);

  void queue_control(bool is_rekey, completion<error_code> done);
  void close_on_strand();
  void finish_controls();
  void finish_close_if_drained();
  void fail_everything();
  void flush();
  void watch_sending();
  void check_sending(mono_time at);
  void arm_timer();
  void on_timer();

  [[nodiscard]] stream_entry* find(stream_id id);
  [[nodiscard]] stream make_stream(stream_id id);
  /// Gives the next that arrived to who waits for one.
  void offer_arrived();
  /// Nobody has a handle of it any more.
  void forget(stream_id id);
  /// The rpc stream to call on; a server opens one at its first call.
  [[nodiscard]] std::shared_ptr<rpc_calling> caller();
  [[nodiscard]] std::shared_ptr<rpc_calling> make_caller(stream_id id);
  void attach(stream_id id, std::shared_ptr<rpc_channel> channel);
  void resume_rpc();
  void on_calling_gone();
  [[nodiscard]] error_code named(error_code why) const { return options_.names.of_operation(why); }

  struct control_op {
    completion<error_code> done;
    bool is_rekey;
  };
  struct accept_op {
    std::uint64_t serial;
    completion<error_code, incoming_stream> done;
  };
  struct probe_op {
    std::uint64_t serial;
    completion<error_code, std::chrono::nanoseconds> done;
  };

  link_options options_;
  link_registry& registry_;
  machine machine_;
  std::unique_ptr<transport> transport_;
  outbox batch_;
  bool sending_ = false;
  std::optional<mono_time> blocked_since_;  // the batch under way waits for the transport
  std::optional<mono_time> next_check_;     // of that; stays while batches come and go
  bool receiving_ = false;
  bool held_ = false;  // authenticated, and not released
  bool kicking_ = false;
  bool closing_ = false;
  bool transport_ended_ = false;
  std::optional<mono_time> close_deadline_;
  std::optional<link_end> end_;
  transport_end transport_end_;
  boost::asio::steady_timer timer_;
  std::optional<mono_time> armed_;

  std::atomic<std::uint64_t> next_serial_{1};
  completion<error_code> starting_;
  std::map<stream_id, stream_entry> streams_;
  std::vector<stream_id> waiting_writers_;
  std::deque<stream_arrived> arrived_;
  std::optional<accept_op> accepting_;
  std::deque<control_op> controls_;
  std::map<probe_id, probe_op> probes_;
  std::map<std::uint64_t, std::function<void(const link_end*)>> watchers_;
  std::function<void()> rpc_watch_;
  std::vector<completion<error_code>> closers_;
  std::shared_ptr<rpc_calling> calling_;
  std::vector<std::shared_ptr<rpc_channel>> channels_;  // those whose stream lives

  struct notifications;  // on a strand of their own, since handlers are the application's
  std::shared_ptr<notifications> notifications_;
};

}  // namespace flowersec::session
