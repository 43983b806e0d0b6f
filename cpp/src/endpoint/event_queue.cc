#include "event_queue.h"

#include <algorithm>
#include <utility>

namespace flowersec::endpoint {

void event_queue::push(notice item) {
  const auto as = item.happened.result == event_result::fail ? rank::failure : rank::normal;
  const bool full = items_.size() >= max_items_;
  if (full && as == rank::normal) report_overflow(item.happened);
  if (make_room(as)) items_.push_back({std::move(item), as});
}

std::optional<notice> event_queue::pop() {
  if (items_.empty()) return std::nullopt;
  auto first = std::move(items_.front());
  items_.pop_front();
  if (first.as == rank::overflow) overflow_pending_ = false;
  return std::move(first.item);
}

// Whether there is room now. Among failures the latest are worth most: they say how it ended.
bool event_queue::make_room(rank newcomer) {
  if (items_.size() < max_items_) return true;
  auto goes = std::ranges::find(items_, rank::normal, &entry::as);
  if (goes == items_.end()) {
    if (newcomer != rank::failure) return false;
    goes = items_.begin();
  }
  if (goes->as == rank::overflow) overflow_pending_ = false;
  items_.erase(goes);
  return true;
}

void event_queue::report_overflow(const event& like) {
  if (overflow_pending_ || !make_room(rank::overflow)) return;
  notice told{.happened = like};
  told.happened.stage = to_string(stage::reconnect);
  told.happened.code = "diagnostics_overflow";
  told.happened.result = event_result::skip;
  told.happened.resource.reset();
  overflow_pending_ = true;
  items_.push_back({std::move(told), rank::overflow});
}

}  // namespace flowersec::endpoint
