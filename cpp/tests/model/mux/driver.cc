#include "driver.h"

#include <algorithm>
#include <array>
#include <map>

namespace flowersec::mux {
namespace {

using result = answer::result;
constexpr std::size_t everything = 1 << 20;

class driver {
 public:
  driver(const program& what, const peer_maker& make, const model_options& options)
      : program_(what),
        model_(what, options),
        peers_{make(side::client, what.limits(side::client)), make(side::server, what.limits(side::server))} {}

  std::optional<failure> run() {
    std::size_t done = 0;
    for (; done < program_.steps.size() && goes_on(); ++done) perform(program_.steps[done]);
    if (goes_on()) wind_down();
    return model_.broken() ? std::optional{failure{done, *model_.broken()}} : stuck_;
  }

 private:
  [[nodiscard]] bool goes_on() const {
    return !model_.broken() && !stuck_ && !model_.ended(side::client) && !model_.ended(side::server);
  }
  answer tell(side who, request what) {
    auto given = (*peers_.at(static_cast<std::size_t>(who)))(what);
    model_.on_answer(who, what, given);
    return given;
  }
  [[nodiscard]] byte_buffer& pipe_from(side who) { return pipes_.at(static_cast<std::size_t>(who)); }

  void perform(const step& one) {
    switch (one.what) {
      case verb::open:
        if (ids_.contains(one.stream)) return;
        if (const auto given = tell(one.who, {.what = ask::open}); given.is == result::ok) ids_[one.stream] = given.id;
        return;
      case verb::ping:
        tell(one.who, {.what = ask::ping});
        return;
      case verb::take:
        take(one.who, one.amount);
        return;
      case verb::pass:
        pass(one.who, one.amount);
        return;
      case verb::flow:
        return flow();
      default:
        return perform_on_stream(one);
    }
  }
  void perform_on_stream(const step& one) {
    constexpr std::array<ask, 6> asks{ask::open, ask::write, ask::read, ask::wait, ask::close, ask::reset};
    const auto id = ids_.find(one.stream);
    if (id == ids_.end() || !model_.knows(one.who, id->second)) return;
    if (one.what == verb::wait && model_.is_waiting(one.who, id->second)) return;
    tell(one.who, {.what = asks.at(static_cast<std::size_t>(one.what)), .id = id->second, .amount = one.amount});
  }
  std::size_t take(side who, std::size_t most) {
    const auto given = tell(who, {.what = ask::take, .amount = most});
    append(pipe_from(who), given.bytes);
    return given.bytes.size();
  }
  std::size_t pass(side who, std::size_t most) {
    auto& pipe = pipe_from(who);
    const auto n = std::min(most, pipe.size());
    if (n == 0) return 0;
    tell(other(who), {.what = ask::give, .bytes = to_buffer(byte_view{pipe}.first(n))});
    pipe.erase(pipe.begin(), pipe.begin() + static_cast<std::ptrdiff_t>(n));
    return n;
  }
  void flow() {
    for (std::size_t moved = 1; moved > 0 && goes_on();) {
      moved = 0;
      for (const auto who : {side::client, side::server}) {
        if (goes_on()) moved += take(who, everything);
        if (goes_on()) moved += pass(who, everything);
      }
    }
    if (!goes_on()) return;
    model_.expect_quiet();
    for (const auto who : {side::client, side::server}) tell(who, {.what = ask::state});
  }

  void wind_down() {
    flow();
    for (bool moved = true; goes_on();) {
      const auto left = model_.open_streams(side::client).size() + model_.open_streams(side::server).size();
      if (left == 0) return;
      if (!moved) stuck_ = failure{program_.steps.size(), std::to_string(left) + " halves of streams do not end"};
      moved = false;
      for (const auto who : {side::client, side::server}) {
        for (const auto id : model_.open_streams(who)) moved = finish(who, id) || moved;
      }
      if (goes_on()) flow();
    }
  }
  /// Closes, and reads what is there. Whether anything was left to do.
  bool finish(side who, std::uint32_t id) {
    bool moved = false;
    if (!model_.wants_to_close(who, id)) {
      tell(who, {.what = ask::close, .id = id});
      moved = true;
    }
    while (goes_on() && model_.readable(who, id) > 0) {
      tell(who, {.what = ask::read, .id = id, .amount = everything});
      moved = true;
    }
    return moved;
  }

  const program& program_;
  model model_;
  std::array<std::unique_ptr<peer>, 2> peers_;
  std::array<byte_buffer, 2> pipes_;
  std::map<stream_name, std::uint32_t> ids_;
  std::optional<failure> stuck_;
};

/// Without `count` steps from `at` on.
program without(const program& what, std::size_t at, std::size_t count) {
  auto less = what;
  const auto first = less.steps.begin() + static_cast<std::ptrdiff_t>(at);
  less.steps.erase(first, first + static_cast<std::ptrdiff_t>(std::min(count, less.steps.size() - at)));
  return less;
}

class shrinker {
 public:
  shrinker(program what, const std::function<bool(const program&)>& fails) : best_(std::move(what)), fails_(fails) {}

  program run() {
    while (leave_out_steps() || lower_numbers() || loosen_limits()) continue;
    return best_;
  }

 private:
  bool accept(program candidate) {
    if (!fails_(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }
  bool leave_out_steps() {
    bool any = false;
    for (auto count = std::max<std::size_t>(best_.steps.size() / 2, 1); count > 0; count /= 2) {
      for (std::size_t at = 0; at < best_.steps.size();) {
        if (accept(without(best_, at, count))) {
          any = true;
        } else {
          at += count;
        }
      }
    }
    return any;
  }
  bool lower_numbers() {
    bool any = false;
    for (std::size_t i = 0; i < best_.steps.size(); ++i) {
      // Towards the least number that still fails: by halves of the rest.
      for (auto cut = best_.steps[i].amount; cut > 0; cut /= 2) {
        auto less = best_;
        if (less.steps[i].amount <= cut) continue;
        less.steps[i].amount -= cut;
        any = accept(std::move(less)) || any;
      }
    }
    return any;
  }
  bool loosen_limits() {
    bool any = false;
    for (const auto who : {side::client, side::server}) {
      if (to_text(best_.limits(who)).empty()) continue;
      auto usual = best_;
      usual.limits(who) = {};
      any = accept(std::move(usual)) || any;
    }
    return any;
  }

  program best_;
  const std::function<bool(const program&)>& fails_;
};

}  // namespace

std::optional<failure> run(const program& what, const peer_maker& make, const model_options& options) {
  return driver{what, make, options}.run();
}

program shrink(program what, const std::function<bool(const program&)>& fails) {
  return shrinker{std::move(what), fails}.run();
}

}  // namespace flowersec::mux
