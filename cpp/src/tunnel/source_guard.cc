// See source_guard.h.
#include "tunnel/source_guard.h"

#include <algorithm>

#include "flowersec/base/text.h"

namespace flowersec::tunnel {

namespace {

constexpr std::chrono::nanoseconds whole_bucket = std::chrono::seconds{1};

bool is_trusted(const ip_address& address, std::span<const ip_network> networks) noexcept {
  return std::ranges::any_of(networks, [&](const ip_network& network) { return network.contains(address); });
}

/// The text behind the last comma, taken away from `list`.
std::string_view take_last(std::string_view& list) {
  const auto comma = list.rfind(',');
  const auto last = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
  return trim(last);
}

}  // namespace

ip_address source_key(ip_address address) noexcept {
  constexpr std::ptrdiff_t network_bytes = 8;
  if (!address.is_v4()) std::fill(address.bytes.begin() + network_bytes, address.bytes.end(), std::uint8_t{0});
  return address;
}

ip_address forwarded_source(const ip_address& peer, std::span<const std::string_view> forwarded_for,
                            std::span<const ip_network> trusted_proxies) {
  if (!is_trusted(peer, trusted_proxies)) return peer;
  for (auto fields = forwarded_for; !fields.empty(); fields = fields.first(fields.size() - 1)) {
    auto field = fields.back();
    while (!field.empty()) {
      const auto item = take_last(field);
      if (item.empty()) continue;  // lists may have empty elements (RFC 9110, 5.6.1)
      const auto address = parse_ip_address(item);
      if (!address) return peer;
      if (!is_trusted(*address, trusted_proxies)) return *address;
    }
  }
  return peer;
}

attach_meter::attach_meter(std::size_t per_second)
    : interval_(std::max<std::chrono::nanoseconds>(
          whole_bucket / static_cast<std::int64_t>(std::clamp<std::size_t>(per_second, 1, 1'000'000'000)),
          std::chrono::nanoseconds{1})) {}

bool attach_meter::try_take(const ip_address& source, mono_time now) {
  turn_over(now);
  auto full_again = now;
  if (const auto known = recent_.find(source.bytes); known != recent_.end()) {
    full_again = std::max(now, known->second);
  } else if (const auto older = older_.find(source.bytes); older != older_.end()) {
    full_again = std::max(now, older->second);
  }
  // A bucket that is full in a second, or later, is empty now.
  full_again += interval_;
  if (full_again - now > whole_bucket) return false;
  recent_[source.bytes] = full_again;
  return true;
}

void attach_meter::turn_over(mono_time now) {
  if (now - recent_since_ < whole_bucket && recent_.size() < most_sources_per_half) return;
  // Nothing in either half can be short of anything after two seconds.
  if (now - recent_since_ >= 2 * whole_bucket) recent_.clear();
  older_ = std::exchange(recent_, {});
  recent_since_ = now;
}

void source_place::give_back() noexcept {
  if (auto* guard = std::exchange(guard_, nullptr)) guard->leave(source_);
}

source_guard::source_guard(const source_limits& limits) : limits_(limits) {
  if (limits.attaches_per_second) meter_.emplace(*limits.attaches_per_second);
}

bool source_guard::trusts(const ip_address& peer) const noexcept { return is_trusted(peer, limits_.trusted_proxies); }

std::optional<source_place> source_guard::try_enter(const ip_address& source) {
  if (!limits_.max_connections) return source_place{};
  const auto key = source_key(source);
  const std::scoped_lock lock(mutex_);
  auto& count = connections_[key.bytes];
  if (count < *limits_.max_connections) {
    ++count;
    return source_place{*this, key};
  }
  if (count == 0) connections_.erase(key.bytes);
  return std::nullopt;
}

void source_guard::leave(const ip_address& source) noexcept {
  const std::scoped_lock lock(mutex_);
  const auto found = connections_.find(source.bytes);
  if (--found->second != 0) return;
  connections_.erase(found);
  // The room for a crowd that left goes with it.
  if (connections_.empty()) connections_ = {};
}

bool source_guard::try_attach(const ip_address& source, mono_time now) {
  if (!meter_) return true;
  const auto key = source_key(source);
  const std::scoped_lock lock(mutex_);
  return meter_->try_take(key, now);
}

std::size_t source_guard::remembered() const {
  const std::scoped_lock lock(mutex_);
  return connections_.size() + (meter_ ? meter_->remembered() : 0);
}

source_visit::source_visit(source_guard& guard, std::string_view remote_addr) : guard_(guard), watched_(guard.is_on()) {
  if (!watched_) return;
  // A socket without an address is nobody's in particular: all such are one source.
  peer_ = parse_ip_address(remote_addr).value_or(ip_address{});
  source_ = peer_;
  through_proxy_ = guard_.trusts(peer_);
}

std::optional<source_bound> source_visit::arrive() {
  if (!watched_ || through_proxy_) return std::nullopt;
  auto place = guard_.try_enter(source_);
  if (!place) return source_bound::connections;
  place_ = *std::move(place);
  return std::nullopt;
}

std::optional<source_bound> source_visit::attach(std::span<const std::string_view> forwarded_for, mono_time now) {
  if (!watched_) return std::nullopt;
  if (through_proxy_) {
    source_ = forwarded_source(peer_, forwarded_for, guard_.limits().trusted_proxies);
    auto place = guard_.try_enter(source_);
    if (!place) return source_bound::connections;
    place_ = *std::move(place);
  }
  if (guard_.try_attach(source_, now)) return std::nullopt;
  return source_bound::attach_rate;
}

}  // namespace flowersec::tunnel
