// Parts of a tunnel that do less than they should, and one that watches: what a life with a flaw is made of.
// Test support.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "flowersec/tunnel/replay.h"
#include "flowersec/tunnel/verifier.h"

namespace flowersec::sim {

/// Finds every token fresh.
class forgetful_store final : public tunnel::replay_store {
 public:
  void try_use(tunnel::replay_query, wall_time, mono_time, mono_time,
               std::function<void(tunnel::replay_answer)> answer) override {
    answer(tunnel::replay_answer::fresh);
  }
  void expire(wall_time, mono_time) override {}
};

/// Counts the tokens that the real memory finds fresh.
class watched_store final : public tunnel::replay_store {
 public:
  explicit watched_store(std::size_t entries) : real_(tunnel::make_memory_replay_store(entries)) {}
  void try_use(tunnel::replay_query query, wall_time wall_now, mono_time now, mono_time deadline,
               std::function<void(tunnel::replay_answer)> answer) override {
    const auto key = query.key;
    real_->try_use(std::move(query), wall_now, now, deadline, [&](tunnel::replay_answer given) {
      if (given == tunnel::replay_answer::fresh) twice_ |= ++fresh_[key] > 1;
      answer(given);
    });
  }
  void expire(wall_time wall_now, mono_time now) override { real_->expire(wall_now, now); }
  [[nodiscard]] bool fresh_twice() const noexcept { return twice_; }

 private:
  std::shared_ptr<tunnel::replay_store> real_;
  std::map<std::string, std::size_t> fresh_;
  bool twice_ = false;
};

/// Believes a token whose time is over.
class timeless_verifier final : public tunnel::token_verifier {
 public:
  explicit timeless_verifier(std::shared_ptr<const tunnel::token_verifier> real) : real_(std::move(real)) {}
  [[nodiscard]] std::optional<tunnel::verified_token> verify(std::string_view token, wall_time now,
                                                             const tunnel::tunnel_limits& limits) const override {
    for (int back = 0; back <= 600; back += 50) {
      if (auto good = real_->verify(token, now - std::chrono::seconds{back}, limits)) return good;
    }
    return std::nullopt;
  }

 private:
  std::shared_ptr<const tunnel::token_verifier> real_;
};

}  // namespace flowersec::sim
