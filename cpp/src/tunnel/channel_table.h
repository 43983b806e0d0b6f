// The channels of one I/O thread, and the rules by which an endpoint enters one.
// Layer tunnel. PROTOCOL, "Admission". No I/O: endpoints are only names here.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "flowersec/base/clock.h"
#include "flowersec/tunnel/limits.h"
#include "flowersec/tunnel/observer.h"
#include "flowersec/tunnel/reasons.h"
#include "tunnel/replacement_history.h"
#include "tunnel/scope_registry.h"
#include "tunnel/spare_room.h"

namespace flowersec::tunnel {

class endpoint;

[[nodiscard]] constexpr std::size_t index_of(endpoint_role role) noexcept {
  return role == endpoint_role::client ? 0 : 1;
}
[[nodiscard]] constexpr endpoint_role other(endpoint_role role) noexcept {
  return role == endpoint_role::client ? endpoint_role::server : endpoint_role::client;
}

/// A count shared by all threads, with a limit.
class shared_count {
 public:
  explicit shared_count(std::size_t limit) noexcept : limit_(limit) {}
  [[nodiscard]] bool try_add() noexcept {
    if (count_.fetch_add(1, std::memory_order_relaxed) < limit_) return true;
    remove();
    return false;
  }
  void remove() noexcept { count_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t value() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> count_{0};
  const std::size_t limit_;
};

struct channel {
  scope_ptr scope;
  std::string id;
  std::string tenant_id;
  std::int64_t init_exp = 0;
  std::int32_t idle_timeout_seconds = 0;
  std::optional<wall_time> lease_expires;
  mono_time first_seen{};
  mono_time last_activity{};
  channel_bytes bytes_before;  ///< of the channels of this name that it follows
  bool record_seen = false;
  bool draining = false;  ///< one endpoint's reading has ended; what it sent is still on its way
  close_reason ending = close_reason::peer_closed;  ///< of a draining channel
  std::array<endpoint*, 2> endpoints{};
  std::array<replacement_history, 2> replacements;

  [[nodiscard]] bool paired() const noexcept { return endpoints[0] != nullptr && endpoints[1] != nullptr; }
  [[nodiscard]] endpoint* at(endpoint_role role) const noexcept { return endpoints[index_of(role)]; }
};

struct admission_request {
  scope_ptr scope;
  std::string channel_id;
  std::string tenant_id;
  endpoint_role role = endpoint_role::client;
  std::int64_t init_exp = 0;
  std::int32_t idle_timeout_seconds = 0;
  std::optional<wall_time> lease_expires;
};

struct admission {
  attach_reason outcome = attach_reason::ok;
  channel* room = nullptr;            ///< where the endpoint is now, when ok
  std::unique_ptr<channel> replaced;  ///< the channel it pushed out, endpoints and all
};

class channel_table {
 public:
  /// `count` outlives the table.
  explicit channel_table(shared_count& count) noexcept : count_(count) {}
  ~channel_table();
  channel_table(const channel_table&) = delete;
  channel_table& operator=(const channel_table&) = delete;

  [[nodiscard]] admission admit(const admission_request& request, endpoint& who, const tunnel_limits& limits,
                                mono_time now);
  /// Takes the channel out; its endpoints are the caller's to drop.
  [[nodiscard]] std::unique_ptr<channel> remove(const channel& room);
  [[nodiscard]] channel* find(const active_scope& scope, std::string_view id) const;
  [[nodiscard]] std::size_t size() const noexcept { return channels_.size(); }

  /// Gives the memory of a crowd that left back.
  void shrink() { shrink_table(channels_); }

  template <class Visit>
  void for_each(Visit visit) {
    for (auto& entry : channels_) visit(*entry.second);
  }

 private:
  /// The text lives in the channel itself.
  struct key {
    const active_scope* scope;
    std::string_view id;
    [[nodiscard]] bool operator==(const key&) const noexcept = default;
  };
  struct key_hash {
    [[nodiscard]] std::size_t operator()(const key& k) const noexcept {
      return std::hash<std::string_view>{}(k.id) ^ (reinterpret_cast<std::uintptr_t>(k.scope) >> 4);
    }
  };
  static key key_of(const channel& room) noexcept { return {room.scope.get(), room.id}; }
  channel* insert(std::unique_ptr<channel> room);

  shared_count& count_;
  absl::flat_hash_map<key, std::unique_ptr<channel>, key_hash> channels_;
};

/// Leases only ever move later, or come into being.
void extend_lease(channel& room, const std::optional<wall_time>& lease) noexcept;

/// Why the sweep must end this channel now, if it must. The first true condition counts.
[[nodiscard]] std::optional<close_reason> due_ending(const channel& room, mono_time now, wall_time wall_now) noexcept;

}  // namespace flowersec::tunnel
