// Chance, weighted towards edges: a few streams, limits that are met, sizes around windows and frames.
#include <algorithm>
#include <array>
#include <random>

#include "program.h"

namespace flowersec::mux {
namespace {

constexpr std::size_t window = yamux::window_bytes;

class writer {
 public:
  explicit writer(std::uint64_t seed) : engine_(seed), large_(one_in(8)) {}

  program write() {
    program made;
    for (const auto who : {side::client, side::server}) limit(made.limits(who));
    for (auto left = between(2, large_ ? 40 : 70); left > 0; --left) made.steps.push_back(any_step());
    return made;
  }

 private:
  [[nodiscard]] std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  [[nodiscard]] std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  [[nodiscard]] bool one_in(std::size_t n) { return below(n) == 0; }
  template <std::size_t N>
  [[nodiscard]] std::size_t one_of(const std::array<std::size_t, N>& these) {
    return these.at(below(N));
  }

  void limit(yamux::yamux_limits& limits) {
    if (one_in(2)) limits.max_active_streams = between(1, 4);
    if (one_in(2)) limits.max_inbound_streams = between(1, 3);
    limits.max_inbound_streams = std::min(limits.max_inbound_streams, limits.max_active_streams);
    if (one_in(2)) limits.preferred_outbound_frame_bytes = between(1024, 3000);
    if (one_in(3)) limits.max_stream_write_queue_bytes = large_ ? between(1, 2 * window) : between(1, 3000);
    if (large_ && one_in(3)) limits.max_session_receive_bytes = window + below(window);
  }
  [[nodiscard]] std::size_t size() {
    constexpr std::array<std::size_t, 6> small{0, 1, 11, 12, 13, 1024};
    constexpr std::array<std::size_t, 6> wide{65536, window / 2 - 1, window / 2, window - 1, window, window + 1};
    if (one_in(4)) return one_of(small);
    if (large_ && one_in(2)) return one_of(wide);
    return between(1, large_ ? 300'000 : 2500);
  }
  [[nodiscard]] step any_step() {
    constexpr std::array<verb, 31> verbs{
        verb::open, verb::open,  verb::open,  verb::open, verb::write, verb::write, verb::write, verb::write,
        verb::read, verb::read,  verb::read,  verb::wait, verb::wait,  verb::close, verb::close, verb::reset,
        verb::ping, verb::take,  verb::take,  verb::take, verb::take,  verb::pass,  verb::pass,  verb::pass,
        verb::pass, verb::write, verb::write, verb::flow, verb::flow,  verb::close, verb::flow};
    step one{.what = verbs.at(below(verbs.size())), .who = any_side()};
    switch (one.what) {
      case verb::open:
        one.stream = {one.who, opened_.at(static_cast<std::size_t>(one.who))++};
        break;
      case verb::ping:
        break;
      case verb::flow:
        one.who = side::client;
        break;
      case verb::take:
      case verb::pass:
        one.amount = one_in(3) ? 1'000'000 : between(13, one_in(2) ? 60 : 5000);
        break;
      default:
        one.stream = any_stream();
        one.amount = one.what == verb::close || one.what == verb::reset ? 0 : size();
        if (one.what == verb::read || one.what == verb::wait) one.amount = std::max<std::size_t>(one.amount, 1);
        break;
    }
    return one;
  }
  [[nodiscard]] side any_side() { return one_in(2) ? side::client : side::server; }
  [[nodiscard]] stream_name any_stream() {
    const auto opener = any_side();
    const auto opened = opened_.at(static_cast<std::size_t>(opener));
    const auto number = opened == 0 ? 0 : static_cast<unsigned>(below(opened));
    return {opener, number};
  }

  std::mt19937_64 engine_;
  bool large_;
  std::array<unsigned, 2> opened_{};
};

}  // namespace

program random_program(std::uint64_t seed) { return writer{seed}.write(); }

}  // namespace flowersec::mux
