// Preloaded into a measured child: counts its heap allocations in memory shared with the benchmark, and sets the reno
// congestion control on its listening sockets where the benchmark could not set it for the whole network.
// A library of its own, without dependencies but libc.
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

extern "C" {
// What glibc's own entry points call; looking them up with dlsym would allocate.
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

using counter = std::atomic<std::uint64_t>;

counter uncounted;
std::atomic<counter*> allocations{&uncounted};

void count_one() { allocations.load(std::memory_order_relaxed)->fetch_add(1, std::memory_order_relaxed); }

[[gnu::constructor]] void map_counter() {
  const char* path = std::getenv("FLOWERSEC_BENCH_COUNTER");
  if (path == nullptr) return;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  void* page = ::mmap(nullptr, sizeof(counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (page != MAP_FAILED) allocations = static_cast<counter*>(page);
}

}  // namespace

#define FLOWERSEC_EXPORTED __attribute__((visibility("default")))

extern "C" {

FLOWERSEC_EXPORTED void* malloc(size_t size) {
  count_one();
  return __libc_malloc(size);
}

FLOWERSEC_EXPORTED void* calloc(size_t count, size_t size) {
  count_one();
  return __libc_calloc(count, size);
}

FLOWERSEC_EXPORTED void* realloc(void* old, size_t size) {
  count_one();
  return __libc_realloc(old, size);
}

FLOWERSEC_EXPORTED void* memalign(size_t alignment, size_t size) {
  count_one();
  return __libc_memalign(alignment, size);
}

FLOWERSEC_EXPORTED void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

FLOWERSEC_EXPORTED int posix_memalign(void** into, size_t alignment, size_t size) {
  void* memory = memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *into = memory;
  return 0;
}

/// Accepted sockets inherit the choice.
FLOWERSEC_EXPORTED int listen(int fd, int backlog) {
  static constexpr char reno[] = "reno";
  ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof reno - 1);
  const auto next = reinterpret_cast<int (*)(int, int)>(::dlsym(RTLD_NEXT, "listen"));
  return next(fd, backlog);
}
}
