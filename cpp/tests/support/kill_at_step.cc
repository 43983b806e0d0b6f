// A library to preload: ends the process with SIGKILL before one step of those that the world outside could notice,
// which are writing to a file, a socket or a log, flushing, cutting, renaming and removing a file. Test support. The
// steps are counted once the file named by KILL_AT_STEP is there; it holds how many still happen.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>

namespace {

constexpr long not_armed = -1;
std::atomic<long> left{not_armed};

/// How many steps the file leaves us; not_armed while there is no such file.
long ordered() {
  const char* const path = std::getenv("KILL_AT_STEP");
  const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return not_armed;
  std::array<char, 16> text{};
  const auto got = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  return got > 0 ? std::atol(text.data()) : not_armed;
}

void step() {
  auto now = left.load();
  if (now == not_armed) {
    const auto begin = ordered();
    if (begin == not_armed) return;
    left.compare_exchange_strong(now, begin);
  }
  if (left.fetch_sub(1) == 0) ::raise(SIGKILL);
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

#define STEP(result, name, parameters, arguments)            \
  extern "C" result name parameters {                        \
    static const auto next = real<result parameters>(#name); \
    step();                                                  \
    return next arguments;                                   \
  }

STEP(ssize_t, write, (int file, const void* bytes, size_t count), (file, bytes, count))
STEP(ssize_t, writev, (int file, const iovec* parts, int count), (file, parts, count))
STEP(ssize_t, pwrite, (int file, const void* bytes, size_t count, off_t at), (file, bytes, count, at))
STEP(ssize_t, pwrite64, (int file, const void* bytes, size_t count, off64_t at), (file, bytes, count, at))
STEP(ssize_t, send, (int socket, const void* bytes, size_t count, int flags), (socket, bytes, count, flags))
STEP(ssize_t, sendmsg, (int socket, const msghdr* message, int flags), (socket, message, flags))
STEP(int, fsync, (int file), (file))
STEP(int, fdatasync, (int file), (file))
STEP(int, ftruncate, (int file, off_t length), (file, length))
STEP(int, ftruncate64, (int file, off64_t length), (file, length))
STEP(int, rename, (const char* from, const char* to), (from, to))
STEP(int, unlink, (const char* path), (path))
