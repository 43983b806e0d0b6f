#include "ws/socket_io.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace flowersec::ws {
namespace {

io_result from_errno(io_status when_it_would_block) noexcept {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    return {.status = when_it_would_block, .bytes = 0, .error = {}};
  }
  return {.status = io_status::failed, .bytes = 0, .error = {errno, boost::system::system_category()}};
}

io_result moved(std::size_t bytes) noexcept { return {.status = io_status::done, .bytes = bytes, .error = {}}; }

}  // namespace

io_result socket_io::read(mutable_byte_view into) noexcept {
  if (tls_) return tls_->read(into);
  const auto received = ::recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT);
  if (received < 0) return from_errno(io_status::want_read);
  if (received == 0) return {.status = io_status::end, .bytes = 0, .error = {}};
  return moved(static_cast<std::size_t>(received));
}

io_result socket_io::write(std::span<const byte_view> pieces) noexcept {
  while (!pieces.empty() && pieces.front().empty()) pieces = pieces.subspan(1);
  if (pieces.empty()) return {};
  return tls_ ? tls_->write(pieces.front()) : write_plain(pieces);
}

io_result socket_io::write_plain(std::span<const byte_view> pieces) noexcept {
  constexpr std::size_t most_at_once = 64;
  iovec list[most_at_once];
  const auto count = std::min(pieces.size(), most_at_once);
  for (std::size_t i = 0; i < count; ++i) {
    list[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message{};
  message.msg_iov = list;
  message.msg_iovlen = count;
  const auto sent = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return from_errno(io_status::want_write);
  return moved(static_cast<std::size_t>(sent));
}

void socket_io::end_writing() noexcept {
  if (tls_) (void)tls_->shutdown();
  (void)::shutdown(descriptor_, SHUT_WR);
}

}  // namespace flowersec::ws
