#include "serving/process_metrics.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

namespace flowersec::apps {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::optional<double> cpu_seconds() {
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) != 0) return std::nullopt;
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::optional<double> resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(file >> all_pages >> resident_pages)) return std::nullopt;
  return static_cast<double>(resident_pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

std::optional<double> open_descriptors() {
  constexpr const char* folder = "/proc/self/fd";
  // From Linux 6.2 on the size is the count, which spares walking over tens of thousands of entries.
  struct stat about {};
  if (::stat(folder, &about) == 0 && about.st_size > 0) return static_cast<double>(about.st_size);
  std::error_code error;
  std::filesystem::directory_iterator entries{folder, error};
  if (error) return std::nullopt;
  // The walk itself holds one.
  return static_cast<double>(std::distance(begin(entries), end(entries)) - 1);
}

std::optional<double> max_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                         : static_cast<double>(limit.rlim_cur);
}

/// The time since the machine started is the 22nd field of stat; the second, a name in brackets, may hold blanks.
std::optional<double> ticks_from_boot_to_start() {
  std::ifstream file{"/proc/self/stat"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto name_end = text.rfind(')');
  if (name_end == text.npos) return std::nullopt;
  std::istringstream fields{text.substr(name_end + 1)};
  constexpr int fields_before = 19;
  std::string field;
  for (int i = 0; i < fields_before; ++i) fields >> field;
  double ticks = 0;
  return fields >> ticks ? std::optional{ticks} : std::nullopt;
}

std::optional<double> boot_time() {
  std::ifstream file{"/proc/stat"};
  for (std::string word; file >> word;) {
    double unix_seconds = 0;
    if (word == "btime" && file >> unix_seconds) return unix_seconds;
  }
  return std::nullopt;
}

std::optional<double> start_time() {
  const auto boot = boot_time();
  const auto ticks = ticks_from_boot_to_start();
  if (!boot || !ticks) return std::nullopt;
  return *boot + *ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

std::vector<process_metric> process_metrics() {
  std::vector<process_metric> all;
  const auto add = [&all](const char* name, const char* help, bool counts, std::optional<double> value) {
    if (value) all.push_back({.name = name, .help = help, .counts = counts, .value = *value});
  };
  add("process_cpu_seconds_total", "User and system CPU time spent, in seconds.", true, cpu_seconds());
  add("process_max_fds", "Most file descriptors that may be open.", false, max_descriptors());
  add("process_open_fds", "Open file descriptors.", false, open_descriptors());
  add("process_resident_memory_bytes", "Resident memory, in bytes.", false, resident_bytes());
  add("process_start_time_seconds", "Start of the process, in seconds since 1970.", false, start_time());
  return all;
}

}  // namespace flowersec::apps
