// The floor under a TLS tunnel: joins TLS connections two by two and copies bytes with SSL_read and SSL_write.
// Edge-triggered epoll, one block for the process, like byte_relay.cc. Handshakes block, which is no matter here.
#include <openssl/err.h>
#include <sys/epoll.h>

#include <iostream>
#include <memory>
#include <vector>

#include "programs.h"
#include "tls.h"

namespace flowersec::bench {
namespace {

struct tls_end {
  unique_fd fd;
  tls_session session;
  tls_end* peer = nullptr;
  std::vector<std::byte> unsent;  ///< read from here, not taken by the peer
  std::size_t unsent_at = 0;
  bool ended = false;
};

class tls_relay {
 public:
  tls_relay(const std::string& certificate_file, const std::string& key_file)
      : context_(make_server_context(certificate_file, key_file)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        listener_(listen_on_loopback()),
        block_(relay_block_bytes) {
    watch(listener_.get(), EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    std::cout << local_port(listener_.get()) << std::endl;
    for (;;) {
      std::array<epoll_event, 64> events;
      const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        auto* end = static_cast<tls_end*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (end == nullptr) {
          accept_one();
        } else {
          forward(*end);
          forward(*end->peer);
        }
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t events, void* tag) {
    epoll_event event{.events = events, .data = {.ptr = tag}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail_with_errno("epoll_ctl");
  }

  void accept_one() {
    auto arrived = std::make_unique<tls_end>();
    arrived->fd = accept_from(listener_.get());
    arrived->session = handshake(context_.get(), arrived->fd.get(), true);
    set_blocking(arrived->fd.get(), false);
    if (!waiting_) {
      waiting_ = std::move(arrived);
      return;
    }
    waiting_->peer = arrived.get();
    arrived->peer = waiting_.get();
    for (auto* each : {waiting_.get(), arrived.get()}) {
      watch(each->fd.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, each);
    }
    live_.push_back(std::move(waiting_));
    live_.push_back(std::move(arrived));
  }

  void forward(tls_end& from) {
    while (!from.ended) {
      if (!from.unsent.empty() && !send_unsent(from)) return;
      const auto length = fill_block(from);
      if (length == 0) return;
      std::size_t sent = 0;
      while (sent < length) {
        const auto written = write_some(from, std::span{block_}.subspan(sent, length - sent));
        if (written == 0) break;
        sent += written;
      }
      if (from.ended || sent == length) continue;
      from.unsent.assign(block_.begin() + static_cast<std::ptrdiff_t>(sent),
                         block_.begin() + static_cast<std::ptrdiff_t>(length));
      from.unsent_at = 0;
      return;
    }
  }

  std::size_t fill_block(tls_end& from) {
    std::size_t length = 0;
    while (length < block_.size()) {
      std::size_t count = 0;
      if (SSL_read_ex(from.session.get(), block_.data() + length, block_.size() - length, &count) != 1) {
        if (SSL_get_error(from.session.get(), 0) != SSL_ERROR_WANT_READ) end(from);
        break;
      }
      length += count;
    }
    return length;
  }

  bool send_unsent(tls_end& from) {
    while (from.unsent_at < from.unsent.size()) {
      const auto written = write_some(from, std::span{from.unsent}.subspan(from.unsent_at));
      if (written == 0) return false;
      from.unsent_at += written;
    }
    from.unsent = {};
    return true;
  }

  std::size_t write_some(tls_end& from, byte_view bytes) {
    std::size_t count = 0;
    if (SSL_write_ex(from.peer->session.get(), bytes.data(), bytes.size(), &count) == 1) return count;
    if (SSL_get_error(from.peer->session.get(), 0) != SSL_ERROR_WANT_WRITE) end(from);
    return 0;
  }

  /// Both ends are closed and kept: one pair per measurement is no leak worth code.
  static void end(tls_end& from) {
    for (auto* each : {&from, from.peer}) {
      each->ended = true;
      each->fd.reset();
    }
    ERR_clear_error();
  }

  tls_context context_;
  unique_fd epoll_;
  unique_fd listener_;
  std::vector<std::byte> block_;
  std::unique_ptr<tls_end> waiting_;
  std::vector<std::unique_ptr<tls_end>> live_;
};

}  // namespace

void run_tls_relay(const std::string& certificate_file, const std::string& key_file) {
  tls_relay{certificate_file, key_file}.run();
}

}  // namespace flowersec::bench
