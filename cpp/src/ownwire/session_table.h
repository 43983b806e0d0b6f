// All sessions of a gateway: by id, by resume token, and those without a connection by age.
// Layer ownwire, private, no I/O. Of a resume token only the SHA-256 is kept. Told the time.
// Source: PROTOCOL, "OwnWire, sessions".
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flowersec/base/random.h"
#include "ownwire/chat_session.h"

namespace flowersec::ownwire {

class session_table {
 public:
  session_table(const gateway_limits& limits, random_source& random) noexcept : limits_(limits), random_(random) {}

  /// A new session, its id a UUID version 4; `sender` without one. nullptr when the system has no randomness.
  [[nodiscard]] chat_session* create(text_sender sender);
  [[nodiscard]] chat_session* find(std::string_view session_id) noexcept;
  /// The session that a resume token belongs to, if it is good.
  [[nodiscard]] chat_session* find_by_token(std::string_view token);

  /// A fresh token for a session. `shown` is the one that was used to take the session up; it is good until
  /// retire_shown_token(). Any other dies now. nullopt when the system has no randomness.
  [[nodiscard]] std::optional<std::string> renew_token(chat_session& session, std::string_view shown);
  void retire_shown_token(chat_session& session);

  /// The session has no connection any more, or has one again.
  void detach(chat_session& session, mono_time now);
  void attach(chat_session& session);
  void remove(chat_session& session);

  /// Whether one more needs a place first.
  [[nodiscard]] bool full() const noexcept { return sessions_.size() >= limits_.max_sessions; }
  [[nodiscard]] chat_session* oldest_detached() noexcept;
  /// The oldest detached session if its time is over.
  [[nodiscard]] chat_session* expired(mono_time now) noexcept;
  [[nodiscard]] std::optional<mono_time> next_deadline() const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }
  [[nodiscard]] std::size_t detached() const noexcept { return detached_.size(); }

 private:
  using digest = crypto::sha256_digest;
  struct digest_hash {
    std::size_t operator()(const digest& value) const noexcept;
  };
  struct detached_session {
    chat_session* session;
    mono_time until;
  };
  struct entry {
    std::unique_ptr<chat_session> session;
    std::optional<digest> current{};  // of the token that was given out last
    std::optional<digest> shown{};    // of the one before it, until the user's side has said something
    std::optional<std::list<detached_session>::iterator> detached{};
  };

  [[nodiscard]] std::optional<std::string> new_id();
  [[nodiscard]] entry& entry_of(const chat_session& session);
  void forget(std::optional<digest>& token);

  const gateway_limits& limits_;
  random_source& random_;
  std::unordered_map<std::string_view, entry> sessions_;  // keys point into the sessions
  std::unordered_map<digest, chat_session*, digest_hash> by_token_;
  std::list<detached_session> detached_;  // oldest first
};

}  // namespace flowersec::ownwire
