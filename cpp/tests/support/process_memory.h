// What a process holds in memory, read from outside or by itself. Test support. Linux; needs the right to read it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "flowersec/base/bytes.h"

namespace flowersec::testing {

/// Longest secret that is looked for: so much of one block is repeated at the front of the next.
inline constexpr std::size_t max_needle_bytes = 128;

/// Shows every page that the process can write to, in blocks, until `look` is false.
inline void visit_memory(pid_t pid, const std::function<bool(byte_view)>& look) {
  constexpr std::size_t block_bytes = 1 << 20;
  constexpr std::uint64_t most_of_one = std::uint64_t{1} << 32;  // more is a sanitizer's own
  const auto folder = "/proc/" + std::to_string(pid);
  const int memory = ::open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(memory, 0) << "the memory of a child can be read by its parent's user";
  // Maps come first: what is allocated from here on may be left out.
  std::ifstream maps{folder + "/maps"};
  std::stringstream list;
  list << maps.rdbuf();
  // Gone without a trace, or a later look would find in it what an earlier one saw.
  struct wiped_block {
    std::array<std::byte, block_bytes> bytes{};
    ~wiped_block() { ::explicit_bzero(bytes.data(), bytes.size()); }
  };
  const auto owner = std::make_unique<wiped_block>();
  auto* const block = &owner->bytes;
  for (std::string line; std::getline(list, line);) {
    std::istringstream words{line};
    std::string range;
    std::string rights;
    words >> range >> rights;
    const auto to = std::stoull(range.substr(range.find('-') + 1), nullptr, 16);
    auto from = std::stoull(range, nullptr, 16);
    if (!rights.starts_with("rw") || to - from > most_of_one) continue;
    std::size_t kept = 0;
    while (from < to) {
      const auto room = std::min<std::uint64_t>(block_bytes - kept, to - from);
      const auto got = ::pread(memory, block->data() + kept, room, static_cast<off_t>(from));
      if (got <= 0) break;
      const byte_view seen{block->data(), kept + static_cast<std::size_t>(got)};
      if (!look(seen)) {
        ::close(memory);
        return;
      }
      from += static_cast<std::uint64_t>(got);
      kept = std::min(max_needle_bytes, seen.size());
      std::memmove(block->data(), seen.data() + seen.size() - kept, kept);
    }
  }
  ::close(memory);
}

/// All of it at one moment.
inline std::string memory_of(pid_t pid) {
  std::string all;
  visit_memory(pid, [&](byte_view block) {
    all += as_text(block);
    return true;
  });
  return all;
}

/// A secret in a form in which a look through the memory that holds it does not find it.
class masked_needle {
 public:
  explicit masked_needle(byte_view secret) : masked_(secret.begin(), secret.end()) {
    for (auto& each : masked_) each ^= mask;
  }
  /// What masked() was.
  static masked_needle of_masked(byte_buffer masked) {
    masked_needle made{byte_view{}};
    made.masked_ = std::move(masked);
    return made;
  }
  [[nodiscard]] const byte_buffer& masked() const noexcept { return masked_; }

  [[nodiscard]] bool is_in(byte_view block) const {
    // Memory is mostly zeros, so it is not a zero that is looked for first.
    const auto anchor = static_cast<std::size_t>(
        std::ranges::find_if(masked_, [](std::byte each) { return each != mask; }) - masked_.begin());
    if (block.size() < masked_.size() || anchor == masked_.size()) return false;
    const auto first = std::to_integer<int>(masked_[anchor] ^ mask);
    auto from = block.subspan(anchor, block.size() - masked_.size() + 1);
    while (!from.empty()) {
      const auto* at = static_cast<const std::byte*>(std::memchr(from.data(), first, from.size()));
      if (at == nullptr) return false;
      const auto* begin = at - anchor;
      std::size_t same = 0;
      while (same < masked_.size() && (begin[same] ^ mask) == masked_[same]) ++same;
      if (same == masked_.size()) return true;
      from = from.subspan(static_cast<std::size_t>(at - from.data()) + 1);
    }
    return false;
  }

 private:
  static constexpr std::byte mask{0xa5};
  byte_buffer masked_;
};

}  // namespace flowersec::testing
