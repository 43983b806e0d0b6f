// Secrets that this process must not hold any more at some point, looked for in all of its memory.
// Test support. Linux.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "flowersec/base/base64url.h"
#include "support/process_memory.h"

namespace flowersec::testing {

class watched_secrets {
 public:
  using maker = std::function<byte_buffer()>;

  /// `make` runs in a process of its own: this one never holds what it returns but where the product does.
  void add(std::string name, const maker& make) { all_.push_back({std::move(name), made_elsewhere(make)}); }
  /// As bytes, and as JSON and links carry it.
  void add_both(const std::string& name, const maker& make) {
    add(name, make);
    add(name, [&] { return to_buffer(as_bytes(encode_base64url(make()))); });
  }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

  void look() {
    for (auto& each : all_) each.found = false;
    visit_memory(::getpid(), [&](byte_view block) {
      for (auto& each : all_) each.found = each.found || each.needle.is_in(block);
      return true;
    });
  }
  /// Whether the last look found it, in either form.
  [[nodiscard]] bool holds(std::string_view name) const {
    return std::ranges::any_of(all_, [&](const auto& each) { return each.found && each.name == name; });
  }
  void expect_gone() {
    look();
    for (const auto& each : all_) {
      EXPECT_FALSE(each.found) << each.name << ", " << each.needle.masked().size() << " bytes of it";
    }
  }

 private:
  struct secret {
    std::string name;
    masked_needle needle;
    bool found = false;
  };

  static masked_needle made_elsewhere(const maker& make) {
    std::array<int, 2> pipe_ends{};
    EXPECT_EQ(::pipe2(pipe_ends.data(), O_CLOEXEC), 0);
    const auto child = ::fork();
    EXPECT_GE(child, 0);
    if (child == 0) {
      const auto masked = masked_needle{make()}.masked();
      const auto written = ::write(pipe_ends[1], masked.data(), masked.size());
      ::_exit(written == static_cast<ssize_t>(masked.size()) ? 0 : 1);
    }
    ::close(pipe_ends[1]);
    byte_buffer masked(max_needle_bytes);
    const auto got = ::read(pipe_ends[0], masked.data(), masked.size());
    ::close(pipe_ends[0]);
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    masked.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return masked_needle::of_masked(std::move(masked));
  }

  std::vector<secret> all_;
};

}  // namespace flowersec::testing
