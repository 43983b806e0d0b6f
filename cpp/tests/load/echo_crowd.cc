#include "echo_crowd.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>

namespace flowersec::load {
namespace {

using bench::fail_with_errno;
using bench::unique_fd;

constexpr std::chrono::seconds grace{5};
constexpr std::size_t stamp_bytes = 24;  ///< due time, channel, number
constexpr std::uint64_t timer_tag = ~std::uint64_t{0};

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

constexpr std::byte filler(std::size_t at) { return static_cast<std::byte>(at * 7 + 1); }

using payload = std::array<std::byte, echo_payload_bytes>;

payload make_payload(std::int64_t due_ns, std::uint64_t channel, std::uint64_t number) {
  payload made;
  store_be(made.data(), static_cast<std::uint64_t>(due_ns));
  store_be(made.data() + 8, channel);
  store_be(made.data() + 16, number);
  for (std::size_t i = stamp_bytes; i < made.size(); ++i) made[i] = filler(i);
  return made;
}

/// False when the socket does not take a whole frame, which no frame of this size should meet.
bool send_frame(int fd, byte_view message) {
  const auto frame = bench::client_frame(bench::frame_kind::binary, message);
  return ::send(fd, frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(frame.size());
}

void set_timer(int timer, std::int64_t at_ns) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  const itimerspec when{.it_interval = {}, .it_value = {.tv_sec = at_ns / second_ns, .tv_nsec = at_ns % second_ns}};
  if (::timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, nullptr) != 0) fail_with_errno("timerfd");
}

}  // namespace

echo_crowd::echo_crowd(std::vector<attached_pair> pairs)
    : pairs_(std::move(pairs)), lines_(pairs_.size()), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    for (const bool at_server : {false, true}) {
      const int fd = (at_server ? pairs_[i].server : pairs_[i].client).fd();
      epoll_event event{.events = EPOLLIN, .data = {.u64 = 2 * i + (at_server ? 1 : 0)}};
      if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail_with_errno("epoll_ctl");
    }
  }
}

echo_outcome echo_crowd::run(std::chrono::nanoseconds duration, std::chrono::nanoseconds interval) {
  outcome_ = {};
  const unique_fd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  epoll_event timer_event{.events = EPOLLIN | EPOLLET, .data = {.u64 = timer_tag}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, timer.get(), &timer_event) != 0) fail_with_errno("epoll_ctl");
  const auto start = now_ns();
  const auto end = start + duration.count();
  const auto give_up = end + std::chrono::nanoseconds{grace}.count();
  const auto due = [&](std::uint64_t turn) {
    return start + static_cast<std::int64_t>(static_cast<double>(turn) * static_cast<double>(interval.count()) /
                                             static_cast<double>(pairs_.size()));
  };
  std::uint64_t turn = 0;
  for (;;) {
    const auto now = now_ns();
    for (; due(turn) <= now && due(turn) < end; ++turn) send_due(turn % pairs_.size(), due(turn));
    const bool all_sent = due(turn) >= end;
    if (all_sent && outcome_.returned + outcome_.wrong >= outcome_.sent) break;
    if (now >= give_up) break;
    set_timer(timer.get(), all_sent ? give_up : due(turn));
    std::array<epoll_event, 256> events{};
    const auto count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const auto tag = events[static_cast<std::size_t>(i)].data.u64;
      if (tag != timer_tag) receive(tag / 2, tag % 2 == 1);
    }
  }
  return std::move(outcome_);
}

void echo_crowd::send_due(std::size_t index, std::int64_t due_ns) {
  auto& each = lines_[index];
  if (send_frame(pairs_[index].client.fd(), make_payload(due_ns, index, each.sent))) {
    ++each.sent;
    ++outcome_.sent;
  } else {
    ++outcome_.wrong;
  }
}

void echo_crowd::receive(std::size_t index, bool at_server) {
  auto& to = at_server ? lines_[index].server : lines_[index].client;
  const int fd = (at_server ? pairs_[index].server : pairs_[index].client).fd();
  for (;;) {
    const auto count = ::recv(fd, to.input.data() + to.arrived, to.input.size() - to.arrived, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return note_wrong(fd);
    to.arrived += static_cast<std::size_t>(count);
    if (to.arrived < to.input.size()) return;
    to.arrived = 0;
    on_message(index, at_server);
  }
}

void echo_crowd::on_message(std::size_t index, bool at_server) {
  auto& each = lines_[index];
  const byte_view frame{at_server ? each.server.input : each.client.input};
  static constexpr std::array header{std::byte{0x82}, std::byte{126}, std::byte{echo_payload_bytes >> 8},
                                     std::byte{echo_payload_bytes & 0xff}};
  const auto message = frame.subspan(header.size());
  if (at_server) {
    if (!send_frame(pairs_[index].server.fd(), message)) ++outcome_.wrong;
    return;
  }
  const auto due_ns = static_cast<std::int64_t>(load_be<std::uint64_t>(message.data()));
  const auto expected = make_payload(due_ns, index, each.returned);
  if (!std::ranges::equal(frame.first(header.size()), header) || !std::ranges::equal(message, expected)) {
    ++outcome_.wrong;
    return;
  }
  ++each.returned;
  ++outcome_.returned;
  outcome_.round_trip_us.push_back(static_cast<double>(now_ns() - due_ns) / 1e3);
}

void echo_crowd::note_wrong(int fd) {
  ++outcome_.wrong;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

}  // namespace flowersec::load
