#include "reconnect_machine.h"

#include <boost/asio/error.hpp>
#include <utility>

#include "flowersec/endpoint/error.h"
#include "flowersec/endpoint/serve.h"

namespace flowersec::endpoint {
namespace {

error_code superseded() {
  return make_error({.path = path::automatic, .stage = stage::connect, .code = endpoint_errc::canceled});
}

result<void> check(const reconnect_options& options, source_kind source) {
  if (auto ok = options.validate(); !ok) return ok;
  if (source == source_kind::missing || (source == source_kind::once && options.enabled)) {
    return make_error({.path = path::automatic, .stage = stage::validate, .code = endpoint_errc::invalid_option});
  }
  return {};
}

}  // namespace

std::string_view to_string(connection_status status) noexcept {
  switch (status) {
    case connection_status::disconnected:
      return "disconnected";
    case connection_status::connecting:
      return "connecting";
    case connection_status::connected:
      return "connected";
    case connection_status::error:
      return "error";
  }
  return "error";
}

bool is_retryable(const error_code& why) noexcept {
  if (why == boost::asio::error::operation_aborted) return false;
  if (why.category() == make_error_code(serve_errc::not_allowed).category()) return false;
  const auto info = describe_error(why);
  if (!info) return true;
  // At stage attach it is a tunnel that says so, and not the caller.
  if (info->code == endpoint_errc::canceled) return info->stage == stage::attach;
  return !is_terminal(info->code);
}

result<void> reconnect_machine::connect(const reconnect_options& options, source_kind source) {
  if (auto ok = check(options, source); !ok) return ok;
  drop_everything(superseded());
  options_ = options;
  attempt_seq_ = 0;
  become(connection_status::connecting, {});
  begin_attempt(true);
  return {};
}

result<joining> reconnect_machine::connect_if_needed(const reconnect_options& options, source_kind source, bool same) {
  if (auto ok = check(options, source); !ok) return ok.error();
  if (same && status_ == connection_status::connected) return joining::connected;
  if (same && status_ == connection_status::connecting) return joining::waiting;
  if (auto ok = connect(options, source); !ok) return ok.error();
  return joining::started;
}

void reconnect_machine::disconnect() {
  drop_everything(superseded());
  attempt_seq_ = 0;
  if (status_ != connection_status::disconnected) become(connection_status::disconnected, {});
}

void reconnect_machine::attempt_succeeded(attempt_id id) {
  if (attempting_ != id) return intents_.push_back(intent::discard_session{id});
  attempting_.reset();
  connected_ = id;
  failed_in_cycle_ = 0;
  become(connection_status::connected, {});
  tell("reconnect_connected", event_result::ok);
  intents_.push_back(intent::answer{});
}

void reconnect_machine::attempt_failed(attempt_id id, attempt_failure failure, mono_time now) {
  if (attempting_ != id) return;
  attempting_.reset();
  ++failed_in_cycle_;
  if (!options_.enabled || !is_retryable(failure.why) || failed_in_cycle_ >= options_.max_attempts) {
    become(connection_status::error, failure.why);
    tell("reconnect_exhausted", event_result::fail);
    intents_.push_back(intent::answer{failure.why});
    return;
  }
  become(connection_status::connecting, failure.why);
  schedule(failure, now);
}

// The wait comes before the new cycle, so that a server that restarts is not met by everybody at once.
void reconnect_machine::session_lost(attempt_id id, attempt_failure failure, mono_time now) {
  if (connected_ != id) return;
  connected_.reset();
  intents_.push_back(intent::close_session{id});
  become(options_.enabled ? connection_status::connecting : connection_status::error, failure.why);
  if (options_.enabled) schedule(failure, now);
}

void reconnect_machine::close_failed(error_code why) {
  drop_everything(why);
  become(connection_status::error, why);
}

void reconnect_machine::advance(mono_time now) {
  if (!wake_ || now < *wake_) return;
  wake_.reset();
  begin_attempt(failed_in_cycle_ == 0);
}

std::optional<reconnect_intent> reconnect_machine::poll_intent() {
  if (intents_.empty()) return std::nullopt;
  auto first = std::move(intents_.front());
  intents_.pop_front();
  return first;
}

void reconnect_machine::begin_attempt(bool first_of_cycle) {
  ++attempt_seq_;
  attempting_ = attempt_id{++last_id_};
  tell(first_of_cycle ? "reconnect_attempt" : "reconnect_retry_attempt", event_result::retry);
  intents_.push_back(intent::begin_attempt{*attempting_, attempt_seq_});
}

void reconnect_machine::schedule(const attempt_failure& failure, mono_time now) {
  const int index = failed_in_cycle_ > 0 ? failed_in_cycle_ - 1 : 0;
  auto wait = reconnect_delay(options_, index, unit_());
  if (failure.draining) wait += spread_delay(options_, unit_());
  wake_ = now + wait;
  tell("reconnect_scheduled", event_result::retry);
}

// The order in which a run ends: whoever waits is told, then nothing of it goes on.
void reconnect_machine::drop_everything(error_code told) {
  const bool waited_for = attempting_ || wake_;
  wake_.reset();
  failed_in_cycle_ = 0;
  if (const auto id = std::exchange(attempting_, std::nullopt)) intents_.push_back(intent::abandon_attempt{*id});
  if (const auto id = std::exchange(connected_, std::nullopt)) intents_.push_back(intent::close_session{*id});
  if (waited_for) intents_.push_back(intent::answer{told});
}

void reconnect_machine::become(connection_status status, error_code error) {
  status_ = status;
  error_ = error;
  intents_.push_back(intent::publish{});
}

void reconnect_machine::tell(std::string_view code, event_result result) {
  intents_.push_back(intent::tell{code, result, attempt_seq_});
}

}  // namespace flowersec::endpoint
