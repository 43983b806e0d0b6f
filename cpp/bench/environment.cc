#include "environment.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "flowersec/base/json.h"
#include "process.h"

namespace flowersec::bench {
namespace {

constexpr const char* congestion_file = "/proc/sys/net/ipv4/tcp_congestion_control";
constexpr const char* preload_library = "libflowersec-bench-preload.so";

bool write_file(const char* path, const std::string& text) {
  std::ofstream file{path};
  file << text << std::flush;
  return file.good();
}

std::string first_line(const char* path) {
  std::ifstream file{path};
  std::string line;
  std::getline(file, line);
  return line;
}

/// Without privileges a namespace of users comes first; the caller is root inside it.
bool unshare_network() {
  if (::unshare(CLONE_NEWNET) == 0) return true;
  const auto user = ::getuid();
  const auto group = ::getgid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
  write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
  return true;
}

bool bring_loopback_up() {
  const unique_fd control{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(control.get(), SIOCSIFFLAGS, &request) == 0;
}

void raise_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string processor_name() {
  std::ifstream file{"/proc/cpuinfo"};
  constexpr std::string_view key = "model name";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string quoted(const std::string& text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

std::vector<std::string> environment::child_environment() const {
  if (reno_everywhere) return {};
  return {"LD_PRELOAD=" + sibling_program(preload_library)};
}

std::vector<std::pair<std::string, std::string>> environment::facts() const {
  utsname system{};
  ::uname(&system);
  return {{"processor", quoted(processor_name())},
          {"processors", std::to_string(std::thread::hardware_concurrency())},
          {"kernel", quoted(system.release)},
          {"own_network", own_network ? "true" : "false"},
          {"congestion_control", quoted(first_line(congestion_file))}};
}

environment prepare_environment() {
  environment prepared;
  raise_open_files();
  prepared.own_network = unshare_network() && bring_loopback_up();
  if (prepared.own_network) write_file(congestion_file, "reno");
  prepared.reno_everywhere = first_line(congestion_file) == "reno";
  if (!prepared.own_network)
    prepared.warnings.emplace_back("no private network: other traffic may disturb the figures");
  if (!prepared.reno_everywhere)
    prepared.warnings.emplace_back("reno is set per socket, by a preloaded library in children");
  if (std::thread::hardware_concurrency() < 2) {
    prepared.warnings.emplace_back("one processor only: relay and generator share it, rates mean little");
  }
  return prepared;
}

}  // namespace flowersec::bench
