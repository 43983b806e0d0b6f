// One chat session: which texts it has taken, which replies its user may still miss, who may take it up again.
// Layer ownwire, private, no I/O. Source: PROTOCOL, "OwnWire, chat stream".
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/crypto/hash.h"
#include "flowersec/ownwire/frames.h"
#include "ownwire/front.h"
#include "ownwire/route.h"

namespace flowersec::ownwire {

using connection_id = std::uint64_t;

/// A reply that the user's side has not confirmed.
struct kept_reply {
  reply_frame frame;
  client_id from = 0;                         ///< who sent it
  std::optional<std::uint64_t> message_id{};  ///< to be told to `from`
  [[nodiscard]] std::size_t bytes() const noexcept {
    return frame.content.size() + (frame.metadata ? frame.metadata->size() : 0);
  }
  /// Of holding it: a million empty ones are no small matter.
  [[nodiscard]] std::size_t cost() const noexcept { return bytes() + fixed_cost; }
  static constexpr std::size_t fixed_cost = 256;
};

class chat_session {
 public:
  chat_session(const gateway_limits& limits, std::shared_ptr<const text_sender> sender);

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const std::shared_ptr<route>& way() const noexcept { return way_; }
  /// What the newest hello said; the session id stays.
  void describe(text_sender sender);

  // Texts.
  /// The next of a rising row of ids. False when it was taken before.
  [[nodiscard]] bool take_id(std::uint64_t id);
  [[nodiscard]] std::uint64_t last_id() const noexcept { return last_id_; }
  /// Whether ids were taken on both sides of this one and it was not: ids rise, so it cannot come any more.
  [[nodiscard]] bool was_skipped(std::uint64_t id) const noexcept;
  void refuse(std::uint64_t id, chat_error why);
  /// A text that is on its way, and one whose way is over.
  void begin(std::uint64_t id) { under_way_.insert(id); }
  void finish(std::uint64_t id) { under_way_.erase(id); }
  /// The answer that a text taken before has had; nullopt while it has had none.
  [[nodiscard]] std::optional<gateway_frame> answer_to(std::uint64_t id) const;
  [[nodiscard]] bool take_rate(mono_time now) noexcept;
  [[nodiscard]] bool take_typing_rate(mono_time now) noexcept;

  // Replies.
  /// Numbers a reply and keeps it. The result: replies that were dropped for it and never sent.
  [[nodiscard]] std::vector<kept_reply> keep(kept_reply reply);
  /// The next one for the connection that has the session; nullptr when all were sent to it. Valid until the next call.
  [[nodiscard]] const kept_reply* next_unsent() noexcept;
  [[nodiscard]] std::size_t unsent_bytes() const noexcept { return unsent_bytes_; }
  /// All up to `seq` arrived. The result: those.
  [[nodiscard]] std::vector<kept_reply> confirm(std::uint64_t seq);
  /// The connection is gone or is another one: all that is kept has to be sent again. The result: what was dropped,
  /// because a session without a connection keeps less.
  [[nodiscard]] std::vector<kept_reply> lose_connection();
  /// Replies that were sent, then let go for newer ones, and never confirmed. To be asked once when a connection ended.
  [[nodiscard]] std::uint64_t take_lost_in_flight() noexcept;
  [[nodiscard]] const std::deque<kept_reply>& kept() const noexcept { return kept_; }
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return kept_bytes_; }

  /// Whether anything was said: only such a session outlives its connection.
  [[nodiscard]] bool has_message() const noexcept { return has_message_; }
  void set_has_message() noexcept { has_message_ = true; }

  /// The connection that has the session now.
  std::optional<connection_id> connection{};

 private:
  [[nodiscard]] bool over_limit() const noexcept;
  [[nodiscard]] kept_reply pop_front();

  const gateway_limits& limits_;
  std::string id_;
  std::shared_ptr<route> way_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::uint64_t> skipped_;             // first and last of each gap
  std::vector<std::pair<std::uint64_t, chat_error>> refused_;  // in the order of their refusals
  std::set<std::uint64_t> under_way_;
  rate_bucket texts_;
  rate_bucket typing_;
  std::deque<kept_reply> kept_;
  std::size_t kept_bytes_ = 0;
  std::size_t sent_ = 0;  // so many at the front were sent to the connection
  std::size_t unsent_bytes_ = 0;
  std::uint64_t last_seq_ = 0;
  std::uint64_t highest_sent_ = 0;
  std::uint64_t confirmed_ = 0;
  std::uint64_t let_go_ = 0;  // of those that were sent: all up to this are not kept any more
  bool has_message_ = false;
};

}  // namespace flowersec::ownwire
