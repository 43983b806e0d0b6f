// See used_tokens.h.
#include "tunnel/used_tokens.h"

#include <algorithm>
#include <utility>

#include "flowersec/base/bytes.h"

namespace flowersec::tunnel {

namespace {

using std::chrono::seconds;

bool is_over(std::int64_t until, mono_time over, wall_time wall_now, mono_time now) noexcept {
  return until < count(to_unix_seconds(wall_now)) && over <= now;
}

/// When the wall clock will be past `until`, if nobody sets it.
mono_time end_of(std::int64_t until, wall_time wall_now, mono_time now) noexcept {
  // Far enough for any token, near enough for the nanoseconds of the clocks.
  constexpr std::int64_t longest = 366LL * 24 * 3600;
  const auto wall_second = count(to_unix_seconds(wall_now));
  const auto left = until < wall_second ? 0 : std::min(until - wall_second, longest) + 1;
  const auto part_of_second = wall_now - std::chrono::floor<seconds>(wall_now);
  return now + std::chrono::duration_cast<mono_time::duration>(seconds{left} - part_of_second);
}

std::int64_t second_from(mono_time time) noexcept {
  return std::chrono::ceil<seconds>(time.time_since_epoch()).count();
}

}  // namespace

token_digest digest_of(const replay_query& query) { return crypto::sha256(as_bytes(query.key)); }

used_tokens::used_tokens(std::size_t max_entries) : max_entries_(max_entries) { add_chain(); }

used_tokens::~used_tokens() {
  for (std::size_t i = 0; i < chain_count_; ++i) {
    for (entry* e = chain(i); e != nullptr;) delete std::exchange(e, e->next_in_chain);
  }
}

replay_answer used_tokens::use(const token_digest& token, std::int64_t until, wall_time wall_now, mono_time now) {
  if (entry* known = *find(token)) {
    if (!is_over(known->until, known->over, wall_now, now)) return replay_answer::used;
    // Due, but not swept yet.
    set_times(*known, until, wall_now, now);
    unhang(*known);
    hang(*known, wall_now, now);
    return replay_answer::fresh;
  }
  constexpr std::size_t a_few = 64;
  while (size_ >= max_entries_ && expire(wall_now, now, a_few)) {
  }
  if (size_ >= max_entries_) return replay_answer::unavailable;
  remember(token, until, wall_now, now);
  return replay_answer::fresh;
}

void used_tokens::remember(const token_digest& token, std::int64_t until, wall_time wall_now, mono_time now) {
  entry* known = *find(token);
  if (known != nullptr) {
    until = std::max(until, known->until);
    unhang(*known);
  }
  entry& e = known != nullptr ? *known : add(token);
  set_times(e, until, wall_now, now);
  hang(e, wall_now, now);
}

void used_tokens::forget(const token_digest& token) {
  if (auto* const place = find(token); *place != nullptr) erase(place);
}

bool used_tokens::expire(wall_time wall_now, mono_time now, std::size_t most_steps) {
  const auto target = std::chrono::floor<seconds>(now.time_since_epoch()).count();
  if (!hand_) hand_ = target;
  // One turn meets everything that hangs.
  hand_ = std::max(*hand_, target - static_cast<std::int64_t>(wheel_.size()));
  for (; most_steps > 0; --most_steps) {
    ++work_;
    if (due_ != nullptr) {
      entry& e = *due_;
      if (is_over(e.until, e.over, wall_now, now)) {
        erase(find(e.token));
      } else {
        unhang(e);
        hang(e, wall_now, now);
      }
    } else {
      if (*hand_ >= target) return false;
      ++*hand_;
      due_ = std::exchange(wheel_[static_cast<std::size_t>(*hand_) % wheel_.size()], nullptr);
      if (due_ != nullptr) due_->due_place = &due_;
    }
  }
  return due_ != nullptr || *hand_ < target;
}

std::size_t used_tokens::chain_of(const token_digest& token) const noexcept {
  const auto hash = static_cast<std::size_t>(load_be<std::uint64_t>(token.data()));
  const auto wide = hash & (2 * round_ - 1);
  return wide < chain_count_ ? wide : hash & (round_ - 1);
}

/// What points at the entry, or at nothing at the end of its chain.
used_tokens::entry** used_tokens::find(const token_digest& token) noexcept {
  entry** place = &chain(chain_of(token));
  for (++work_; *place != nullptr && (*place)->token != token; place = &(*place)->next_in_chain) ++work_;
  return place;
}

used_tokens::entry& used_tokens::add(const token_digest& token) {
  if (size_ >= chain_count_) add_chain();
  auto added = std::make_unique<entry>();
  added->token = token;
  entry*& first = chain(chain_of(token));
  added->next_in_chain = first;
  first = added.release();
  ++size_;
  return *first;
}

void used_tokens::erase(entry** place) noexcept {
  const std::unique_ptr<entry> gone{*place};
  *place = gone->next_in_chain;
  unhang(*gone);
  --size_;
  // Two for every one that was added, so that a wave of entries leaves nothing behind; never while it is half full.
  for (int i = 0; i < 2 && !keeps_shape_ && chain_count_ > 1 && size_ < chain_count_ / 2; ++i) drop_chain();
}

/// Splits the next chain in line into itself and the new last one.
void used_tokens::add_chain() {
  if (chain_count_ % chains_per_segment == 0) segments_.push_back(std::make_unique<segment>());
  if (chain_count_ == 0) {
    chain_count_ = 1;
    return;
  }
  if (chain_count_ == 2 * round_) round_ *= 2;
  entry* moving = std::exchange(chain(chain_count_ - round_), nullptr);
  ++chain_count_;
  for (; moving != nullptr; ++work_) {
    entry& e = *moving;
    moving = e.next_in_chain;
    entry*& first = chain(chain_of(e.token));
    e.next_in_chain = first;
    first = &e;
  }
}

/// Merges the last chain into the one it was split from.
void used_tokens::drop_chain() noexcept {
  --chain_count_;
  if (chain_count_ < round_) round_ /= 2;
  entry* moving = std::exchange(chain(chain_count_), nullptr);
  entry*& into = chain(chain_count_ - round_);
  for (; moving != nullptr; ++work_) {
    entry& e = *moving;
    moving = e.next_in_chain;
    e.next_in_chain = into;
    into = &e;
  }
  if (chain_count_ % chains_per_segment == 0) segments_.pop_back();
}

void used_tokens::set_times(entry& e, std::int64_t until, wall_time wall_now, mono_time now) noexcept {
  e.until = until;
  e.over = end_of(until, wall_now, now);
}

/// Puts an entry where the hand will meet it: when it is over by both clocks as they are now, or after one turn.
void used_tokens::hang(entry& e, wall_time wall_now, mono_time now) noexcept {
  if (!hand_) hand_ = std::chrono::floor<seconds>(now.time_since_epoch()).count();
  const auto over = second_from(std::max(e.over, end_of(e.until, wall_now, now)));
  const auto due = std::clamp(over, *hand_ + 1, *hand_ + static_cast<std::int64_t>(wheel_.size()));
  push(wheel_[static_cast<std::size_t>(due) % wheel_.size()], e);
}

void used_tokens::unhang(entry& e) noexcept {
  if (e.due_place == nullptr) return;
  *e.due_place = e.next_due;
  if (e.next_due != nullptr) e.next_due->due_place = e.due_place;
  e.next_due = nullptr;
  e.due_place = nullptr;
}

void used_tokens::push(entry*& list, entry& e) noexcept {
  e.next_due = list;
  if (list != nullptr) list->due_place = &e.next_due;
  list = &e;
  e.due_place = &list;
}

}  // namespace flowersec::tunnel
