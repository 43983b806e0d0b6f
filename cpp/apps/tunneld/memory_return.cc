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

heap_usage usage() {
  const auto heap = ::mallinfo2();
  const auto allocated = heap.uordblks + heap.hblkhd;
  const auto resident = resident_bytes();
  return {.allocated = allocated, .unused = resident - std::min(resident, allocated)};
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
  if (!decision_.is_worth_it(usage())) return;
  ::malloc_trim(0);
  decision_.trimmed(usage());
}

}  // namespace flowersec::apps
