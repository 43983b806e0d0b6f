#include "memory_cage.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "sockets.h"

namespace flowersec::load {
namespace {

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file{path};
  file << text << std::flush;
  return file.good();
}

}  // namespace

memory_cage::memory_cage(pid_t pid, std::size_t user_bytes, std::size_t kernel_bytes) {
  const auto bytes = user_bytes + kernel_bytes;
  if (make_group("/sys/fs/cgroup/memory", "memory.limit_in_bytes", pid, bytes)) {
    kind_ = "cgroup v1";
  } else if (make_group("/sys/fs/cgroup", "memory.max", pid, bytes)) {
    kind_ = "cgroup v2";
  } else {
    // Counts what is mapped for writing, so the stacks of threads come with their full size.
    constexpr std::size_t stacks_bytes = 64 * 1024 * 1024;
    const rlimit limit{.rlim_cur = user_bytes + stacks_bytes, .rlim_max = user_bytes + stacks_bytes};
    if (::prlimit(pid, RLIMIT_DATA, &limit, nullptr) != 0) bench::fail_with_errno("RLIMIT_DATA");
    kind_ = "RLIMIT_DATA";
  }
}

bool memory_cage::make_group(const std::string& parent, const std::string& limit_file, pid_t pid, std::size_t bytes) {
  folder_ = parent + "/flowersec-load-" + std::to_string(pid);
  const bool made = ::mkdir(folder_.c_str(), 0755) == 0;
  if (made && write_file(folder_ + '/' + limit_file, std::to_string(bytes)) &&
      write_file(folder_ + "/cgroup.procs", std::to_string(pid))) {
    return true;
  }
  if (made) ::rmdir(folder_.c_str());
  folder_.clear();
  return false;
}

memory_cage::~memory_cage() {
  if (!folder_.empty()) ::rmdir(folder_.c_str());
}

}  // namespace flowersec::load
