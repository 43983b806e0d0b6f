// Keeps what a process has in memory out of files and out of other processes.
// Layer apps. Linux.
#pragma once

#include <sys/prctl.h>
#include <sys/resource.h>

namespace flowersec::apps {

/// No core dumps, and no look into the memory by other processes of the same user. Before the first secret is read.
inline void forbid_dumps() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace flowersec::apps
