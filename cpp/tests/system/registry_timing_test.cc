// Absent, blocked, declining and silent recipients: what the caller hears, and when, tells none from another.
#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>

#include "support/standstill.h"
#include "system/registry_world.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using milliseconds = std::chrono::duration<double, std::milli>;

/// Ways of not being available, of one run of calls each.
enum way : std::size_t { absent, blocked, declining, silent, ways };
constexpr std::array way_names{"absent", "blocked", "declining", "silent"};
constexpr std::size_t calls_each = 200;
/// A key may have eight open calls and twenty in a minute.
constexpr std::size_t calls_of_caller = 5;
constexpr std::size_t callers = calls_each / calls_of_caller;

/// Probability of a rank sum at least as far from its mean, both samples being of one distribution (Mann and Whitney,
/// normal approximation; samples are large and have no ties).
double likeness(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<std::pair<double, bool>> all;
  for (const auto value : a) all.emplace_back(value, true);
  for (const auto value : b) all.emplace_back(value, false);
  std::ranges::sort(all);
  double ranks = 0;
  for (std::size_t i = 0; i < all.size(); ++i) ranks += all[i].second ? static_cast<double>(i + 1) : 0;
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  const double u = ranks - n * (n + 1) / 2;
  const double z = (u - n * m / 2) / std::sqrt(n * m * (n + m + 1) / 12);
  return std::erfc(std::abs(z) / std::sqrt(2.0));
}

double median(std::vector<double> of) {
  std::ranges::sort(of);
  return (of[of.size() / 2] + of[(of.size() - 1) / 2]) / 2;
}

TEST(two_sample_test, knows_samples_that_differ) {
  std::vector<double> one;
  std::vector<double> same;
  std::vector<double> later;
  for (int i = 0; i < 200; ++i) {
    one.push_back(i * 7 % 200);
    same.push_back(i * 11 % 200 + 0.5);
    later.push_back(i + 30);
  }
  EXPECT_GT(likeness(one, same), 0.01);
  EXPECT_LT(likeness(one, later), 0.01);
}

struct timing_world {
  tcp::endpoint registry;
  std::array<std::vector<double>, ways> waits{};
  std::array<double, ways> longest{};  ///< ms, without what the machine took on the way there and behind the 20 s
  std::array<std::size_t, ways> other_answers{};
  std::size_t running = 0;
  double slowest_ping = 0;  ///< ms, of somebody who calls nobody
  bool is_calm = true;
  standstill_watch machine{};
};

/// Several of each way, as a key is rung by 64 at a time only.
constexpr std::size_t recipients_each = 10;
std::uint32_t recipient_of(way how, std::size_t number) {
  return static_cast<std::uint32_t>(10'000 + 100 * how + number % recipients_each);
}

/// Blocks, declines or says nothing; what the three do with a call of theirs is all that differs.
awaitable<void> be_called(std::shared_ptr<registry_client> recipient, way how) {
  while (const auto frame = co_await recipient->hear()) {
    const auto* incoming = std::get_if<rv::incoming_frame>(&*frame);
    if (incoming == nullptr || how != declining) continue;
    const rv::decline_frame decline{.call_id = incoming->call_id};
    co_await recipient->say(decline);
  }
}

/// Calls each way in turn, so that whatever else happens on the machine happens to all alike.
awaitable<void> call_all(timing_world& world, std::shared_ptr<registry_client> caller, std::size_t number) {
  // Callers begin one after the other, and each way is the first of as many.
  asio::steady_timer pace{co_await asio::this_coro::executor};
  pace.expires_after(number * 12ms);
  co_await pace.async_wait(asio::use_awaitable);
  std::map<std::uint64_t, std::pair<way, std::chrono::steady_clock::time_point>> open;
  const auto turn = number % ways;
  for (std::uint64_t rid = 1; rid <= calls_of_caller; ++rid) {
    const auto how = static_cast<way>((turn + rid) % ways);
    const rv::call_frame call{.rid = rid, .to = key_of(recipient_of(how, number)), .eph = key_of(900)};
    open.emplace(rid, std::pair{how, std::chrono::steady_clock::now()});
    co_await caller->say(call);
    pace.expires_after(3ms);
    co_await pace.async_wait(asio::use_awaitable);
  }
  while (!open.empty()) {
    const auto frame = co_await caller->hear();
    if (!frame) throw std::runtime_error("a caller was cut off");
    const auto& error = std::get<rv::error_frame>(*frame);
    const auto [how, since] = open.at(error.rid.value());
    if (error.code != rv::rendezvous_errc::recipient_unavailable) ++world.other_answers[how];
    const auto now = std::chrono::steady_clock::now();
    world.waits[how].push_back(milliseconds{now - since}.count());
    const auto held_up = world.machine.held_up(since, since + 1s) + world.machine.held_up(since + 20s, now);
    const milliseconds undisturbed = now - since - held_up;
    world.longest[how] = std::max(world.longest[how], undisturbed.count());
    open.erase(error.rid.value());
  }
  --world.running;
}

/// How long the registry, or this program, is held up by the machine while it calls: from when a ping was due, as a
/// machine mostly stands still between two of them.
awaitable<void> ping(timing_world& world, std::shared_ptr<registry_client> bystander) {
  asio::steady_timer pace{co_await asio::this_coro::executor, std::chrono::steady_clock::now()};
  for (std::uint64_t t = 1; world.running > 0; ++t) {
    const rv::ping_frame question{.t = t};
    co_await bystander->say(question);
    static_cast<void>(co_await bystander->hear_a<rv::pong_frame>());
    const milliseconds late = std::chrono::steady_clock::now() - pace.expiry();
    world.slowest_ping = std::max(world.slowest_ping, late.count());
    pace.expires_after(20ms);
    co_await pace.async_wait(asio::use_awaitable);
  }
}

awaitable<void> measure(timing_world& world) {
  const auto executor = co_await asio::this_coro::executor;
  unsigned address = 0;
  std::vector<std::shared_ptr<registry_client>> here;
  const auto enter = [&](std::uint32_t number) -> awaitable<std::shared_ptr<registry_client>> {
    auto made = co_await registry_client::registered(world.registry, loopback_number(++address), number);
    here.push_back(std::make_shared<registry_client>(std::move(made)));
    co_return here.back();
  };
  for (const auto how : {blocked, declining, silent}) {
    for (std::size_t i = 0; i < recipients_each; ++i) {
      auto recipient = co_await enter(recipient_of(how, i));
      asio::co_spawn(executor, be_called(std::move(recipient), how), asio::detached);
    }
  }
  std::vector<std::shared_ptr<registry_client>> calling;
  for (std::size_t i = 0; i < callers * ways; ++i) {
    calling.push_back(co_await enter(static_cast<std::uint32_t>(i + 1)));
  }
  auto bystander = co_await enter(9'000);
  world.running = calling.size();
  asio::co_spawn(executor, ping(world, std::move(bystander)), asio::detached);
  for (std::size_t i = 0; i < calling.size(); ++i) {
    asio::co_spawn(executor, call_all(world, calling[i], i), [](const std::exception_ptr& thrown) {
      if (thrown) ADD_FAILURE() << "a caller failed";
    });
  }
  asio::steady_timer look{executor};
  while (world.running > 0) {
    look.expires_after(50ms);
    co_await look.async_wait(asio::use_awaitable);
  }
  for (const auto& each : here) each->abort();
}

/// What one run hears. A machine that holds even a ping up for that long cannot tell when a registry answers: the run
/// is made again, and the fifth one counts in any case.
std::unique_ptr<timing_world> run_once() {
  constexpr double most_for_ping = 50;
  for (int attempt = 1;; ++attempt) {
    const temporary_folder folder;
    registry_program program{folder.path(), {"--log-level=warn"}};
    asio::io_context context;
    std::unique_ptr<timing_world> world{new timing_world{program.port()}};
    run(context, measure(*world), 120s);
    world->is_calm = world->slowest_ping <= most_for_ping;
    if (world->is_calm || attempt == 5) return world;
    std::cerr << "a ping was " << world->slowest_ping << " ms late: once more\n";
  }
}

/// Pairs of ways that one run tells apart. Times themselves are held to their bounds in every run.
std::vector<std::string> told_apart() {
  const auto made = run_once();
  const auto& world = *made;
  EXPECT_GT(world.slowest_ping, 0);
  std::vector<std::string> pairs;
  for (std::size_t how = 0; how < ways; ++how) {
    SCOPED_TRACE(way_names[how]);
    EXPECT_EQ(world.waits[how].size(), calls_each);
    if (world.waits[how].empty()) return pairs;
    EXPECT_EQ(world.other_answers[how], 0U);
    EXPECT_GE(std::ranges::min(world.waits[how]), 19'900);
    EXPECT_LE(world.is_calm ? std::ranges::max(world.waits[how]) : world.longest[how], 20'100);
    for (std::size_t other = 0; other < how; ++other) {
      SCOPED_TRACE(way_names[other]);
      EXPECT_LE(std::abs(median(world.waits[how]) - median(world.waits[other])), 20);
      const auto p = likeness(world.waits[how], world.waits[other]);
      if (p <= 0.01) pairs.push_back(std::string{way_names[how]} + " and " + way_names[other]);
    }
  }
  return pairs;
}

TEST(registry_timing, unavailable_recipients_cannot_be_told_apart) {
  const auto first = told_apart();
  if (first.empty() || HasFailure()) return;
  // Of six comparisons one in a hundred differs by chance. What can be told apart can be told apart again.
  for (const auto& pair : told_apart()) EXPECT_EQ(std::ranges::count(first, pair), 0) << pair;
}

}  // namespace
}  // namespace flowersec::testing
