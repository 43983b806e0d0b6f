#include "floods.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "sockets.h"

namespace flowersec::load {

double flood_all(std::span<const int> fds, byte_view block, std::chrono::nanoseconds duration) {
  const bench::unique_fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<std::size_t> position(fds.size());
  for (std::size_t i = 0; i < fds.size(); ++i) {
    epoll_event event{.events = EPOLLOUT, .data = {.u64 = i}};
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fds[i], &event) != 0) bench::fail_with_errno("epoll_ctl");
  }
  double taken = 0;
  const auto end = std::chrono::steady_clock::now() + duration;
  for (auto now = std::chrono::steady_clock::now(); now < end; now = std::chrono::steady_clock::now()) {
    std::array<epoll_event, 64> events{};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now).count();
    const auto count =
        ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(left));
    for (int i = 0; i < count; ++i) {
      const auto index = events[static_cast<std::size_t>(i)].data.u64;
      auto& at = position[index];
      const auto sent = ::send(fds[index], block.data() + at, block.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) {
        taken += static_cast<double>(sent);
        at = (at + static_cast<std::size_t>(sent)) % block.size();
      } else if (errno != EAGAIN) {
        ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, fds[index], nullptr);
      }
    }
  }
  return taken;
}

}  // namespace flowersec::load
