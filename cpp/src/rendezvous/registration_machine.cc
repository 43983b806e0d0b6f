#include "rendezvous/registration_machine.h"

#include <algorithm>
#include <utility>

#include "flowersec/endpoint/error.h"

namespace flowersec::rendezvous {
namespace {

using endpoint::source_kind;
namespace intent = endpoint::intent;

/// Trying the same again cannot help, or must not be done.
bool is_final(const error_code& why) noexcept {
  for (const auto code : {rendezvous_errc::replaced, rendezvous_errc::already_registered, rendezvous_errc::proof_failed,
                          rendezvous_errc::unknown_registry_key, rendezvous_errc::unpinned_registry}) {
    if (why == make_error_code(code)) return true;
  }
  return false;
}

/// A registry cannot make us ping like mad, or fall silent for so long that it drops us.
constexpr std::chrono::seconds min_keepalive{5};

}  // namespace

registration_machine::registration_machine(registration_settings settings, std::function<double()> unit)
    : settings_(std::move(settings)), attempts_(std::move(unit)) {}

void registration_machine::start() {
  if (started_) return;
  started_ = true;
  key_ = 0;
  become(registry_status::connecting, {});
  (void)attempts_.connect(settings_.reconnect, source_kind::refreshable);
  settle();
}

void registration_machine::close() {
  end({});
  become(registry_status::closed, {});
}

void registration_machine::opened(attempt_id attempt, mono_time now) {
  if (dialing_ != attempt) return intents_.push_back(reg::drop{attempt});
  dialing_.reset();
  connection_ = connection{.attempt = attempt, .by = now + settings_.timeout, .heard_at = now};
}

void registration_machine::take(attempt_id attempt, server_frame frame, mono_time now) {
  if (!connection_ || connection_->attempt != attempt) return;
  connection_->heard_at = now;
  if (std::holds_alternative<unknown_frame>(frame) || std::holds_alternative<pong_frame>(frame)) return;
  if (const auto* ping = std::get_if<ping_frame>(&frame)) {
    if (connection_->at == stage::registered) say(pong_frame{ping->t});
    return;
  }
  const auto* error = std::get_if<error_frame>(&frame);
  if (error != nullptr && (error->fatal || !error->rid)) return on(*error, now);
  if (connection_->at == stage::registered) {
    if (std::holds_alternative<challenge_frame>(frame) || std::holds_alternative<registered_frame>(frame)) {
      return lost(attempt, rendezvous_errc::bad_registry_frame, false, now);
    }
    return intents_.push_back(reg::pass{std::move(frame)});
  }
  const auto* challenge = std::get_if<challenge_frame>(&frame);
  if (challenge != nullptr && connection_->at == stage::challenge) return on(*challenge, now);
  const auto* registered = std::get_if<registered_frame>(&frame);
  if (registered != nullptr && connection_->at == stage::answer) return on(*registered, now);
  lost(attempt, rendezvous_errc::bad_registry_frame, false, now);
}

void registration_machine::on(const challenge_frame& frame, mono_time now) {
  const auto attempt = connection_->attempt;
  const auto& pinned = settings_.pinned;
  const auto offered = std::ranges::find_if(
      frame.registry_keys, [&](const public_key& key) { return std::ranges::find(pinned, key) != pinned.end(); });
  if (offered == frame.registry_keys.end()) return lost(attempt, rendezvous_errc::unpinned_registry, false, now);
  chosen_.emplace(chosen{.frame = frame, .registry = *offered});
  if (!frame.pow_bits || *frame.pow_bits == 0) return answer({}, now);
  const challenge_value& challenge = chosen_->frame.challenge;
  auto search = identity::work_search::begin(challenge, settings_.self->key(), *frame.pow_bits);
  if (!search) return lost(attempt, rendezvous_errc::too_much_work, false, now);
  chosen_->search = *search;
  connection_->at = stage::work;
  connection_->by = now + std::min(std::chrono::seconds{frame.expires_in_s}, challenge_lifetime_with_work);
  intents_.push_back(reg::work{});
}

void registration_machine::work(mono_time now) {
  if (!connection_ || connection_->at != stage::work || !chosen_ || !chosen_->search) return;
  connection_->heard_at = now;
  if (now >= connection_->by) return lost(connection_->attempt, rendezvous_errc::challenge_expired, false, now);
  const auto found = chosen_->search->look(work_slice);
  if (found) return answer(found, now);
  intents_.push_back(reg::work{});
}

void registration_machine::answer(std::optional<identity::work_nonce> nonce, mono_time now) {
  const challenge_value challenge = chosen_->frame.challenge;
  const auto proof = identity::prove_registration(*settings_.self, chosen_->registry, challenge, settings_.replace);
  if (!proof) return lost(connection_->attempt, proof.error(), false, now);
  connection_->at = stage::answer;
  connection_->by = now + settings_.timeout;
  register_frame frame{.key = settings_.self->key(),
                       .registry_key = chosen_->registry,
                       .proof = *proof,
                       .instance = settings_.instance,
                       .replace = settings_.replace,
                       .pow_nonce = nonce};
  chosen_.reset();
  intents_.push_back(reg::send{connection_->attempt, std::move(frame)});
}

void registration_machine::on(const registered_frame& frame, mono_time now) {
  const auto attempt = connection_->attempt;
  if (frame.key != settings_.self->key()) return lost(attempt, rendezvous_errc::bad_registry_frame, false, now);
  // Taken over once; who takes it from us later is not fought.
  settings_.replace = false;
  keepalive_ = std::clamp(std::chrono::seconds{frame.keepalive_s}, min_keepalive, keepalive_interval);
  connection_->at = stage::registered;
  connection_->ping_at = now + keepalive_;
  attempts_.attempt_succeeded(attempt);
  settle();
  become(registry_status::registered, {});
}

void registration_machine::on(const error_frame& frame, mono_time now) {
  // Registered, and not fatal: something that we said was not taken, and nothing that can be named.
  if (!frame.fatal && connection_->at == stage::registered) return;
  lost(connection_->attempt, frame.code, frame.code == rendezvous_errc::shutting_down, now);
}

void registration_machine::lost(attempt_id attempt, error_code why, bool draining, mono_time now) {
  const bool connected = connection_ && connection_->attempt == attempt;
  if (!connected && dialing_ != attempt) return;
  const bool was_registered = connected && connection_->at == stage::registered;
  connection_.reset();
  dialing_.reset();
  chosen_.reset();
  intents_.push_back(reg::drop{attempt});
  // It has another key of those that we pin, perhaps. Whoever is on the way can say so as well: all are tried again.
  if (why == endpoint::endpoint_errc::unknown_key) key_ = (key_ + 1) % settings_.pinned.size();
  if (is_final(why)) {
    end(why);
    return become(registry_status::failed, why);
  }
  const endpoint::attempt_failure failure{.why = why, .draining = draining};
  if (was_registered) {
    attempts_.session_lost(attempt, failure, now);
  } else {
    attempts_.attempt_failed(attempt, failure, now);
  }
  if (attempts_.status() == endpoint::connection_status::error) {
    end(why);
    return become(registry_status::failed, why);
  }
  settle();
  become(registry_status::connecting, why);
}

void registration_machine::advance(mono_time now) {
  attempts_.advance(now);
  settle();
  if (!connection_) return;
  const auto attempt = connection_->attempt;
  if (now >= connection_->heard_at + silence_limit) return lost(attempt, rendezvous_errc::silent_registry, false, now);
  if (connection_->at != stage::registered) {
    if (now < connection_->by) return;
    const bool working = connection_->at == stage::work;
    return lost(attempt, working ? rendezvous_errc::challenge_expired : rendezvous_errc::registration_timeout, false,
                now);
  }
  if (now < connection_->ping_at) return;
  connection_->ping_at = now + keepalive_;
  const auto t = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  say(ping_frame{static_cast<std::uint64_t>(std::max<std::int64_t>(t, 0))});
}

std::optional<mono_time> registration_machine::deadline() const {
  std::optional<mono_time> first = attempts_.deadline();
  const auto consider = [&first](mono_time time) {
    if (!first || time < *first) first = time;
  };
  if (!connection_) return first;
  consider(connection_->heard_at + silence_limit);
  consider(connection_->at == stage::registered ? connection_->ping_at : connection_->by);
  return first;
}

std::optional<registration_intent> registration_machine::poll_intent() {
  if (intents_.empty()) return std::nullopt;
  auto next = std::move(intents_.front());
  intents_.pop_front();
  return next;
}

void registration_machine::say(client_frame frame) {
  if (!connection_ || connection_->at != stage::registered) return;
  intents_.push_back(reg::send{connection_->attempt, std::move(frame)});
}

void registration_machine::end(error_code why) {
  started_ = false;
  if (connection_) intents_.push_back(reg::drop{connection_->attempt});
  connection_.reset();
  dialing_.reset();
  chosen_.reset();
  attempts_.disconnect();
  settle();
  error_ = why;
}

/// Carries over what the machine of attempts wants.
void registration_machine::settle() {
  while (const auto next = attempts_.poll_intent()) {
    if (const auto* begin = std::get_if<intent::begin_attempt>(&*next)) {
      dialing_ = begin->id;
      intents_.push_back(reg::dial{.attempt = begin->id, .key = key_});
    } else if (const auto* abandoned = std::get_if<intent::abandon_attempt>(&*next)) {
      intents_.push_back(reg::drop{abandoned->id});
    } else if (const auto* over = std::get_if<intent::close_session>(&*next)) {
      intents_.push_back(reg::drop{over->id});
    } else if (const auto* late = std::get_if<intent::discard_session>(&*next)) {
      intents_.push_back(reg::drop{late->id});
    }
  }
}

void registration_machine::become(registry_status status, error_code why) {
  error_ = why;
  const bool same = status == std::exchange(status_, status);
  if (!same || why) intents_.push_back(reg::changed{.status = status, .why = why});
}

}  // namespace flowersec::rendezvous
