// What a serving peer counts.
// Layer apps. One thread.
#pragma once

#include <cstdint>

namespace flowersec::apps {

struct serve_figures {
  std::uint64_t calls = 0;
  std::uint64_t notifications = 0;
  std::uint64_t streams = 0;
  std::uint64_t failed_streams = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

}  // namespace flowersec::apps
