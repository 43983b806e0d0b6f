// The few socket calls that the benchmark's programs share.
// Part of flowersec-bench; every socket is on loopback and every failure throws bench_error.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "flowersec/base/bytes.h"

namespace flowersec::bench {

/// What ends a case. The text says what could not be measured and why.
class bench_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws bench_error with `what` and the text of errno.
[[noreturn]] void fail_with_errno(const std::string& what);

class unique_fd {
 public:
  unique_fd() noexcept = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// Most bytes the kernel may hold unsent on one socket: the same for the product and for every relay it is compared
/// with, because a deeper queue changes what the caches do.
inline constexpr int not_sent_low_water_bytes = 128 * 1024;
/// Bytes a relay reads at once, the same for all of them.
inline constexpr std::size_t relay_block_bytes = 128 * 1024;

/// NODELAY, NOTSENT_LOWAT and the reno congestion control: a host that defaults to BBR would measure its pacing timer.
void tune(int fd);

/// Listens on 127.0.0.1 with a port of the kernel's choice.
[[nodiscard]] unique_fd listen_on_loopback();
[[nodiscard]] std::uint16_t local_port(int fd);

/// Connects, blocking, and tunes the socket. `source_host` is the last byte of the 127.0.0.x address to come from:
/// one source address has too few ports for many connections.
[[nodiscard]] unique_fd connect_to(std::uint16_t port, int source_host = 1);
[[nodiscard]] unique_fd accept_from(int listener);

void set_blocking(int fd, bool blocking);
/// Blocking operations on `fd` fail after this long.
void set_timeout(int fd, std::chrono::milliseconds timeout);

void write_all(int fd, byte_view bytes);
/// Reads exactly into.size() bytes; throws when the peer ends before.
void read_exactly(int fd, mutable_byte_view into);

}  // namespace flowersec::bench
