#include "flowersec/handshake/response_cache.h"

namespace flowersec::handshake {
namespace {

constexpr std::size_t largest_cache = 1048576;

}  // namespace

result<void> validate(const response_cache_limits& limits) noexcept {
  if (limits.time_to_live && *limits.time_to_live <= std::chrono::milliseconds::zero()) {
    return handshake_errc::bad_limits;
  }
  if (limits.max_entries && (*limits.max_entries == 0 || *limits.max_entries > largest_cache)) {
    return handshake_errc::bad_limits;
  }
  return {};
}

std::optional<response_parameters> response_cache::find(const init_fingerprint& init, mono_time now) {
  const std::lock_guard lock{mutex_};
  remove_expired(now);
  const auto found = index_.find(init);
  if (found == index_.end()) return std::nullopt;
  return found->second->response.parameters;
}

result<response_parameters> response_cache::insert(const init_fingerprint& init, pending_response fresh,
                                                   mono_time now) {
  const std::lock_guard lock{mutex_};
  remove_expired(now);
  // Two connections may answer one INIT at once; both must send the same RESP.
  if (const auto found = index_.find(init); found != index_.end()) return found->second->response.parameters;
  if (limits_.max_entries && entries_.size() >= *limits_.max_entries) return handshake_errc::cache_full;
  entries_.push_back({init, now, std::move(fresh)});
  index_.emplace(init, std::prev(entries_.end()));
  return entries_.back().response.parameters;
}

std::optional<pending_response> response_cache::take(const init_fingerprint& init) {
  const std::lock_guard lock{mutex_};
  const auto found = index_.find(init);
  if (found == index_.end()) return std::nullopt;
  auto taken = std::move(found->second->response);
  entries_.erase(found->second);
  index_.erase(found);
  return taken;
}

std::size_t response_cache::size() const {
  const std::lock_guard lock{mutex_};
  return entries_.size();
}

void response_cache::remove_expired(mono_time now) {
  if (!limits_.time_to_live) return;
  while (!entries_.empty() && now - entries_.front().created > *limits_.time_to_live) {
    index_.erase(entries_.front().init);
    entries_.pop_front();
  }
}

}  // namespace flowersec::handshake
