#include "teller.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace flowersec::endpoint {
namespace {

/// What a program's code throws is its own affair.
template <class Call>
void guarded(Call call) noexcept {
  try {
    call();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

void deliver(observer& to, const notice& item) noexcept {
  guarded([&] {
    switch (item.call) {
      case notice::callback::none:
        return;
      case notice::callback::connect:
        return to.on_connect(item.report);
      case notice::callback::attach:
        return to.on_attach(item.report);
      case notice::callback::handshake:
        return to.on_handshake(item.report);
    }
  });
  guarded([&] { to.on_event(item.happened); });
}

}  // namespace

std::shared_ptr<queued_observer> queued_observer::over(const boost::asio::any_io_executor& executor,
                                                       const std::shared_ptr<observer>& inner, std::size_t max_items) {
  if (!inner) return nullptr;
  if (auto same = std::dynamic_pointer_cast<queued_observer>(inner)) return same;
  return std::make_shared<queued_observer>(executor, inner, max_items);
}

void queued_observer::push(notice item) {
  const std::scoped_lock lock{mutex_};
  queue_.push(std::move(item));
  if (std::exchange(draining_, true)) return;
  boost::asio::post(place_, [self = shared_from_this()] { self->drain(); });
}

// The lock is not held while the observer runs.
void queued_observer::drain() {
  for (;;) {
    std::optional<notice> next;
    {
      const std::scoped_lock lock{mutex_};
      next = queue_.pop();
      if (!next) {
        draining_ = false;
        return;
      }
    }
    deliver(*inner_, *next);
  }
}

teller::teller(const boost::asio::any_io_executor& executor, path on, const common_options& options)
    : to_(queued_observer::over(executor, options.events, options.context.max_queued_items)), path_(on) {
  if (!to_) return;
  context_ = options.context;
  clocks_ = options.clocks;
  begun_ = context_.attempt_began.value_or(clocks_->mono_now());
}

event teller::make(std::string_view where, std::string_view code, event_result result) const {
  return {.path = path_,
          .stage = where,
          .code = code,
          .result = result,
          .elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now() - begun_),
          .attempt_seq = context_.attempt_seq,
          .trace_id = context_.trace_id,
          .session_id = context_.session_id};
}

void teller::tell(std::string_view where, std::string_view code, event_result result) const {
  if (to_) to_->push({.happened = make(where, code, result)});
}

void teller::tell(const error_info& failed) const {
  tell(to_string(failed.stage), to_string(failed.code), event_result::fail);
}

void teller::tell_limit(std::string_view where, std::string_view code, event_resource resource) const {
  if (!to_) return;
  auto happened = make(where, code, event_result::fail);
  if (!resource.name.empty()) happened.resource = resource;
  to_->push({.happened = std::move(happened)});
}

void teller::report(notice::callback call, std::string_view reason, std::string_view where, std::string_view code,
                    mono_time since) const {
  if (!to_) return;
  const bool ok = reason.empty();
  to_->push({.happened = make(where, code, ok ? event_result::ok : event_result::fail),
             .call = call,
             .report = {.path = path_, .ok = ok, .reason = reason, .elapsed = now() - since}});
}

}  // namespace flowersec::endpoint
