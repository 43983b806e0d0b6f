// See descriptor_link.h.
#include "tunnel/descriptor_link.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace flowersec::tunnel {

namespace {

using state = link_transfer::state;

[[nodiscard]] bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

class plain_link final : public descriptor_link {
 public:
  using descriptor_link::descriptor_link;

  link_transfer read(mutable_byte_view into) override {
    for (;;) {
      const auto got = ::recv(descriptor(), into.data(), into.size(), 0);
      if (got > 0) {
        const auto bytes = static_cast<std::size_t>(got);
        // A socket that gave less than it could is empty: what comes later is a new event. Asking again would double
        // the system calls of small messages.
        return {bytes, bytes < into.size() && !hung_up() ? state::paused : state::open};
      }
      if (got == 0) return {0, state::ended};
      if (errno == EINTR) continue;
      return {0, would_block(errno) ? state::paused : state::failed};
    }
  }

  link_transfer write(byte_view from) override {
    for (;;) {
      const auto sent = ::send(descriptor(), from.data(), from.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        const auto bytes = static_cast<std::size_t>(sent);
        return {bytes, bytes < from.size() ? state::paused : state::open};
      }
      if (errno == EINTR) continue;
      return {0, would_block(errno) ? state::paused : state::failed};
    }
  }

  bool at_end() override {
    std::byte next;
    return hung_up() && ::recv(descriptor(), &next, 1, MSG_PEEK) == 0;
  }

  void finish_writing() override { ::shutdown(descriptor(), SHUT_WR); }
};

class tls_link final : public descriptor_link {
 public:
  tls_link(int descriptor, ws::tls_session session) noexcept
      : descriptor_link(descriptor), session_(std::move(session)) {}

  /// Fills the whole room: one record is a small part of a block, and what OpenSSL holds back makes no event.
  link_transfer read(mutable_byte_view into) override {
    std::size_t bytes = 0;
    while (bytes != into.size()) {
      const auto got = session_.read(into.subspan(bytes));
      bytes += got.bytes;
      if (got.status != ws::io_status::done) return {bytes, explain(got.status)};
    }
    return {bytes, state::open};
  }

  link_transfer write(byte_view from) override {
    std::size_t bytes = 0;
    while (bytes != from.size()) {
      const auto sent = session_.write(from.subspan(bytes));
      bytes += sent.bytes;
      if (sent.status == ws::io_status::done) continue;
      const auto now = explain(sent.status);
      constexpr std::size_t max_record_plaintext_bytes = 16384;
      return {bytes, now == state::ended ? state::failed : now,
              std::min(from.size() - bytes, max_record_plaintext_bytes)};
    }
    return {bytes, state::open};
  }

  /// Only decrypting would tell, and that needs a place for what comes before the end.
  bool at_end() override { return false; }

  void finish_writing() override {
    (void)session_.shutdown();
    ::shutdown(descriptor(), SHUT_WR);
  }

 private:
  [[nodiscard]] bool crosses_directions() const noexcept override { return true; }
  [[nodiscard]] static state explain(ws::io_status status) noexcept {
    switch (status) {
      case ws::io_status::done:
        return state::open;
      case ws::io_status::want_read:
      case ws::io_status::want_write:
        return state::paused;
      case ws::io_status::end:
        return state::ended;
      case ws::io_status::failed:
        return state::failed;
    }
    return state::failed;
  }

  ws::tls_session session_;
};

}  // namespace

descriptor_link::~descriptor_link() { ::close(descriptor_); }

link_ptr make_plain_link(int descriptor) { return std::make_unique<plain_link>(descriptor); }

link_ptr make_tls_link(int descriptor, const ws::tls_context& context) {
  auto session = ws::tls_session::accept(context, descriptor);
  if (!session) {
    ::close(descriptor);
    return nullptr;
  }
  return std::make_unique<tls_link>(descriptor, *std::move(session));
}

epoll_set::epoll_set() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

epoll_set::~epoll_set() { ::close(epoll_); }

void epoll_set::watch(link& which, link_watcher& watcher) {
  auto& target = static_cast<descriptor_link&>(which);
  target.watcher_ = &watcher;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &target;
  // Modifying reports a present readiness again, so that a new watcher misses nothing.
  ::epoll_ctl(epoll_, std::exchange(target.registered_, true) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, target.descriptor_,
              &event);
}

void epoll_set::forget(link& which) {
  auto& target = static_cast<descriptor_link&>(which);
  if (std::exchange(target.registered_, false)) remove(target.descriptor_);
  target.watcher_ = nullptr;
}

bool epoll_set::add(int descriptor, std::uint32_t events, void* name) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = name;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void epoll_set::remove(int descriptor) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr); }

std::size_t epoll_set::wait(std::span<epoll_event> into, int timeout_ms) {
  const int count = ::epoll_wait(epoll_, into.data(), static_cast<int>(into.size()), timeout_ms);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

void epoll_set::dispatch(const epoll_event& event) {
  auto& target = *static_cast<descriptor_link*>(event.data.ptr);
  if (target.watcher_ == nullptr) return;
  if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) target.hung_up_ = true;
  readiness ready{.readable = (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
                  .writable = (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0};
  if (target.crosses_directions()) ready = {true, true};
  target.watcher_->on_ready(ready);
}

}  // namespace flowersec::tunnel
