// The baseline: joins connections two by two, in the order they arrive, and copies bytes both ways.
// Edge-triggered epoll, one block of relay_block_bytes for the whole process; a connection keeps a block only while
// its peer does not take what was read. There is nothing below this but the kernel's own splice.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "programs.h"
#include "sockets.h"

namespace flowersec::bench {
namespace {

using block = std::vector<std::byte>;

/// Reads begin at another place of the block each time, as the tunnel's do: see block_stagger_bytes there. Without it
/// a whole run may be twice as slow as the next one, by where its first byte happened to lie.
constexpr std::size_t stagger_bytes = 4096;
constexpr std::size_t stagger_step_bytes = 64;
constexpr std::size_t block_bytes = relay_block_bytes + stagger_bytes;

struct connection {
  unique_fd fd;
  connection* peer = nullptr;
  bool readable = true;  ///< an edge came and no short read since
  bool ended = false;
  bool queued = false;  ///< in the list of those to try
  block unsent;         ///< read from here and not taken by the peer
  std::size_t unsent_at = 0;
};

class byte_relay {
 public:
  byte_relay() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(listen_on_loopback()), block_(block_bytes) {
    set_blocking(listener_.get(), false);
    watch(listener_.get(), EPOLLIN, nullptr);
  }

  [[nodiscard]] std::uint16_t port() const { return local_port(listener_.get()); }

  [[noreturn]] void run() {
    std::array<epoll_event, 64> events;
    for (;;) {
      const int timeout = queue_.empty() ? -1 : 0;
      const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
      for (int i = 0; i < count; ++i) on_event(events[static_cast<std::size_t>(i)]);
      for (auto* each : std::exchange(queue_, {})) {
        each->queued = false;
        forward(*each);
      }
      ended_.clear();
    }
  }

 private:
  void watch(int fd, std::uint32_t events, void* tag) {
    epoll_event event{.events = events, .data = {.ptr = tag}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail_with_errno("epoll_ctl");
  }

  void on_event(const epoll_event& event) {
    if (event.data.ptr == nullptr) return accept_all();
    auto& from = *static_cast<connection*>(event.data.ptr);
    if (from.ended) return;
    if ((event.events & EPOLLOUT) != 0 && !from.peer->unsent.empty()) enqueue(*from.peer);
    if ((event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
    from.readable = true;
    enqueue(from);
  }

  void accept_all() {
    for (;;) {
      unique_fd fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!fd) return;
      tune(fd.get());
      auto arrived = std::make_unique<connection>();
      arrived->fd = std::move(fd);
      if (!waiting_) {
        waiting_ = std::move(arrived);
        continue;
      }
      waiting_->peer = arrived.get();
      arrived->peer = waiting_.get();
      for (auto* each : {waiting_.get(), arrived.get()}) {
        watch(each->fd.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, each);
      }
      live_.push_back(std::move(waiting_));
      live_.push_back(std::move(arrived));
    }
  }

  void enqueue(connection& each) {
    if (std::exchange(each.queued, true)) return;
    queue_.push_back(&each);
  }

  void forward(connection& from) {
    if (from.ended) return;
    if (!from.unsent.empty() && !send_unsent(from)) return;
    constexpr int reads_per_turn = 4;
    for (int i = 0; i < reads_per_turn && from.readable; ++i) {
      stagger_ = (stagger_ + stagger_step_bytes) % stagger_bytes;
      auto* const begin = block_.data() + stagger_;
      const auto count = ::recv(from.fd.get(), begin, relay_block_bytes, 0);
      if (count < 0 && errno == EAGAIN) {
        from.readable = false;
        return;
      }
      if (count <= 0) return end(from);
      const auto length = static_cast<std::size_t>(count);
      from.readable = length == relay_block_bytes;
      auto sent = ::send(from.peer->fd.get(), begin, length, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return end(from);
      sent = std::max<ssize_t>(sent, 0);
      if (static_cast<std::size_t>(sent) < length) {
        block_.resize(stagger_ + length);
        from.unsent = std::exchange(block_, block(block_bytes));
        from.unsent_at = stagger_ + static_cast<std::size_t>(sent);
        from.readable = true;
        return;
      }
    }
    if (from.readable) enqueue(from);
  }

  bool send_unsent(connection& from) {
    const auto rest = std::span{from.unsent}.subspan(from.unsent_at);
    const auto sent = ::send(from.peer->fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) end(from);
      return false;
    }
    from.unsent_at += static_cast<std::size_t>(sent);
    if (from.unsent_at < from.unsent.size()) return false;
    from.unsent = {};
    return true;
  }

  void end(connection& from) {
    for (auto* each : {&from, from.peer}) {
      each->ended = true;
      each->fd.reset();
      std::erase(queue_, each);
    }
    // Kept until this round of events is over, which may still name them.
    const auto is_ended = [](const auto& each) { return each->ended; };
    const auto first = std::stable_partition(live_.begin(), live_.end(), [&](const auto& e) { return !is_ended(e); });
    for (auto it = first; it != live_.end(); ++it) ended_.push_back(std::move(*it));
    live_.erase(first, live_.end());
  }

  unique_fd epoll_;
  unique_fd listener_;
  block block_;
  std::size_t stagger_ = 0;
  std::unique_ptr<connection> waiting_;
  std::vector<std::unique_ptr<connection>> live_;
  std::vector<std::unique_ptr<connection>> ended_;
  std::vector<connection*> queue_;
};

}  // namespace

void run_byte_relay() {
  byte_relay relay;
  std::cout << relay.port() << std::endl;
  relay.run();
}

}  // namespace flowersec::bench
