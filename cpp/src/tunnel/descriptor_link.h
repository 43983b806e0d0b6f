// Links over sockets, plain and TLS, and the epoll set that watches them.
// Layer tunnel. Edge-triggered, both directions registered once; a short read is believed to have emptied the socket,
// unless a hang-up was reported that another read must bring to light.
#pragma once

#include <string>

#include "flowersec/ws/tls.h"
#include "tunnel/link.h"

struct epoll_event;

namespace flowersec::tunnel {

class descriptor_link : public link {
 public:
  explicit descriptor_link(int descriptor) noexcept : descriptor_(descriptor) {}
  ~descriptor_link() override;
  descriptor_link(const descriptor_link&) = delete;
  descriptor_link& operator=(const descriptor_link&) = delete;

 protected:
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// A hang-up was seen: reading goes on until it says so itself.
  [[nodiscard]] bool hung_up() const noexcept { return hung_up_; }
  /// Whether reading may need the socket writable and the other way round.
  [[nodiscard]] virtual bool crosses_directions() const noexcept { return false; }

 private:
  friend class epoll_set;
  const int descriptor_;
  bool hung_up_ = false;
  bool registered_ = false;
  link_watcher* watcher_ = nullptr;
};

/// Takes ownership of a non-blocking, connected descriptor.
[[nodiscard]] link_ptr make_plain_link(int descriptor);
/// nullptr when there is no memory for a session; the descriptor is closed then.
[[nodiscard]] link_ptr make_tls_link(int descriptor, const ws::tls_context& context);

class epoll_set final : public poller {
 public:
  epoll_set();
  ~epoll_set() override;
  epoll_set(const epoll_set&) = delete;
  epoll_set& operator=(const epoll_set&) = delete;

  void watch(link& which, link_watcher& watcher) override;
  void forget(link& which) override;

  /// Watches a descriptor of the runner. `name` comes back from event_name(); it is not a link.
  [[nodiscard]] bool add(int descriptor, std::uint32_t events, void* name);
  void remove(int descriptor);
  /// Number of events, 0 on a time-out or a signal.
  [[nodiscard]] std::size_t wait(std::span<epoll_event> into, int timeout_ms);
  /// Tells the watcher of a link.
  static void dispatch(const epoll_event& event);

 private:
  const int epoll_;
};

}  // namespace flowersec::tunnel
