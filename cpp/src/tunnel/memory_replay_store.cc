// The replay store in memory: used_tokens behind one mutex.
// Layer tunnel. PROTOCOL, "Replay protection". One mutex: an attach costs a signature check, a hundred times more.
#include <mutex>

#include "tunnel/used_tokens.h"

namespace flowersec::tunnel {

namespace {

class memory_replay_store final : public replay_store {
 public:
  explicit memory_replay_store(std::size_t max_entries) : used_(max_entries) {}

  void try_use(replay_query query, wall_time wall_now, mono_time now, mono_time /*deadline*/,
               std::function<void(replay_answer)> answer) override {
    // Answered outside the lock: the answer may lead to anything.
    answer(use(digest_of(query), query.remember_until, wall_now, now));
  }

  void expire(wall_time wall_now, mono_time now) override {
    // In portions, so that attaches get their turn while a whole second's worth goes.
    bool more = true;
    while (more) {
      const std::scoped_lock lock(mutex_);
      more = used_.expire(wall_now, now, expire_portion);
    }
  }

 private:
  replay_answer use(const token_digest& token, std::int64_t until, wall_time wall_now, mono_time now) {
    const std::scoped_lock lock(mutex_);
    return used_.use(token, until, wall_now, now);
  }

  std::mutex mutex_;
  used_tokens used_;
};

}  // namespace

std::shared_ptr<replay_store> make_memory_replay_store(std::size_t max_entries) {
  return std::make_shared<memory_replay_store>(max_entries);
}

}  // namespace flowersec::tunnel
