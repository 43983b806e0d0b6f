#include "sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace flowersec::bench {
namespace {

constexpr int listen_backlog = 4096;

sockaddr_in loopback(int host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + static_cast<std::uint32_t>(host));
  return address;
}

void set_option(int fd, int level, int option, int value, const char* name) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0) fail_with_errno(name);
}

}  // namespace

void fail_with_errno(const std::string& what) { throw bench_error(what + ": " + std::strerror(errno)); }

void unique_fd::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void tune(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, not_sent_low_water_bytes, "TCP_NOTSENT_LOWAT");
  static constexpr char reno[] = "reno";
  if (::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof reno - 1) != 0) fail_with_errno("TCP_CONGESTION");
}

unique_fd listen_on_loopback() {
  unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) fail_with_errno("socket");
  tune(fd.get());
  const auto address = loopback(1, 0);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail_with_errno("bind");
  if (::listen(fd.get(), listen_backlog) != 0) fail_with_errno("listen");
  return fd;
}

std::uint16_t local_port(int fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) fail_with_errno("getsockname");
  return ntohs(address.sin_port);
}

unique_fd connect_to(std::uint16_t port, int source_host) {
  unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) fail_with_errno("socket");
  tune(fd.get());
  if (source_host != 1) {
    // The port is chosen at connect time, so that it need only be free towards this one destination.
    set_option(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, "IP_BIND_ADDRESS_NO_PORT");
    const auto source = loopback(source_host, 0);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) fail_with_errno("bind");
  }
  const auto address = loopback(1, port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail_with_errno("connect to 127.0.0.1:" + std::to_string(port));
  }
  return fd;
}

unique_fd accept_from(int listener) {
  pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
  constexpr int timeout_ms = 5000;
  if (::poll(&waiting, 1, timeout_ms) != 1) throw bench_error("nobody connected within 5 s");
  unique_fd fd{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
  if (!fd) fail_with_errno("accept");
  tune(fd.get());
  return fd;
}

void set_blocking(int fd, bool blocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (::fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) != 0) fail_with_errno("fcntl");
}

void set_timeout(int fd, std::chrono::milliseconds timeout) {
  const timeval value{.tv_sec = timeout.count() / 1000, .tv_usec = timeout.count() % 1000 * 1000};
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value) != 0) fail_with_errno("SO_RCVTIMEO");
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value) != 0) fail_with_errno("SO_SNDTIMEO");
}

void write_all(int fd, byte_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) fail_with_errno("send");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void read_exactly(int fd, mutable_byte_view into) {
  while (!into.empty()) {
    const auto count = ::recv(fd, into.data(), into.size(), MSG_WAITALL);
    if (count < 0) fail_with_errno("recv");
    if (count == 0) throw bench_error("the connection ended early");
    into = into.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace flowersec::bench
