// What the I/O threads of one tunnel share. Everything else belongs to one thread.
// Layer tunnel. Touched per connection, not per message, but for the two byte budgets.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "flowersec/tunnel/server.h"
#include "tunnel/block_pool.h"
#include "tunnel/byte_budget.h"
#include "tunnel/channel_table.h"
#include "tunnel/drain.h"
#include "tunnel/metrics.h"
#include "tunnel/readiness.h"
#include "tunnel/scope_registry.h"
#include "tunnel/source_guard.h"

namespace flowersec::tunnel {

struct shared_state {
  explicit shared_state(const server_options& options)
      : limits(with_bounded_times(options.limits)),
        keep_bandwidth(options.keep_bandwidth),
        clocks(*options.clocks),
        policy(options.policy),
        replay(options.replay ? options.replay : make_memory_replay_store(limits.replay_entries())),
        events(options.events ? options.events : std::make_shared<observer>()),
        sources(options.sources),
        verifier_(options.verifier),
        loaded_keys_text_(tunnel::loaded_keys_text(verifier_->loaded())) {}

  const tunnel_limits limits;
  const bool keep_bandwidth;
  const clock_source& clocks;
  const std::shared_ptr<attach_policy> policy;
  const std::shared_ptr<replay_store> replay;
  const std::shared_ptr<observer> events;

  source_guard sources;
  shared_count source_refusals{source_guard::max_refusals_under_way};
  shared_count connections{limits.max_connections};
  shared_count channels{limits.max_channels};
  shared_count closed_reports{limits.max_closed_reports};
  byte_budget total_bytes{limits.max_total_queued_bytes};
  block_cap stalled_blocks{limits.max_stalled_blocks};
  scope_registry scopes{limits.max_tenant_queued_bytes};
  metrics counts;
  std::atomic<tunnel_phase> phase{tunnel_phase::serving};
  drain_order leaving;
  drain_watch drained;

  // Plain HTTP requests in progress, which a stop waits for.
  void begin_http_request() noexcept { http_requests_.fetch_add(1); }
  void end_http_request() {
    if (http_requests_.fetch_sub(1) != 1 || phase != tunnel_phase::closing) return;
    const std::scoped_lock lock(http_mutex_);
    http_idle_.notify_all();
  }
  void wait_for_http_requests(std::chrono::milliseconds longest) {
    std::unique_lock lock(http_mutex_);
    http_idle_.wait_for(lock, longest, [this] { return http_requests_ == 0; });
  }

  [[nodiscard]] std::shared_ptr<const token_verifier> verifier() const {
    const std::scoped_lock lock(verifier_mutex_);
    return verifier_;
  }
  void set_verifier(std::shared_ptr<const token_verifier> verifier) {
    auto loaded = tunnel::loaded_keys_text(verifier->loaded());
    const std::scoped_lock lock(verifier_mutex_);
    verifier_ = std::move(verifier);
    loaded_keys_text_ = std::move(loaded);
  }
  /// For the page about readiness; written once per load, since anybody may ask.
  [[nodiscard]] std::string loaded_keys_text() const {
    const std::scoped_lock lock(verifier_mutex_);
    return loaded_keys_text_;
  }

  void refused(attach_reason reason, const refused_peer& peer) {
    counts.attach_refused(reason);
    events->on_attach_refused(reason, peer);
  }
  void refused(const ip_address& source, source_bound bound, const refused_peer& peer) {
    refused(attach_reason::too_many_connections, peer);
    events->on_source_refused(source, bound);
  }

 private:
  std::atomic<std::size_t> http_requests_{0};
  std::mutex http_mutex_;
  std::condition_variable http_idle_;
  mutable std::mutex verifier_mutex_;
  std::shared_ptr<const token_verifier> verifier_;
  std::string loaded_keys_text_;
};

/// One place among the counted connections, and among those of its source; gives them back when it dies.
class connection_ticket {
 public:
  connection_ticket() noexcept = default;
  [[nodiscard]] static connection_ticket take(shared_count& count) noexcept {
    connection_ticket ticket;
    if (count.try_add()) ticket.count_ = &count;
    return ticket;
  }
  connection_ticket(connection_ticket&& from) noexcept
      : count_(std::exchange(from.count_, nullptr)), place_(std::move(from.place_)) {}
  connection_ticket& operator=(connection_ticket&& from) noexcept {
    std::swap(count_, from.count_);
    std::swap(place_, from.place_);
    return *this;
  }
  ~connection_ticket() { give_back(); }

  [[nodiscard]] bool valid() const noexcept { return count_ != nullptr; }
  void keep(source_place place) noexcept { place_ = std::move(place); }
  void give_back() noexcept {
    place_.give_back();
    if (auto* count = std::exchange(count_, nullptr)) count->remove();
  }

 private:
  shared_count* count_ = nullptr;
  source_place place_;
};

}  // namespace flowersec::tunnel
