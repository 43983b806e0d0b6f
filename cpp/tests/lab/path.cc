#include "lab/path.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace flowersec::lab {
namespace {

using std::chrono::milliseconds;

constexpr double million = 1e6;
constexpr std::uint64_t longest_ms = 3'600'000;
constexpr std::uint64_t highest_kbit = 100'000'000;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

std::optional<std::uint64_t> whole(std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number > most) return std::nullopt;
  return number;
}

bool read(std::uint64_t& into, std::string_view text, std::uint64_t most, std::uint64_t unit = 1) {
  const auto number = whole(text, most);
  if (number) into = *number * unit;
  return number.has_value();
}

bool read(milliseconds& into, std::string_view text) {
  const auto number = whole(text, longest_ms);
  if (number) into = milliseconds{*number};
  return number.has_value();
}

bool read_chance(std::uint32_t& into, std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !(number >= 0 && number <= 1)) return false;
  into = static_cast<std::uint32_t>(std::lround(number * million));
  return true;
}

bool read_yes_or_no(bool& into, std::string_view text) {
  into = text == "yes";
  return into || text == "no";
}

bool change_one(shape& it, std::string_view name, std::string_view value) {
  if (name == "delay_ms") return read(it.delay, value);
  if (name == "rate_kbit") return read(it.bits_per_second, value, highest_kbit, 1000);
  if (name == "burst") return read(it.burst_bytes, value, most_bytes);
  if (name == "queue") return read(it.queue_bytes, value, most_bytes);
  if (name == "mtu") return read(it.mtu, value, most_bytes);
  if (name == "says_too_big") return read_yes_or_no(it.says_too_big, value);
  if (name == "loss") return read_chance(it.loss, value);
  if (name == "duplicate") return read_chance(it.duplicate, value);
  if (name == "reorder") return read_chance(it.reorder, value);
  if (name == "reorder_ms") return read(it.reorder_delay, value);
  return false;
}

moment time_of(std::uint64_t bytes, std::uint64_t bits_per_second) {
  return moment{static_cast<moment::rep>(static_cast<double>(bytes) * 8e9 / static_cast<double>(bits_per_second))};
}

}  // namespace

std::optional<std::string> change(shape& it, std::string_view text) {
  auto changed = it;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) continue;
    const auto equals = word.find('=');
    if (equals == std::string_view::npos || !change_one(changed, word.substr(0, equals), word.substr(equals + 1))) {
      return "cannot set " + std::string{word};
    }
  }
  it = changed;
  return std::nullopt;
}

std::optional<moment> path::leaves(std::size_t size, moment now) {
  if (shape_.bits_per_second == 0) return now;
  while (!queue_.empty() && queue_.front().until <= now) {
    queued_bytes_ -= queue_.front().size;
    queue_.pop_front();
  }
  const auto spent = std::max(now, bucket_empty_until_) + time_of(size, shape_.bits_per_second);
  const auto out = std::max(now, spent - time_of(shape_.burst_bytes, shape_.bits_per_second));
  if (out > now) {
    if (queued_bytes_ + size > shape_.queue_bytes) return std::nullopt;
    queue_.push_back({out, size});
    queued_bytes_ += size;
  }
  bucket_empty_until_ = spent;
  return out;
}

verdict path::offer(byte_buffer packet, std::size_t size, moment now) {
  ++figures_.packets;
  figures_.bytes += size;
  // Drawn for every packet, so that one setting does not change what the others do.
  const bool is_lost = happens(shape_.loss);
  const bool is_twice = happens(shape_.duplicate);
  const bool is_late = happens(shape_.reorder);
  if (in_black_hole(now)) {
    ++figures_.swallowed;
    return verdict::swallowed;
  }
  if (size > shape_.mtu) {
    ++figures_.too_big;
    return verdict::too_big;
  }
  if (is_lost) {
    ++figures_.lost;
    return verdict::lost;
  }
  const auto out = leaves(size, now);
  if (!out) {
    ++figures_.overflowed;
    return verdict::overflowed;
  }
  auto due = *out + shape_.delay;
  if (is_twice) {
    ++figures_.duplicated;
    under_way_.emplace(due, packet);
  }
  if (is_late) {
    ++figures_.reordered;
    due += shape_.reorder_delay;
  }
  under_way_.emplace(due, std::move(packet));
  return verdict::taken;
}

std::optional<byte_buffer> path::take(moment now) {
  while (!under_way_.empty() && under_way_.begin()->first <= now) {
    auto first = under_way_.extract(under_way_.begin());
    if (first.key() < hole_until_) {
      ++figures_.swallowed;
      continue;
    }
    ++figures_.delivered;
    return std::move(first.mapped());
  }
  return std::nullopt;
}

std::optional<moment> path::next_due() const {
  if (under_way_.empty()) return std::nullopt;
  return under_way_.begin()->first;
}

}  // namespace flowersec::lab
