// See listener.h.
#include "tunnel/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "flowersec/tunnel/server.h"

namespace flowersec::tunnel {

namespace {

/// Unsent bytes the kernel may hold beyond what is in flight. Without it a stalled receiver parks megabytes there.
constexpr int max_unsent_bytes = 128 * 1024;

error_code last_error() noexcept { return {errno, boost::system::system_category()}; }

std::string to_text(const sockaddr_storage& address, socklen_t size) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host.data(), host.size(), port.data(),
                    port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  const std::string name{host.data()};
  return (address.ss_family == AF_INET6 ? '[' + name + ']' : name) + ':' + port.data();
}

/// On a socket for both families an IPv4 peer comes as ::ffff:a.b.c.d.
void unmap(sockaddr_storage& address, socklen_t& size) noexcept {
  if (address.ss_family != AF_INET6) return;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return;
  constexpr std::size_t mapped_at = 12;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6.sin6_port;
  std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + mapped_at, sizeof v4.sin_addr);
  std::memcpy(&address, &v4, sizeof v4);
  size = sizeof v4;
}

void set_option(int descriptor, int level, int option, int value) noexcept {
  ::setsockopt(descriptor, level, option, &value, sizeof value);
}

/// Accepted sockets inherit all of these, which spares three system calls per connection.
void set_options(int descriptor, int family, const tunnel_limits& limits) noexcept {
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (family == AF_INET6) set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, max_unsent_bytes);
  // Unlike a fixed buffer, a first bound on the window leaves the system's tuning alone: fast paths need more.
  if (limits.max_receive_buffer_bytes) {
    set_option(descriptor, IPPROTO_TCP, TCP_WINDOW_CLAMP, static_cast<int>(*limits.max_receive_buffer_bytes));
  }
}

}  // namespace

std::optional<listen_address> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  listen_address address{std::string{text.substr(0, colon)}, std::string{text.substr(colon + 1)}};
  auto& host = address.host;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]") != std::string::npos) {
    return std::nullopt;
  }
  unsigned port = 0;
  const auto* const end = address.port.data() + address.port.size();
  const auto parsed = std::from_chars(address.port.data(), end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end || port > 65535) return std::nullopt;
  return address;
}

error_code listener::open(std::string_view address, const tunnel_limits& limits) {
  const auto wanted = parse_listen_address(address);
  if (!wanted) return tunnel_errc::bad_listen_address;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  // Every interface means both families on one socket.
  const char* const host = wanted->host.empty() ? "::" : wanted->host.c_str();
  if (::getaddrinfo(host, wanted->port.c_str(), &hints, &found) != 0) return tunnel_errc::bad_listen_address;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard{found, &::freeaddrinfo};

  error_code failure = tunnel_errc::bad_listen_address;
  for (const auto* candidate = found; candidate != nullptr; candidate = candidate->ai_next) {
    const int descriptor =
        ::socket(candidate->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, candidate->ai_protocol);
    if (descriptor < 0) {
      failure = last_error();
      continue;
    }
    set_options(descriptor, candidate->ai_family, limits);
    if (::bind(descriptor, candidate->ai_addr, candidate->ai_addrlen) == 0 && ::listen(descriptor, SOMAXCONN) == 0) {
      sockaddr_storage bound{};
      socklen_t size = sizeof bound;
      ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
      descriptor_ = descriptor;
      address_ = to_text(bound, size);
      return {};
    }
    failure = last_error();
    ::close(descriptor);
  }
  return failure;
}

void listener::close() noexcept {
  if (const int descriptor = std::exchange(descriptor_, -1); descriptor >= 0) ::close(descriptor);
}

std::optional<accepted> accept_one(int listening) {
  for (;;) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int descriptor =
        ::accept4(listening, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      unmap(from, size);
      return accepted{descriptor, to_text(from, size), false};
    }
    switch (errno) {
      case EINTR:
      case ECONNABORTED:
        continue;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        return accepted{-1, {}, true};
      default:
        return std::nullopt;
    }
  }
}

}  // namespace flowersec::tunnel
