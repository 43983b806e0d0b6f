// A replay store behind a moment: what was issued up to it counts as used.
// Layer tunnel. PROTOCOL, "Replay protection". Threads as the store behind it.
#include <utility>

#include "flowersec/tunnel/replay.h"

namespace flowersec::tunnel {

namespace {

class fenced_replay_store final : public replay_store {
 public:
  fenced_replay_store(std::shared_ptr<replay_store> behind, std::int64_t fence)
      : behind_(std::move(behind)), fence_(fence) {}

  void try_use(replay_query query, wall_time wall_now, mono_time now, mono_time deadline,
               std::function<void(replay_answer)> answer) override {
    if (query.issued_at <= fence_) return answer(replay_answer::used);
    behind_->try_use(std::move(query), wall_now, now, deadline, std::move(answer));
  }
  void expire(wall_time wall_now, mono_time now) override { behind_->expire(wall_now, now); }
  void settle() override { behind_->settle(); }

 private:
  const std::shared_ptr<replay_store> behind_;
  const std::int64_t fence_;  ///< last second whose tokens are refused
};

}  // namespace

std::shared_ptr<replay_store> make_fenced_replay_store(std::shared_ptr<replay_store> behind, wall_time start) {
  return std::make_shared<fenced_replay_store>(std::move(behind), count(to_unix_seconds(start)));
}

}  // namespace flowersec::tunnel
