// Brings the texts of users to the internal clients: round robin for the first text of a session, then always the same
// client; queues with bounds, and a waiting room for what no client has room for.
// Layer ownwire, private, no I/O. Told the time. The order of arrival is kept for each client.
// Source: PROTOCOL, "OwnWire, internal WebSocket".
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/ownwire/limits.h"
#include "ownwire/route.h"

namespace flowersec::ownwire {

/// What became of a text.
struct text_outcome {
  std::shared_ptr<route> who;
  std::uint64_t id = 0;
  bool handed_over = false;  ///< in a client's queue; else dropped, because no client took it in time
};

class dispatcher {
 public:
  explicit dispatcher(const gateway_limits& limits) noexcept : limits_(limits) {}

  /// What a text counts against the bounds: at least its length on the wire without escapes.
  [[nodiscard]] static std::size_t cost(const text_sender& from, std::string_view content) noexcept;

  [[nodiscard]] client_id connect(dialect how, mono_time now);
  /// Texts that were never handed to the connection wait again, in front of the others; those handed out are gone.
  /// They are acknowledged, and so wait until a client has room for them or their session is over.
  void disconnect(client_id client, mono_time now);
  /// nullopt: it is not connected.
  [[nodiscard]] std::optional<dialect> dialect_of(client_id client) const noexcept;

  void offer(const std::shared_ptr<route>& who, std::uint64_t id, std::string content, mono_time now);
  /// Binds a session that has no text yet, if its turn falls on an extended client, which is told of it.
  void announce(const std::shared_ptr<route>& who, mono_time now);
  /// For an extended client that has the session and room for it; otherwise nothing happens.
  void tell_bound(const route& who, std::string frame);
  /// The same for a certain client.
  void tell(client_id client, std::string frame);
  /// The session is over: what waits of it is dropped without a word.
  void close(route& who);

  /// The next frames for a client, one batch at a time; empty while one is under way or nothing is queued.
  [[nodiscard]] std::vector<std::string> next_batch(client_id client, mono_time now);
  void on_batch_written(client_id client, mono_time now);
  /// Not a byte of the batch left, and the client is about to be lost: what was in it goes back to its place.
  void on_batch_unsent(client_id client);

  /// Drops the texts whose time is over. The result: clients that took nothing for too long; disconnect them.
  [[nodiscard]] std::vector<client_id> on_time(mono_time now);
  /// When on_time() has something to do; it may be early.
  [[nodiscard]] std::optional<mono_time> next_deadline() const noexcept;

  /// Since the last call.
  [[nodiscard]] std::vector<text_outcome> take_outcomes() { return std::exchange(outcomes_, {}); }
  [[nodiscard]] std::vector<client_id> take_ready() { return std::exchange(ready_, {}); }

  [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }
  [[nodiscard]] std::size_t waiting_texts() const noexcept { return waiting_.size(); }
  [[nodiscard]] std::size_t waiting_bytes() const noexcept { return waiting_bytes_; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  [[nodiscard]] std::size_t queued_bytes(client_id client) const noexcept;

  /// Bytes of texts that one batch gathers; a single larger one goes alone.
  static constexpr std::size_t batch_bytes = 65'536;

 private:
  struct queued_text {
    std::shared_ptr<route> who;
    std::shared_ptr<const text_sender> from;  // as it was when the text came
    std::uint64_t id;
    std::string content;
  };
  struct queued {
    std::variant<queued_text, std::string> what;
    std::size_t cost;
  };
  struct connected {
    dialect how{};
    std::deque<queued> queue{};
    std::deque<queued> batch{};  // under way
    std::size_t bytes = 0;       // queued and under way
    std::size_t under_way = 0;
    mono_time under_way_since{};
    bool blocked = false;  // texts for it wait
  };
  struct waiting_text {
    queued_text text;
    std::size_t cost;
    std::optional<mono_time> deadline;  // none: it was in a queue already, its user has the answer
  };
  using waiting_list = std::list<waiting_text>;

  [[nodiscard]] connected* bound_client(route& who);
  [[nodiscard]] connected* bind(const std::shared_ptr<route>& who);
  void bind_to(const std::shared_ptr<route>& who, client_id id);
  [[nodiscard]] std::map<client_id, connected>::iterator next_in_turn();
  void push(client_id id, connected& to, queued what);
  void wait(queued_text text, std::size_t cost, mono_time now);
  void forget_costs(const waiting_text& text);
  void flush();
  /// What waits for this client, and for clients that are gone: that waits only while nobody has room.
  void flush_to(client_id id);
  [[nodiscard]] bool try_hand_over(waiting_list::iterator at);
  waiting_list::iterator drop(waiting_list::iterator at);

  const gateway_limits& limits_;
  std::map<client_id, connected> clients_;
  client_id last_client_ = 0;
  client_id turn_ = 0;  // the client that had the last new session
  waiting_list waiting_;
  std::size_t waiting_bytes_ = 0;
  std::size_t returned_bytes_ = 0;  // of those: acknowledged
  std::size_t queued_bytes_ = 0;
  std::optional<mono_time> first_deadline_{};
  std::vector<text_outcome> outcomes_;
  std::vector<client_id> ready_;
};

}  // namespace flowersec::ownwire
