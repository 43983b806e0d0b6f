// One I/O thread: an epoll set, a shard, and its share of the listening socket.
// Layer tunnel. The only code that waits.
#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <thread>

#include "tunnel/descriptor_link.h"
#include "tunnel/http_site.h"
#include "tunnel/listener.h"
#include "tunnel/shard.h"
#include "tunnel/tls_slot.h"

namespace flowersec::tunnel {

class worker {
 public:
  /// All outlive the worker. `tls` may be null.
  worker(shared_state& shared, shard_router& router, const http_site& site, const tls_slot* tls, int listening,
         bool keeps_replay_store);
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  void start();
  void join();
  /// From any thread.
  void post(std::function<void()> task) { shard_.post(std::move(task)); }
  [[nodiscard]] shard& owned_shard() noexcept { return shard_; }

  // On the worker's thread.
  void stop_accepting();
  void stop() { stopping_ = true; }

 private:
  void run();
  void catch_up(std::span<epoll_event> events);
  void dispatch(std::span<const epoll_event> events);
  [[nodiscard]] int wait_ms() const;
  void wake() const;
  void accept_some();
  void resume_accepting();

  shared_state& shared_;
  const http_site& site_;
  const tls_slot* const tls_;
  const int listening_;
  const int wakeup_;
  epoll_set links_;
  shard shard_;
  std::thread thread_;
  std::atomic<std::thread::id> owner_{};
  bool accepting_ = true;
  std::optional<mono_time> accept_again_;
  bool stopping_ = false;
};

}  // namespace flowersec::tunnel
