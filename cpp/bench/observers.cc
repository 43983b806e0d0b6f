#include "observers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>

#include "table.h"

namespace flowersec::bench {

allocation_counter::allocation_counter() {
  const unique_fd file{::open(folder_.file("counter").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!file || ::ftruncate(file.get(), sizeof *shared_) != 0) fail_with_errno("counter file");
  void* page = ::mmap(nullptr, sizeof *shared_, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (page == MAP_FAILED) fail_with_errno("mmap");
  shared_ = static_cast<std::uint64_t*>(page);
}

allocation_counter::~allocation_counter() { ::munmap(shared_, sizeof *shared_); }

std::vector<std::string> allocation_counter::environment() const {
  return {"LD_PRELOAD=" + sibling_program("libflowersec-bench-preload.so"),
          "FLOWERSEC_BENCH_COUNTER=" + folder_.file("counter")};
}

std::uint64_t allocation_counter::count() const noexcept { return std::atomic_ref{*shared_}.load(); }

std::uint64_t system_call_counts::total() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [name, calls] : by_name) sum += calls;
  return sum;
}

std::string system_call_counts::most_frequent(double units) const {
  std::vector<std::pair<std::uint64_t, std::string>> ordered;
  for (const auto& [name, calls] : by_name) ordered.emplace_back(calls, name);
  std::ranges::sort(ordered, std::greater{});
  constexpr std::size_t shown = 4;
  ordered.resize(std::min(ordered.size(), shown));
  std::string text;
  for (const auto& [calls, name] : ordered) {
    if (!text.empty()) text += ", ";
    text += name + ' ' + short_number(static_cast<double>(calls) / units);
  }
  return text;
}

bool system_call_watch::available() { return find_program("strace").has_value(); }

system_call_watch::system_call_watch(pid_t pid)
    : strace_({.command = {"/bin/sh", "-c", "exec \"$0\" -f -c -o \"$1\" -p \"$2\" 2>&1",
                           find_program("strace").value_or("strace"), folder_.file("counts"), std::to_string(pid)}}) {
  // "strace: Process 123 attached", then nothing until the end.
  const auto said = strace_.read_line();
  if (said.find("attached") == std::string::npos) throw bench_error(said);
}

system_call_counts system_call_watch::stop() {
  strace_.signal(SIGINT);
  strace_.wait(std::chrono::seconds{5});
  system_call_counts counts;
  std::ifstream file{folder_.file("counts")};
  // "% time  seconds  usecs/call  calls  [errors]  syscall", dashes, one line each, dashes, the total.
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields{line};
    double share = 0;
    double seconds = 0;
    std::uint64_t microseconds_each = 0;
    std::uint64_t calls = 0;
    std::string last;
    if (!(fields >> share >> seconds >> microseconds_each >> calls)) continue;
    while (fields >> last) {
    }
    if (last != "total") counts.by_name[last] = calls;
  }
  return counts;
}

}  // namespace flowersec::bench
