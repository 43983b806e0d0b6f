#include "tunneld/memory_return.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace flowersec::apps {
namespace {

/// Resident pages that belong to no file, in bytes; 0 when the system does not say.
std::size_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  std::size_t shared = 0;
  if (!(file >> all >> resident >> shared)) return 0;
  return (resident - std::min(resident, shared)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Resident bytes beyond those that the program has allocated.
std::size_t unused_bytes() {
  const auto heap = ::mallinfo2();
  const auto resident = resident_bytes();
  return resident - std::min(resident, heap.uordblks + heap.hblkhd);
}

}  // namespace

memory_return::memory_return(boost::asio::io_context& context) : timer_(context) { wait(); }

void memory_return::wait() {
  timer_.expires_after(period);
  timer_.async_wait([this](const boost::system::error_code& stopped) {
    if (stopped) return;
    look();
    wait();
  });
}

void memory_return::look() {
  const auto unused = unused_bytes();
  unreturnable_ = std::min(unreturnable_, unused);
  if (unused <= unreturnable_ + tolerated_bytes) return;
  ::malloc_trim(0);
  unreturnable_ = unused_bytes();
}

}  // namespace flowersec::apps
