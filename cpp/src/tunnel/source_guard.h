// How much each source address takes: its connections now, its attaches of the last second.
// Layer tunnel. Asked when a connection is accepted and when it is upgraded, never for a message: one short lock, and
// none at all while nothing is bounded. Any thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include "flowersec/base/clock.h"
#include "flowersec/tunnel/source.h"

namespace flowersec::tunnel {

/// The part of an address that is counted as one source.
[[nodiscard]] ip_address source_key(ip_address address) noexcept;

/// Who speaks through `peer`: the right-most address of the X-Forwarded-For fields, in their order, that is no trusted
/// proxy. Left of it anybody may have written anything. `peer` itself when it is not trusted, when every address is, or
/// when a proxy has written something that is no address.
[[nodiscard]] ip_address forwarded_source(const ip_address& peer, std::span<const std::string_view> forwarded_for,
                                          std::span<const ip_network> trusted_proxies);

/// Attaches per source: a bucket that holds one second's worth, full at the start.
class attach_meter {
 public:
  explicit attach_meter(std::size_t per_second);

  [[nodiscard]] bool try_take(const ip_address& source, mono_time now);
  [[nodiscard]] std::size_t remembered() const noexcept { return recent_.size() + older_.size(); }

  /// Sources remembered in each of the two halves. Beyond so many within a second the older half is forgotten, and its
  /// sources begin with a full bucket: memory matters more than the rate of a crowd.
  static constexpr std::size_t most_sources_per_half = 32768;

 private:
  void turn_over(mono_time now);

  /// When a bucket will be full again. What was not touched for a second is full, and need not be remembered.
  using half = absl::flat_hash_map<std::array<std::uint8_t, 16>, mono_time>;

  const std::chrono::nanoseconds interval_;
  half recent_;
  half older_;
  mono_time recent_since_{};
};

class source_guard;

/// A place among the connections of a source; gives it back when it dies.
class source_place {
 public:
  source_place() noexcept = default;
  source_place(source_guard& guard, const ip_address& source) noexcept : guard_(&guard), source_(source) {}
  source_place(source_place&& from) noexcept : guard_(std::exchange(from.guard_, nullptr)), source_(from.source_) {}
  source_place& operator=(source_place&& from) noexcept {
    std::swap(guard_, from.guard_);
    std::swap(source_, from.source_);
    return *this;
  }
  ~source_place() { give_back(); }
  void give_back() noexcept;

 private:
  source_guard* guard_ = nullptr;
  ip_address source_;
};

class source_guard {
 public:
  /// Connections that are being told, all sources together, that theirs has enough; one more is disconnected.
  static constexpr std::size_t max_refusals_under_way = 64;

  explicit source_guard(const source_limits& limits);

  /// Whether anything is bounded.
  [[nodiscard]] bool is_on() const noexcept { return limits_.max_connections || limits_.attaches_per_second; }
  [[nodiscard]] const source_limits& limits() const noexcept { return limits_; }
  [[nodiscard]] bool trusts(const ip_address& peer) const noexcept;

  /// nullopt when the source has all the connections it may have.
  [[nodiscard]] std::optional<source_place> try_enter(const ip_address& source);
  [[nodiscard]] bool try_attach(const ip_address& source, mono_time now);

  /// Sources with a connection, and sources with an attach not long ago.
  [[nodiscard]] std::size_t remembered() const;

 private:
  friend class source_place;
  void leave(const ip_address& source) noexcept;

  const source_limits limits_;
  mutable std::mutex mutex_;
  absl::flat_hash_map<std::array<std::uint8_t, 16>, std::size_t> connections_;
  std::optional<attach_meter> meter_;
};

/// The bounds as one connection meets them.
class source_visit {
 public:
  /// `remote_addr` is the peer's ip:port.
  source_visit(source_guard& guard, std::string_view remote_addr);

  /// At the accept. What refuses the connection, if anything does.
  [[nodiscard]] std::optional<source_bound> arrive();
  /// At a request that would be upgraded.
  [[nodiscard]] std::optional<source_bound> attach(std::span<const std::string_view> forwarded_for, mono_time now);
  [[nodiscard]] source_place take_place() noexcept { return std::move(place_); }
  /// Whom the last answer was about.
  [[nodiscard]] const ip_address& source() const noexcept { return source_; }

 private:
  source_guard& guard_;
  bool watched_;
  bool through_proxy_ = false;
  ip_address peer_;
  ip_address source_;
  source_place place_;
};

}  // namespace flowersec::tunnel
