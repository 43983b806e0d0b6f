#include "rpc_calling.h"

#include <algorithm>

namespace flowersec::session {

void rpc_calling::call(std::uint64_t serial, std::uint32_t type_id, std::string_view payload, call_options options,
                       reply_completion done) {
  if (!usable()) return done.complete(names_(make_error_code(session_errc::rpc_gone)), {});
  const auto now = owner().now();
  const auto id = client_.call(type_id, payload, now.mono);
  if (!id) return done.complete(names_(id.error()), {});
  std::optional<mono_time> deadline;
  if (options.timeout) deadline = later(now.mono, *options.timeout);
  calls_.emplace(*id, waiting_call{.serial = serial, .deadline = deadline, .done = std::move(done)});
  write_ready_output();
}

void rpc_calling::cancel(std::uint64_t serial) {
  const auto found =
      std::ranges::find_if(calls_, [serial](const auto& entry) { return entry.second.serial == serial; });
  if (found != calls_.end()) abandon(found->first, session_errc::rpc_canceled);
}

void rpc_calling::notify(std::uint32_t type_id, std::string_view payload, completion<error_code> done) {
  if (!usable()) return done.complete(names_(make_error_code(session_errc::rpc_gone)));
  const auto queued = client_.notify(type_id, payload);
  done.complete(queued ? error_code{} : names_(queued.error()));
  write_ready_output();
}

std::optional<mono_time> rpc_calling::deadline() const {
  std::optional<mono_time> first;
  for (const auto& [id, call] : calls_) {
    if (call.deadline) first = first ? std::min(*first, *call.deadline) : *call.deadline;
  }
  return first;
}

void rpc_calling::advance(moment now) {
  std::vector<rpc::call_id> late;
  for (const auto& [id, call] : calls_) {
    if (call.deadline && now.mono >= *call.deadline) late.push_back(id);
  }
  for (const auto id : late) abandon(id, session_errc::rpc_timeout);
}

void rpc_calling::abandon(rpc::call_id id, session_errc told) {
  static_cast<void>(client_.abandon(id, gone() ? mono_time{} : owner().now().mono));
  auto call = calls_.extract(id);
  call.mapped().done.complete(names_(make_error_code(told)), {});
}

void rpc_calling::consume(byte_view bytes, moment now) {
  heard_ = true;
  while (!bytes.empty()) {
    client_.receive(bytes, now.mono);
    drain();
  }
  write_ready_output();
  if (client_.ended()) end_stream();
}

void rpc_calling::on_end_of_input(moment now) {
  client_.end_of_input(now.mono);
  drain();
  end_stream();
}

void rpc_calling::on_stream_gone(moment now) {
  client_.end(rpc::rpc_errc::stream_reset, now.mono);
  drain();
}

void rpc_calling::drain() {
  while (auto happened = client_.poll_event()) {
    if (auto* finished = std::get_if<rpc::call_finished>(&*happened)) {
      finish(finished->id, std::move(finished->outcome));
    } else if (auto* notification = std::get_if<rpc::notification_received>(&*happened)) {
      notifications_->push(notification->type_id, std::move(notification->payload));
    }
  }
}

void rpc_calling::finish(rpc::call_id id, result<rpc::reply> outcome) {
  auto call = calls_.extract(id);
  if (call.empty()) return;
  if (outcome) {
    call.mapped().done.complete({}, std::move(*outcome));
  } else {
    call.mapped().done.complete(names_(outcome.error()), {});
  }
}

}  // namespace flowersec::session
