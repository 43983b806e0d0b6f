#include "ownwire/client_machine.h"

#include <algorithm>
#include <utility>

#include "flowersec/base/json.h"

namespace flowersec::ownwire {
namespace {

using endpoint::connection_status;
using endpoint::source_kind;
namespace intent = endpoint::intent;

/// Trying the same again cannot help.
bool is_final(const error_code& why) noexcept {
  return why == make_error_code(client_errc::session_taken) ||
         why == make_error_code(client_errc::metadata_too_large) ||
         why == make_error_code(client_errc::content_too_large);
}

/// Escapes may make a text longer than a frame.
bool fits_a_frame(const std::string& content) {
  constexpr std::size_t longest_escape = 6;
  constexpr std::size_t quotes = 2;
  constexpr std::size_t others = 64;  // of the frame's other members
  if (content.size() * longest_escape + quotes + others <= max_chat_frame_bytes) return true;
  std::string quoted;
  append_json_string(quoted, content);
  return quoted.size() + others <= max_chat_frame_bytes;
}

client_state state_of(connection_status status, bool was_open) noexcept {
  switch (status) {
    case connection_status::disconnected:
      return client_state::idle;
    case connection_status::connecting:
      return was_open ? client_state::reconnecting : client_state::connecting;
    case connection_status::connected:
      return client_state::open;
    case connection_status::error:
      break;
  }
  return client_state::closed;
}

}  // namespace

std::string_view to_string(client_state state) noexcept {
  switch (state) {
    case client_state::idle:
      return "idle";
    case client_state::connecting:
      return "connecting";
    case client_state::open:
      return "open";
    case client_state::reconnecting:
      return "reconnecting";
    case client_state::closed:
      return "closed";
  }
  return "closed";
}

client_machine::client_machine(machine_settings settings, std::function<double()> unit)
    : settings_(std::move(settings)), attempts_(std::move(unit)) {}

void client_machine::connect() {
  if (state_ != client_state::idle && state_ != client_state::closed) return;
  ended_ = was_open_ = false;
  ++run_;
  // Valid settings and a source that can be asked again: there is no error left.
  (void)attempts_.connect(settings_.reconnect, source_kind::refreshable);
  settle();
}

result<std::uint64_t> client_machine::send(std::string content, mono_time now) {
  if (state_ == client_state::closed) return client_errc::closed;
  if (content.size() > max_content_ || !fits_a_frame(content)) return client_errc::content_too_large;
  if (texts_.size() >= settings_.max_queue) return client_errc::queue_full;
  const auto id = texts_.add(std::move(content));
  if (state_ == client_state::open) pump(now);
  return id;
}

void client_machine::typing(bool on) {
  if (state_ == client_state::open) say(typing_frame{.on = on});
}

void client_machine::close() {
  if (state_ == client_state::closed) return;
  if (connection_ && state_ == client_state::open) {
    say(bye_frame{});
    intents_.push_back(want::leave{connection_->attempt});
    connection_.reset();
  }
  session_.reset();
  end({});
}

void client_machine::opened(attempt_id attempt, mono_time now) {
  if (dialing_ != attempt) return intents_.push_back(want::drop{attempt});
  dialing_.reset();
  connection_ = connection{.attempt = attempt, .welcome_by = now + welcome_timeout};
  hello_frame hello{.metadata = settings_.metadata, .resume = {}, .auth = settings_.auth};
  if (session_) hello.resume = session_->token;
  say(std::move(hello));
}

void client_machine::take(attempt_id attempt, const gateway_frame& frame, mono_time now) {
  if (!connection_ || connection_->attempt != attempt) return;
  const auto broken = make_error_code(client_errc::invalid_frame);
  if (std::holds_alternative<unknown_frame>(frame)) return;
  if (const auto* error = std::get_if<error_frame>(&frame)) return on(*error, now);
  const auto* welcome = std::get_if<welcome_frame>(&frame);
  const bool awaited = connection_->welcome_by.has_value();
  // Nothing but a welcome comes first, and it comes once.
  if (awaited != (welcome != nullptr)) return lost(attempt, broken, false, now);
  if (welcome != nullptr) return on(*welcome, now);
  if (const auto* typing = std::get_if<typing_frame>(&frame)) return tell(typing_changed{typing->on});
  if (const auto* ack = std::get_if<ack_frame>(&frame)) return settled(ack->id, {});
  on(std::get<reply_frame>(frame));
}

void client_machine::lost(attempt_id attempt, error_code why, bool draining, mono_time now) {
  const bool connected = connection_ && connection_->attempt == attempt;
  if (!connected && dialing_ != attempt) return;
  const bool was_welcomed = connected && !connection_->welcome_by;
  connection_.reset();
  dialing_.reset();
  intents_.push_back(want::drop{attempt});
  texts_.disconnect();
  if (is_final(why)) return end(why);
  const endpoint::attempt_failure failure{.why = why, .draining = draining};
  if (was_welcomed) {
    attempts_.session_lost(attempt, failure, now);
  } else {
    attempts_.attempt_failed(attempt, failure, now);
  }
  if (attempts_.status() == connection_status::error) return end(why);
  tell(problem_met{why});
  settle();
}

void client_machine::advance(mono_time now) {
  attempts_.advance(now);
  if (connection_) {
    const auto attempt = connection_->attempt;
    if (connection_->welcome_by) {
      if (now >= *connection_->welcome_by) lost(attempt, client_errc::welcome_timeout, false, now);
    } else if (const auto due = texts_.ack_deadline(); due && now >= *due) {
      lost(attempt, client_errc::ack_timeout, false, now);
    } else {
      pump(now);
    }
  }
  settle();
}

std::optional<mono_time> client_machine::deadline() const {
  std::optional<mono_time> first;
  const auto consider = [&first](std::optional<mono_time> time) {
    if (time && (!first || *time < *first)) first = time;
  };
  consider(attempts_.deadline());
  if (!connection_) return first;
  consider(connection_->welcome_by);
  if (!connection_->welcome_by) {
    consider(texts_.ack_deadline());
    consider(texts_.pace_deadline());
  }
  return first;
}

std::optional<client_intent> client_machine::poll_intent() {
  if (intents_.empty()) return std::nullopt;
  auto first = std::move(intents_.front());
  intents_.pop_front();
  return first;
}

void client_machine::on(const welcome_frame& frame, mono_time now) {
  const auto attempt = connection_->attempt;
  const auto last_seq = frame.resumed && session_ ? session_->last_seq : 0;
  session_ = session{.id = frame.session_id, .token = frame.resume_token, .last_seq = last_seq};
  connection_->welcome_by.reset();
  max_content_ = static_cast<std::size_t>(std::min<std::uint64_t>(frame.max_content, max_content_bytes));
  if (frame.resumed) {
    texts_.resume(frame.last_id);
  } else {
    texts_.start_anew(now);
  }
  was_open_ = true;
  attempts_.attempt_succeeded(attempt);
  settle();
  tell(session_opened{.session_id = frame.session_id, .resumed = frame.resumed});
  intents_.push_back(want::answer{.run = run_, .outcome = {}});
  // Replies that arrived before are not sent again; and the gateway learns that we have its new token.
  if (last_seq > 0) say(received_frame{last_seq});
  pump(now);
}

void client_machine::on(const reply_frame& frame) {
  if (frame.seq > session_->last_seq) {
    session_->last_seq = frame.seq;
    // The application has it before it counts as received.
    tell(reply_received{
        .seq = frame.seq, .content = frame.content, .metadata = frame.metadata, .session_id = session_->id});
  }
  say(received_frame{session_->last_seq});
}

void client_machine::on(const error_frame& frame, mono_time now) {
  const error_code why = to_client_errc(frame.code);
  if (frame.fatal) {
    // What it refuses in what we say would come again.
    if (frame.code == chat_error::invalid_frame) {
      intents_.push_back(want::drop{connection_->attempt});
      connection_.reset();
      return end(why);
    }
    return lost(connection_->attempt, why, frame.code == chat_error::shutting_down, now);
  }
  if (frame.id) return settled(*frame.id, why);
  tell(problem_met{why});
}

void client_machine::settled(std::uint64_t wire_id, error_code failed) {
  const auto text = texts_.settle(wire_id);
  if (!text) return;  // settled before
  if (failed) return tell(text_failed{.id = text->id, .why = failed});
  tell(text_delivered{text->id});
}

/// Sends what may be sent.
void client_machine::pump(mono_time now) {
  if (!connection_ || connection_->welcome_by) return;
  for (const auto* text : texts_.take_due(now)) {
    say(text_frame{.id = *text->wire_id, .content = text->content});
    tell(text_sent{text->id});
  }
}

/// It is over. Whatever was not acknowledged is not said to be sent.
void client_machine::end(error_code why) {
  ended_ = true;
  if (connection_) intents_.push_back(want::drop{connection_->attempt});
  connection_.reset();
  dialing_.reset();
  attempts_.disconnect();
  settle();
  const error_code closed = client_errc::closed;
  for (const auto& text : texts_.drain()) tell(text_failed{.id = text.id, .why = why ? why : closed});
  tell(chat_closed{why});
  intents_.push_back(want::answer{.run = run_, .outcome = why ? why : closed});
}

/// Carries over what the machine of attempts wants, and what follows for the state.
void client_machine::settle() {
  while (const auto next = attempts_.poll_intent()) {
    if (const auto* begin = std::get_if<intent::begin_attempt>(&*next)) {
      dialing_ = begin->id;
      intents_.push_back(want::dial{begin->id});
    } else if (const auto* abandoned = std::get_if<intent::abandon_attempt>(&*next)) {
      intents_.push_back(want::drop{abandoned->id});
    } else if (const auto* over = std::get_if<intent::close_session>(&*next)) {
      intents_.push_back(want::drop{over->id});
    } else if (const auto* late = std::get_if<intent::discard_session>(&*next)) {
      intents_.push_back(want::drop{late->id});
    }
  }
  const auto state = ended_ ? client_state::closed : state_of(attempts_.status(), was_open_);
  if (state == std::exchange(state_, state)) return;
  tell(state_changed{state});
}

void client_machine::say(user_frame frame) {
  intents_.push_back(want::send{.attempt = connection_->attempt, .frame = std::move(frame)});
}

}  // namespace flowersec::ownwire
