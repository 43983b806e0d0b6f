#include "controlplane/serve_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace flowersec::apps::plane {

// flock, and not the locks of fcntl, which are SQLite's here and would go when any descriptor of the file is closed.
or_problem<serve_lock> serve_lock::take(const std::string& state) {
  serve_lock mine{::open(state.c_str(), O_RDONLY | O_CLOEXEC)};
  if (mine.file_ >= 0 && ::flock(mine.file_, LOCK_EX | LOCK_NB) == 0) return mine;
  if (errno == EWOULDBLOCK) return problem{"another flowersec-controlplane serve is using it"};
  return problem{std::generic_category().message(errno)};
}

serve_lock::~serve_lock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace flowersec::apps::plane
