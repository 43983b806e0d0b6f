#include "peer/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace flowersec::apps {
namespace {

constexpr int bar_width = 30;
constexpr double mib = 1048576.0;
constexpr std::chrono::milliseconds redraw_interval{50};

}  // namespace

std::string progress_text(const std::string& label, std::uint64_t done_bytes, std::uint64_t total_bytes,
                          double seconds) {
  const auto done = static_cast<double>(done_bytes);
  const double part = total_bytes == 0 ? 1.0 : std::min(1.0, done / static_cast<double>(total_bytes));
  const auto filled = static_cast<std::size_t>(part * bar_width);
  const auto bar = std::string(filled, '#') + std::string(bar_width - filled, '-');
  char text[160];
  std::snprintf(text, sizeof text, "  %-9s [%s] %3d %%  %.1f of %.1f MiB  %.0f MiB/s", label.c_str(), bar.c_str(),
                static_cast<int>(part * 100), done / mib, static_cast<double>(total_bytes) / mib,
                seconds > 0 ? done / mib / seconds : 0.0);
  return text;
}

progress_bar::progress_bar(std::string label, std::uint64_t total_bytes, bool wanted)
    : label_(std::move(label)), total_bytes_(total_bytes), visible_(wanted && ::isatty(STDERR_FILENO) == 1) {}

progress_bar::~progress_bar() {
  if (visible_) std::fputs("\r\x1b[K", stderr);
}

void progress_bar::add(std::uint64_t bytes) {
  done_bytes_ += bytes;
  if (!visible_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - drawn_ < redraw_interval) return;
  drawn_ = now;
  draw(std::chrono::duration<double>(now - started_).count());
}

void progress_bar::draw(double seconds) const {
  std::fprintf(stderr, "\r%s\x1b[K", progress_text(label_, done_bytes_, total_bytes_, seconds).c_str());
  std::fflush(stderr);
}

}  // namespace flowersec::apps
