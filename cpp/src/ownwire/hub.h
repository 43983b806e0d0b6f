// The gateway without its sockets: users on one side, internal clients on the other, sessions between them.
// Layer ownwire, private, no I/O. Told what arrived and what time it is; answers with actions. One owner, no locks.
// Source: PROTOCOL, "OwnWire".
#pragma once

#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "flowersec/ownwire/events.h"
#include "ownwire/dispatcher.h"
#include "ownwire/front.h"
#include "ownwire/session_table.h"

namespace flowersec::ownwire {

/// next_frames() has something for this user.
struct user_ready {
  connection_id who;
};
/// Nothing more comes for this user: send what next_frames() has, then end the connection.
struct end_user {
  connection_id who;
  enum class how : std::uint8_t {
    after_error,  ///< give the user's side time to close by itself
    at_once,
    going_away,  ///< as after_error, with the code of a server that ends
  } how;
};
/// next_batch() has something for this client.
struct client_ready {
  client_id who;
};
/// The connection is over as far as the hub goes.
struct drop_client {
  client_id who;
};
using hub_action = std::variant<user_ready, end_user, client_ready, drop_client>;

class hub {
 public:
  hub(const gateway_limits& limits, random_source& random);

  // Users.
  /// A socket of this address wants in. nullopt: refused, over a limit.
  [[nodiscard]] std::optional<connection_id> admit(const visitor_address& from, mono_time now);
  /// Its handshake is done: the time for the first frame begins.
  void on_open(connection_id who, mono_time now);
  void on_frame(connection_id who, std::string_view text, mono_time now);
  /// What arrived is no frame at all.
  void on_bad_frame(connection_id who);
  /// The connection is gone, at whatever point. The id is not used again.
  void on_gone(connection_id who, mono_time now);
  /// What to send now, gathered up to about 64 KiB.
  [[nodiscard]] std::vector<std::string> next_frames(connection_id who);

  // Internal clients.
  /// nullopt: too many are there.
  [[nodiscard]] std::optional<client_id> connect_client(dialect how, mono_time now);
  void on_client_text(client_id who, std::string_view text, mono_time now);
  void on_client_gone(client_id who, mono_time now);
  [[nodiscard]] std::vector<std::string> next_batch(client_id who, mono_time now) {
    return texts_.next_batch(who, now);
  }
  void on_batch_written(client_id who, mono_time now);
  /// Not a byte of it left, and the client is about to be lost.
  void on_batch_unsent(client_id who) { texts_.on_batch_unsent(who); }

  void on_time(mono_time now);
  [[nodiscard]] std::optional<mono_time> next_deadline() const noexcept;
  /// Tells every user that the gateway ends. Nobody is admitted afterwards.
  void stop();

  [[nodiscard]] std::vector<hub_action> take_actions() { return std::exchange(actions_, {}); }
  [[nodiscard]] std::vector<gateway_event> take_events() { return std::exchange(events_, {}); }
  [[nodiscard]] gateway_counts counts() const;

 private:
  struct user {
    visitor_address address;
    chat_session* session = nullptr;
    std::optional<std::list<std::pair<mono_time, connection_id>>::iterator> hello_deadline{};
    std::deque<std::string> frames{};  // behind each other, in front of replies
    std::size_t frame_bytes = 0;
    bool welcomed_now = false;  // nothing was heard since the welcome
    bool displaced = false;     // another connection has its session
    bool said_bye = false;
    bool over = false;
  };

  // hub_user.cc
  void on_hello(connection_id who, user& from, hello_frame hello, mono_time now);
  void on_text(connection_id who, user& from, text_frame text, mono_time now);
  void on_received(user& from, const received_frame& received);
  void on_typing(user& from, const typing_frame& typing, mono_time now);
  void on_bye(connection_id who, user& from);
  void heard(user& from);
  void repeat_answer(connection_id who, user& to, std::uint64_t id);
  void refuse_text(connection_id who, user& from, std::uint64_t id, chat_error why);
  [[nodiscard]] chat_session* resume(connection_id who, user& from, const hello_frame& hello);
  [[nodiscard]] chat_session* start_session(const user& from, const hello_frame& hello);
  void displace(chat_session& session);

  // hub_client.cc
  void on_reply(client_id who, client_reply reply);
  void on_client_typing(client_id who, const struct client_typing& typing);
  void on_client_refusal(client_id who, const client_refusal& refusal);
  void settle();

  // hub.cc
  [[nodiscard]] user* find(connection_id who);
  void send(connection_id who, user& to, const gateway_frame& frame);
  /// A user who lets too much pile up is cut off.
  void check_queue(connection_id who, user& to);
  void fail(connection_id who, user& to, error_frame error);
  void end(connection_id who, user& to, enum end_user::how how);
  void forget_hello_deadline(user& of);
  void end_session(chat_session& session, end_reason why);
  void lose_connection(chat_session& session);
  /// `in_flight`: further ones, of which only the number is known.
  void tell_dropped(chat_session& session, const std::vector<kept_reply>& dropped, std::uint64_t in_flight = 0);
  void tell(gateway_event_kind kind, const chat_session* session, const user* from, std::string detail = {},
            std::size_t bytes = 0);

  const gateway_limits limits_;
  visitors visitors_;
  session_table table_;
  dispatcher texts_;
  std::unordered_map<connection_id, user> users_;
  connection_id last_user_ = 0;
  std::list<std::pair<mono_time, connection_id>> hello_deadlines_;
  bool stopped_ = false;
  std::vector<hub_action> actions_;
  std::vector<gateway_event> events_;
  gateway_counts counts_;
};

}  // namespace flowersec::ownwire
