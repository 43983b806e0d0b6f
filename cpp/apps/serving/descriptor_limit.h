// Lets a process hold as many connections as it was told to, as far as the system allows.
// Layer apps. Linux.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "serving/log.h"

namespace flowersec::apps {

/// Descriptors beside the connections: listeners, logs, threads' epoll and event descriptors.
inline constexpr std::size_t spare_descriptors = 64;

/// Raises the soft limit of open files to the hard one, and warns when that is too few for what `flag` says.
inline void raise_descriptor_limit(const std::string& flag, std::size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto for_connections = limit.rlim_cur - std::min<rlim_t>(limit.rlim_cur, spare_descriptors);
  if (limit.rlim_cur != RLIM_INFINITY && for_connections < connections) {
    log_line(log_level::warning, "at most " + std::to_string(limit.rlim_cur) + " open files are allowed, fewer than " +
                                     flag + " (" + std::to_string(connections) + ") needs");
  }
}

}  // namespace flowersec::apps
