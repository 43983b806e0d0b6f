#include "churn.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

namespace flowersec::load {
namespace {

/// Channels under way at once. Keeps the descriptors of both sides within their limits when the tunnel is slow.
constexpr std::size_t most_rooms = 200;
constexpr std::chrono::seconds grace{10};

}  // namespace

struct churn::connection {
  room* home = nullptr;
  bench::unique_fd fd;
  byte_buffer attach;
  std::string input;
  bool upgraded = false;
  bool settled = false;
};

/// Both connections of one channel. They leave together, once each has its answer.
struct churn::room {
  std::array<connection, 2> ends;
  std::size_t place = 0;
};

churn::churn(bench::tunnel_relay& tunnel, std::string family)
    : tunnel_(tunnel), family_(std::move(family)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

churn::~churn() = default;

churn_outcome churn::run(std::chrono::nanoseconds duration, double attaches_per_second) {
  outcome_ = {};
  const auto start = std::chrono::steady_clock::now();
  const auto channels =
      static_cast<std::uint64_t>(std::chrono::duration<double>(duration).count() * attaches_per_second / 2);
  const std::chrono::duration<double> spacing{2 / attaches_per_second};
  std::uint64_t begun = 0;
  for (;;) {
    const auto elapsed = std::chrono::steady_clock::now() - start;
    while (begun < channels && rooms_.size() < most_rooms && static_cast<double>(begun) * spacing <= elapsed) {
      begin_channel();
      ++begun;
    }
    if ((begun == channels && rooms_.empty()) || elapsed > duration + grace) break;
    std::array<epoll_event, 128> events{};
    constexpr int one_ms = 1;
    const auto count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), one_ms);
    for (int i = 0; i < count; ++i) advance(*static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr));
    finished_.clear();
  }
  rooms_.clear();
  return outcome_;
}

void churn::begin_channel() {
  auto frames = tunnel_.next_channel(family_);
  rooms_.push_back(std::make_unique<room>());
  auto& added = *rooms_.back();
  added.place = rooms_.size() - 1;
  added.ends[0].attach = std::move(frames.client);
  added.ends[1].attach = std::move(frames.server);
  for (auto& each : added.ends) {
    each.home = &added;
    each.fd = bench::connect_to(tunnel_.port(), source_of(channels_));
    bench::write_all(each.fd.get(),
                     as_bytes(bench::upgrade_request(bench::tunnel_relay::path, bench::tunnel_relay::origin)));
    watch(each);
    ++outcome_.begun;
  }
  ++channels_;
}

void churn::watch(connection& each) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &each}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, each.fd.get(), &event) != 0) bench::fail_with_errno("epoll_ctl");
}

void churn::advance(connection& each) {
  // Its room may have finished earlier in this batch of events.
  if (each.settled) return;
  std::array<char, 1024> chunk{};
  const auto count = ::recv(each.fd.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return settle(each, false, "the connection ended");
  each.input.append(chunk.data(), static_cast<std::size_t>(count));
  if (!each.upgraded) {
    const auto end = each.input.find("\r\n\r\n");
    if (end == std::string::npos) return;
    if (!each.input.starts_with("HTTP/1.1 101 "))
      return settle(each, false, each.input.substr(0, each.input.find('\r')));
    each.input.erase(0, end + 4);
    each.upgraded = true;
    bench::write_all(each.fd.get(), each.attach);
    bench::write_all(each.fd.get(), bench::ping_frame);
  }
  if (each.input.size() < bench::pong_frame.size()) return;
  const bool accepted = std::ranges::equal(as_bytes(each.input), bench::pong_frame);
  settle(each, accepted, each.input.size() > 4 ? each.input.substr(4) : "an unexpected frame");
}

void churn::settle(connection& each, bool accepted, const std::string& why) {
  each.settled = true;
  ++(accepted ? outcome_.accepted : outcome_.refused);
  if (!accepted && outcome_.first_refusal.empty()) outcome_.first_refusal = why;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, each.fd.get(), nullptr);
  auto& home = *each.home;
  if (!std::ranges::all_of(home.ends, &connection::settled)) return;
  const auto place = home.place;
  finished_.push_back(std::move(rooms_[place]));
  if (place + 1 != rooms_.size()) {
    rooms_[place] = std::move(rooms_.back());
    rooms_[place]->place = place;
  }
  rooms_.pop_back();
}

}  // namespace flowersec::load
