// The memory of used tokens: a hash table that grows and shrinks by one chain at a time, and a wheel of seconds that
// says which entries are due. No call does work in proportion to how many entries there are.
// Layer tunnel. PROTOCOL, "Replay protection". No locks, no clock: the owner brings both.
//
// An entry goes only when both clocks agree that its time is over, so that a wall clock stepped forward does not
// reopen the door for tokens that a step back would make valid again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "flowersec/crypto/hash.h"
#include "flowersec/tunnel/replay.h"

namespace flowersec::tunnel {

/// SHA-256 of a query's key. An entry has one size whatever the issuer writes into a token, and a file or a core dump
/// shows no names.
using token_digest = crypto::sha256_digest;

[[nodiscard]] token_digest digest_of(const replay_query& query);

/// Steps of one turn of expiry under a lock: well below a millisecond.
inline constexpr std::size_t expire_portion = 512;

class used_tokens {
 public:
  explicit used_tokens(std::size_t max_entries);
  ~used_tokens();
  used_tokens(const used_tokens&) = delete;
  used_tokens& operator=(const used_tokens&) = delete;

  /// Checks and stores.
  [[nodiscard]] replay_answer use(const token_digest& token, std::int64_t until, wall_time wall_now, mono_time now);
  /// Stores what is known to be used, also above max_entries: forgetting it would be worse.
  void remember(const token_digest& token, std::int64_t until, wall_time wall_now, mono_time now);
  /// As if it had never been used.
  void forget(const token_digest& token);
  /// Looks at no more than `most_steps` entries or seconds. Whether some that are due are left.
  [[nodiscard]] bool expire(wall_time wall_now, mono_time now, std::size_t most_steps);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Entries and chains touched so far, by all calls.
  [[nodiscard]] std::uint64_t work() const noexcept { return work_; }

  /// Shows every entry that is there from the first call of a series to the last; one may be shown twice. `cursor`
  /// starts at 0. False when nothing is left. While `keeps_shape`, entries may come and go between the calls.
  template <class Visitor>
  [[nodiscard]] bool visit(std::size_t& cursor, std::size_t chains, Visitor visitor) const {
    for (; chains > 0 && cursor < chain_count_; --chains, ++cursor) {
      for (const entry* e = chain(cursor); e != nullptr; e = e->next_in_chain) visitor(e->token, e->until);
    }
    return cursor < chain_count_;
  }
  /// Chains are split but not merged: what a series of visits has not met yet does not move to where it has been.
  void keep_shape(bool on) noexcept { keeps_shape_ = on; }

 private:
  struct entry {
    token_digest token;
    std::int64_t until = 0;  ///< last wall second in which the token is refused
    mono_time over{};        ///< when the same moment has passed on the other clock
    entry* next_in_chain = nullptr;
    entry* next_due = nullptr;
    entry** due_place = nullptr;  ///< what points at this entry in the wheel
  };
  static constexpr std::size_t chains_per_segment = 512;
  using segment = std::array<entry*, chains_per_segment>;

  [[nodiscard]] entry*& chain(std::size_t index) const noexcept {
    return (*segments_[index / chains_per_segment])[index % chains_per_segment];
  }
  [[nodiscard]] std::size_t chain_of(const token_digest& token) const noexcept;
  [[nodiscard]] entry** find(const token_digest& token) noexcept;
  entry& add(const token_digest& token);
  void erase(entry** place) noexcept;
  void add_chain();
  void drop_chain() noexcept;

  static void set_times(entry& e, std::int64_t until, wall_time wall_now, mono_time now) noexcept;
  void hang(entry& e, wall_time wall_now, mono_time now) noexcept;
  static void unhang(entry& e) noexcept;
  static void push(entry*& list, entry& e) noexcept;

  const std::size_t max_entries_;
  std::size_t size_ = 0;
  std::uint64_t work_ = 0;
  bool keeps_shape_ = false;

  // Linear hashing: growing splits one chain in two, in turn. A round doubles their number.
  std::vector<std::unique_ptr<segment>> segments_;
  std::size_t chain_count_ = 0;
  std::size_t round_ = 1;  ///< the power of two with round_ <= chain_count_ <= 2 * round_

  std::array<entry*, 256> wheel_{};
  entry* due_ = nullptr;              ///< of the second the hand is at, not looked at yet
  std::optional<std::int64_t> hand_;  ///< second of the monotonic clock
};

}  // namespace flowersec::tunnel
