#include "ownwire/hub.h"

#include <algorithm>

namespace flowersec::ownwire {

hub::hub(const gateway_limits& limits, random_source& random)
    : limits_(limits),
      visitors_({.max_sockets = limits.max_sessions_per_address,
                 .visits = {.burst = limits.visit_burst, .per_second = limits.visits_per_second},
                 .max_visitors = limits.max_visitors}),
      table_(limits_, random),
      texts_(limits_) {}

std::optional<connection_id> hub::admit(const visitor_address& from, mono_time now) {
  // Every socket may become a session, and a session without a socket gives way to one that has one.
  if (stopped_ || visitors_.sockets() >= limits_.max_sessions || !visitors_.enter(from.counted, now)) {
    ++counts_.visitors_refused;
    const user refused{.address = from};
    tell(gateway_event_kind::visitor_refused, nullptr, &refused);
    return std::nullopt;
  }
  const auto who = ++last_user_;
  users_.emplace(who, user{.address = from});
  return who;
}

void hub::on_open(connection_id who, mono_time now) {
  auto* opened = find(who);
  if (opened == nullptr) return;
  hello_deadlines_.emplace_back(now + limits_.hello_timeout, who);
  opened->hello_deadline = std::prev(hello_deadlines_.end());
  // One that came in while the gateway was stopped.
  if (stopped_) fail(who, *opened, {.code = chat_error::shutting_down, .fatal = true});
}

void hub::on_gone(connection_id who, mono_time now) {
  const auto found = users_.find(who);
  if (found == users_.end()) return;
  auto& gone = found->second;
  forget_hello_deadline(gone);
  visitors_.leave(gone.address.counted);
  if (auto* session = gone.session; session != nullptr && session->connection == who) {
    if (session->has_message()) {
      tell(gateway_event_kind::session_lost, session, &gone);
      table_.detach(*session, now);
      tell_dropped(*session, session->lose_connection());
    } else {
      end_session(*session, end_reason::disconnected);
    }
  } else if (session == nullptr && !gone.displaced && !gone.said_bye) {
    ++counts_.opens_failed;
  }
  users_.erase(who);
  settle();
}

std::vector<std::string> hub::next_frames(connection_id who) {
  constexpr std::size_t batch_bytes = 65'536;
  std::vector<std::string> frames;
  const auto found = users_.find(who);
  if (found == users_.end()) return frames;
  auto& to = found->second;
  std::size_t bytes = 0;
  for (; !to.frames.empty() && bytes < batch_bytes; to.frames.pop_front()) {
    bytes += to.frames.front().size();
    frames.push_back(std::move(to.frames.front()));
  }
  to.frame_bytes -= bytes;
  if (to.session == nullptr || to.over || to.session->connection != who) return frames;
  while (bytes < batch_bytes) {
    const auto* reply = to.session->next_unsent();
    if (reply == nullptr) break;
    frames.push_back(encode(gateway_frame{reply->frame}));
    bytes += frames.back().size();
  }
  return frames;
}

void hub::on_time(mono_time now) {
  while (!hello_deadlines_.empty() && hello_deadlines_.front().first <= now) {
    const auto who = hello_deadlines_.front().second;
    auto& late = users_.at(who);
    tell(gateway_event_kind::open_failed, nullptr, &late, "hello_timeout");
    fail(who, late, {.code = chat_error::invalid_frame, .fatal = true});
  }
  while (auto* session = table_.expired(now)) {
    ++counts_.sessions_expired;
    end_session(*session, end_reason::expired);
  }
  for (const auto client : texts_.on_time(now)) {
    ++counts_.clients_stalled;
    tell(gateway_event_kind::client_stalled, nullptr, nullptr);
    actions_.emplace_back(drop_client{client});
    texts_.disconnect(client, now);
  }
  settle();
}

std::optional<mono_time> hub::next_deadline() const noexcept {
  auto first = texts_.next_deadline();
  const auto consider = [&first](std::optional<mono_time> time) {
    if (time && (!first || *time < *first)) first = time;
  };
  consider(table_.next_deadline());
  if (!hello_deadlines_.empty()) consider(hello_deadlines_.front().first);
  return first;
}

void hub::stop() {
  stopped_ = true;
  for (auto& [who, to] : users_) {
    if (!to.hello_deadline && to.session == nullptr) continue;  // still on its way in
    fail(who, to, {.code = chat_error::shutting_down, .fatal = true});
  }
}

gateway_counts hub::counts() const {
  auto now = counts_;
  now.sockets = visitors_.sockets();
  now.sessions = table_.size();
  now.detached = table_.detached();
  now.internal_clients = texts_.clients();
  now.waiting_texts = texts_.waiting_texts();
  now.waiting_bytes = texts_.waiting_bytes();
  now.queued_bytes = texts_.queued_bytes();
  return now;
}

hub::user* hub::find(connection_id who) {
  const auto found = users_.find(who);
  return found == users_.end() || found->second.over ? nullptr : &found->second;
}

void hub::send(connection_id who, user& to, const gateway_frame& frame) {
  if (to.over) return;
  to.frames.push_back(encode(frame));
  to.frame_bytes += to.frames.back().size();
  actions_.emplace_back(user_ready{who});
  check_queue(who, to);
}

void hub::check_queue(connection_id who, user& to) {
  const auto unsent = to.session == nullptr ? 0 : to.session->unsent_bytes();
  if (to.frame_bytes + unsent <= limits_.max_user_queue_bytes) return;
  ++counts_.users_too_slow;
  tell(gateway_event_kind::user_too_slow, to.session, &to);
  end(who, to, end_user::how::at_once);
}

void hub::fail(connection_id who, user& to, error_frame error) {
  if (error.code != chat_error::shutting_down && error.code != chat_error::session_taken) {
    tell(gateway_event_kind::frame_refused, to.session, &to, std::string{to_string(error.code)});
  }
  send(who, to, gateway_frame{error});
  end(who, to, error.code == chat_error::shutting_down ? end_user::how::going_away : end_user::how::after_error);
}

void hub::end(connection_id who, user& to, enum end_user::how how) {
  if (to.over) return;
  to.over = true;
  forget_hello_deadline(to);
  actions_.emplace_back(end_user{who, how});
}

void hub::forget_hello_deadline(user& of) {
  if (of.hello_deadline) hello_deadlines_.erase(*of.hello_deadline);
  of.hello_deadline.reset();
}

void hub::end_session(chat_session& session, end_reason why) {
  tell(gateway_event_kind::session_ended, &session, nullptr, std::string{to_string(why)});
  texts_.tell_bound(*session.way(), encode_session_end(session.id(), why));
  texts_.close(*session.way());
  if (session.connection) {
    if (const auto found = users_.find(*session.connection); found != users_.end()) found->second.session = nullptr;
  }
  table_.remove(session);
}

void hub::tell_dropped(chat_session& session, const std::vector<kept_reply>& dropped) {
  if (dropped.empty()) return;
  counts_.replies_dropped += dropped.size();
  tell(gateway_event_kind::replies_dropped, &session, nullptr, std::to_string(dropped.size()));
  for (const auto& reply : dropped) {
    if (!reply.message_id) continue;
    texts_.tell(reply.from, encode_client_error(client_error::reply_dropped, session.id(), reply.message_id));
  }
}

void hub::tell(gateway_event_kind kind, const chat_session* session, const user* from, std::string detail,
               std::size_t bytes) {
  gateway_event event{.kind = kind};
  if (session != nullptr) event.session_id = session->id();
  if (from != nullptr) event.remote_addr = from->address.shown;
  event.detail = std::move(detail);
  event.bytes = bytes;
  events_.push_back(std::move(event));
}

}  // namespace flowersec::ownwire
