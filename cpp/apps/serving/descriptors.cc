#include "serving/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "serving/log.h"

namespace flowersec::apps {

namespace {

/// Descriptors beside the connections: listeners, logs, threads' epoll and event descriptors.
constexpr rlim_t spare_descriptors = 64;

}  // namespace

void raise_descriptor_limit(std::size_t max_connections, std::string_view flag) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto for_connections = limit.rlim_cur - std::min<rlim_t>(limit.rlim_cur, spare_descriptors);
  if (limit.rlim_cur == RLIM_INFINITY || for_connections >= max_connections) return;
  log_line(log_level::warning, "at most " + std::to_string(limit.rlim_cur) + " open files are allowed, fewer than " +
                                   std::string{flag} + " (" + std::to_string(max_connections) + ") needs");
}

}  // namespace flowersec::apps
