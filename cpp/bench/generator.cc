#include "generator.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>

#include "process.h"

namespace flowersec::bench {
namespace {

using std::chrono::steady_clock;

/// How long bytes may stay away before they count as lost.
constexpr auto arrival_timeout = std::chrono::seconds{5};
/// Longest run of a fixed number of messages, also under strace.
constexpr auto counted_run_timeout = std::chrono::seconds{30};
/// Separate writes in a row before the generator looks at its sinks again.
constexpr int writes_per_turn = 64;
constexpr std::uint64_t no_goal = std::numeric_limits<std::uint64_t>::max();

void watch(int epoll, int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{.events = events, .data = {.u64 = tag}};
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail_with_errno("epoll_ctl");
}

}  // namespace

generator::generator(std::vector<connection_pair> pairs, const frame_block& block, delivery how)
    : block_(block),
      expected_(block.delivered(how)),
      sent_frame_bytes_(block.sent_frame_bytes()),
      received_frame_bytes_(block.delivered_frame_bytes(how)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      input_(2 * relay_block_bytes) {
  flows_.reserve(pairs.size());
  for (auto& pair : pairs) {
    set_blocking(pair.sender.get(), false);
    set_blocking(pair.sink.get(), false);
    flows_.push_back({.ends = std::move(pair)});
  }
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    watch(epoll_.get(), flows_[i].ends.sender.get(), EPOLLOUT | EPOLLET, 2 * i);
    watch(epoll_.get(), flows_[i].ends.sink.get(), EPOLLIN | EPOLLRDHUP | EPOLLET, 2 * i + 1);
  }
}

/// Whether bytes moved.
bool generator::send_some(traffic_flow& flow, write_mode mode) {
  const auto block = block_.sent();
  const int writes = mode == write_mode::batched ? 1 : writes_per_turn;
  for (int i = 0; i < writes; ++i) {
    if (flow.frames_sent >= flow.frame_goal) return i > 0;
    auto length = sent_frame_bytes_ - flow.send_at % sent_frame_bytes_;
    if (mode == write_mode::batched) {
      const auto frames_left = std::min<std::uint64_t>(flow.frame_goal - flow.frames_sent, block.size());
      length = std::min(block.size() - flow.send_at, length + (frames_left - 1) * sent_frame_bytes_);
    }
    const auto count = ::send(flow.ends.sender.get(), block.data() + flow.send_at, length, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno != EAGAIN) fail_with_errno("the relay ended a connection");
      flow.can_send = false;
      return i > 0;
    }
    const auto frames_before = flow.send_at / sent_frame_bytes_;
    flow.send_at += static_cast<std::size_t>(count);
    flow.frames_sent += flow.send_at / sent_frame_bytes_ - frames_before;
    if (flow.send_at == block.size()) flow.send_at = 0;
  }
  return true;
}

bool generator::receive_some(traffic_flow& flow) {
  const auto count = ::recv(flow.ends.sink.get(), input_.data(), input_.size(), 0);
  if (count < 0 && errno == EAGAIN) {
    flow.can_receive = false;
    return false;
  }
  if (count <= 0) throw bench_error("the relay ended a connection");
  byte_view arrived{input_.data(), static_cast<std::size_t>(count)};
  // A short read emptied the socket; what comes later raises a new edge.
  flow.can_receive = arrived.size() == input_.size();
  flow.bytes_received += arrived.size();
  while (!arrived.empty()) {
    const auto length = std::min(arrived.size(), expected_.size() - flow.receive_at);
    if (std::memcmp(arrived.data(), expected_.data() + flow.receive_at, length) != 0) {
      throw bench_error("the relay delivered wrong bytes");
    }
    flow.receive_at = (flow.receive_at + length) % expected_.size();
    arrived = arrived.subspan(length);
  }
  return true;
}

bool generator::move_all(write_mode mode) {
  bool moved = false;
  for (auto& flow : flows_) {
    if (flow.can_send) moved |= send_some(flow, mode);
    if (flow.can_receive) moved |= receive_some(flow);
  }
  return moved;
}

void generator::wait_for_edges(bool block) {
  std::array<epoll_event, 64> events;
  constexpr int longest_wait_ms = 100;
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), block ? longest_wait_ms : 0);
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    // A short read may have swallowed the end together with the last bytes, so that no read would ever return 0.
    if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) throw bench_error("the relay ended a connection");
    auto& flow = flows_[event.data.u64 / 2];
    (event.data.u64 % 2 == 0 ? flow.can_send : flow.can_receive) = true;
  }
}

void generator::turn(write_mode mode) { wait_for_edges(!move_all(mode)); }

/// A frame that was begun is always finished, or the relay would wait for the rest of it.
void generator::finish_begun_frames() {
  for (auto& flow : flows_) {
    const bool inside_frame = flow.send_at % sent_frame_bytes_ != 0;
    flow.frame_goal = flow.frames_sent + (inside_frame ? 1 : 0);
  }
}

bool generator::all_arrived() const {
  for (const auto& flow : flows_) {
    const bool inside_frame = flow.send_at % sent_frame_bytes_ != 0;
    if (inside_frame || flow.bytes_received < flow.frames_sent * received_frame_bytes_) return false;
  }
  return true;
}

bool generator::goals_reached() const {
  for (const auto& flow : flows_) {
    if (flow.frames_sent < flow.frame_goal) return false;
  }
  return true;
}

std::uint64_t generator::total_received_frames() const {
  std::uint64_t frames = 0;
  for (const auto& flow : flows_) frames += flow.bytes_received / received_frame_bytes_;
  return frames;
}

template <class Done>
traffic_sample generator::run(Done done, write_mode mode) {
  const auto frames_before = total_received_frames();
  const auto cpu_before = thread_cpu_time();
  const auto begin = steady_clock::now();
  while (!done()) turn(mode);
  finish_begun_frames();
  const auto give_up = steady_clock::now() + arrival_timeout;
  while (!all_arrived()) {
    turn(mode);
    if (steady_clock::now() > give_up) throw bench_error("sent messages did not arrive");
  }
  traffic_sample sample;
  sample.elapsed = steady_clock::now() - begin;
  sample.generator_cpu = thread_cpu_time() - cpu_before;
  sample.messages = total_received_frames() - frames_before;
  sample.payload_bytes = sample.messages * block_.message_bytes();
  return sample;
}

traffic_sample generator::run_for(std::chrono::nanoseconds duration, write_mode mode) {
  for (auto& flow : flows_) flow.frame_goal = no_goal;
  const auto end = steady_clock::now() + duration;
  return run([end] { return steady_clock::now() >= end; }, mode);
}

traffic_sample generator::run_messages(std::uint64_t messages_per_pair, write_mode mode) {
  for (auto& flow : flows_) flow.frame_goal = flow.frames_sent + messages_per_pair;
  const auto give_up = steady_clock::now() + counted_run_timeout;
  const auto done = [this, give_up] {
    if (steady_clock::now() > give_up) throw bench_error("the relay stopped taking bytes");
    return goals_reached();
  };
  return run(done, mode);
}

traffic_sample generator::ping_pong_for(std::chrono::nanoseconds duration) {
  auto& ends = flows_.front().ends;
  for (const int fd : {ends.sender.get(), ends.sink.get()}) {
    set_blocking(fd, true);
    set_timeout(fd, arrival_timeout);
  }
  // Every exchange repeats the first frame, so positions in the block do not matter here.
  const auto frame = block_.sent().first(sent_frame_bytes_);
  const auto expected = expected_.first(received_frame_bytes_);
  byte_buffer reply(expected.size());
  const auto one_way = [&](int from, int to) {
    write_all(from, frame);
    read_exactly(to, reply);
    if (!std::ranges::equal(reply, expected)) throw bench_error("the relay delivered wrong bytes");
  };
  traffic_sample sample;
  const auto cpu_before = thread_cpu_time();
  const auto begin = steady_clock::now();
  while (steady_clock::now() - begin < duration) {
    one_way(ends.sender.get(), ends.sink.get());
    one_way(ends.sink.get(), ends.sender.get());
    ++sample.messages;
  }
  sample.elapsed = steady_clock::now() - begin;
  sample.generator_cpu = thread_cpu_time() - cpu_before;
  sample.payload_bytes = 2 * sample.messages * block_.message_bytes();
  return sample;
}

std::uint64_t generator::flood_until_stalled(std::chrono::milliseconds quiet) {
  std::uint64_t taken = 0;
  for (auto last = steady_clock::now(); steady_clock::now() - last < quiet;) {
    bool moved = false;
    for (auto& flow : flows_) {
      flow.frame_goal = no_goal;
      const auto before = flow.send_at;
      moved |= send_some(flow, write_mode::batched);
      taken += (flow.send_at + block_.sent().size() - before) % block_.sent().size();
    }
    if (moved) {
      last = steady_clock::now();
    } else {
      ::poll(nullptr, 0, 1);
    }
  }
  return taken;
}

}  // namespace flowersec::bench
