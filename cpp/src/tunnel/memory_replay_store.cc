// The replay store in memory: a hash map of used tokens and a wheel of seconds that says which ones are due.
// Layer tunnel. PROTOCOL, "Replay protection". One mutex: an attach costs a signature check, a hundred times more.
//
// An entry goes only when both clocks agree that its time is over, so that a wall clock stepped forward does not
// reopen the door for tokens that a step back would make valid again.
#include <absl/container/node_hash_map.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <utility>

#include "flowersec/tunnel/replay.h"

namespace flowersec::tunnel {

namespace {

using std::chrono::seconds;

class memory_replay_store final : public replay_store {
 public:
  explicit memory_replay_store(std::size_t max_entries) : max_entries_(max_entries) {}

  void try_use(replay_query query, wall_time wall_now, mono_time now, mono_time /*deadline*/,
               std::function<void(replay_answer)> answer) override {
    // Answered outside the lock: the answer may lead to anything.
    answer(use(std::move(query), wall_now, now));
  }

  void expire(wall_time wall_now, mono_time now) override {
    const std::scoped_lock lock(mutex_);
    turn_wheel(wall_now, now);
  }

 private:
  struct entry {
    std::int64_t until = 0;  ///< last wall second in which the token is refused
    mono_time over{};        ///< when the same moment has passed on the other clock
    std::int64_t due = 0;    ///< wheel second
    const std::string* key = nullptr;
    entry* next = nullptr;
  };

  [[nodiscard]] static bool is_over(const entry& e, wall_time wall_now, mono_time now) noexcept {
    return e.until < count(to_unix_seconds(wall_now)) && e.over <= now;
  }

  replay_answer use(replay_query query, wall_time wall_now, mono_time now) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = entries_.find(query.key); found != entries_.end()) {
      if (!is_over(found->second, wall_now, now)) return replay_answer::used;
      // Still hanging in the wheel; only its times move.
      set_times(found->second, query.remember_until, wall_now, now);
      return replay_answer::fresh;
    }
    if (entries_.size() >= max_entries_) turn_wheel(wall_now, now);
    if (entries_.size() >= max_entries_) return replay_answer::unavailable;
    const auto added = entries_.try_emplace(std::move(query.key)).first;
    entry& e = added->second;
    e.key = &added->first;
    set_times(e, query.remember_until, wall_now, now);
    hang(e, now);
    return replay_answer::fresh;
  }

  static void set_times(entry& e, std::int64_t until, wall_time wall_now, mono_time now) noexcept {
    // Far enough for any token, near enough for the nanoseconds of the clocks.
    constexpr std::int64_t longest = 366LL * 24 * 3600;
    const auto left = std::min(until - count(to_unix_seconds(wall_now)) + 1, longest);
    e.until = until;
    const auto part_of_second = wall_now - std::chrono::floor<seconds>(wall_now);
    e.over = now + std::chrono::duration_cast<mono_time::duration>(seconds{left} - part_of_second);
  }

  [[nodiscard]] static std::int64_t second_of(mono_time time) noexcept {
    return std::chrono::ceil<seconds>(time.time_since_epoch()).count();
  }

  /// Puts an entry where the wheel will meet it, at latest after one turn.
  void hang(entry& e, mono_time now) noexcept {
    if (!hand_) hand_ = second_of(now);
    e.due = std::clamp(second_of(e.over), *hand_ + 1, *hand_ + static_cast<std::int64_t>(wheel_.size()));
    auto& slot = wheel_[static_cast<std::size_t>(e.due) % wheel_.size()];
    e.next = slot;
    slot = &e;
  }

  void turn_wheel(wall_time wall_now, mono_time now) {
    const auto target = std::chrono::floor<seconds>(now.time_since_epoch()).count();
    if (!hand_) hand_ = target;
    const auto turns = std::min<std::int64_t>(target - *hand_, static_cast<std::int64_t>(wheel_.size()));
    for (std::int64_t turn = 0; turn < turns; ++turn) {
      const auto second = target - turns + 1 + turn;
      entry* due = std::exchange(wheel_[static_cast<std::size_t>(second) % wheel_.size()], nullptr);
      hand_ = second;
      while (due != nullptr) {
        entry& e = *due;
        due = e.next;
        if (is_over(e, wall_now, now)) {
          entries_.erase(entries_.find(*e.key));
        } else {
          hang(e, now);
        }
      }
    }
  }

  const std::size_t max_entries_;
  std::mutex mutex_;
  absl::node_hash_map<std::string, entry> entries_;
  std::array<entry*, 256> wheel_{};
  std::optional<std::int64_t> hand_;
};

}  // namespace

std::shared_ptr<replay_store> make_memory_replay_store(std::size_t max_entries) {
  return std::make_shared<memory_replay_store>(max_entries);
}

}  // namespace flowersec::tunnel
