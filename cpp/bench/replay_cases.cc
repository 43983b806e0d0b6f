// Asking the memory of used tokens when it holds a thousand entries and when it holds a million. One thread, CPU time.
// Part of flowersec-bench.
#include "flowersec/tunnel/replay.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

constexpr std::size_t few = 1'000;
constexpr std::size_t many = 1'000'000;
constexpr int uses_per_run = 20'000;
/// Caches hold a thousand entries and not a million; an entry costs a few misses, a scan would cost thousands of them.
constexpr double goal_ratio = 4.0;

/// A store that keeps its number of entries while time goes on: what expires makes room for what is asked.
class full_store {
 public:
  explicit full_store(std::size_t entries)
      : lifetime_(std::max<std::int64_t>(1, static_cast<std::int64_t>(entries) / uses_per_second)),
        store_(tunnel::make_memory_replay_store(2 * entries + 2 * uses_per_run)) {
    for (std::size_t i = 0; i < entries; ++i) use();
  }

  /// As in a tunnel: time passes, twice a second what is over goes.
  reading run() {
    const auto before = thread_cpu_time();
    for (int i = 0; i < uses_per_run; ++i) use();
    const std::chrono::duration<double> spent = thread_cpu_time() - before;
    return {.value = spent.count() / uses_per_run};
  }

 private:
  static constexpr int uses_per_second = 1'000;

  void use() {
    const auto now = std::chrono::milliseconds{asked_ * 1'000 / uses_per_second};
    const wall_time wall{std::chrono::seconds{1'800'000'000} + now};
    const mono_time mono{now};
    auto got = tunnel::replay_answer::unavailable;
    tunnel::replay_query query{"some-audience" + std::to_string(asked_), count(to_unix_seconds(wall)) + lifetime_};
    store_->try_use(std::move(query), wall, mono, mono, [&got](tunnel::replay_answer answer) { got = answer; });
    if (got != tunnel::replay_answer::fresh) throw bench_error("a new token was refused");
    if (++asked_ % (uses_per_second / 2) == 0) store_->expire(wall, mono);
  }

  const std::int64_t lifetime_;  ///< seconds
  const std::shared_ptr<tunnel::replay_store> store_;
  std::int64_t asked_ = 0;
};

void measure_replay(workbench& bench) {
  full_store small{few};
  full_store large{many};
  const std::vector<std::function<reading()>> probes{[&] { return small.run(); }, [&] { return large.run(); }};
  const auto taken = take_turns(probes, bench.options().rounds);
  bench.results().add({.id = "replay.million",
                       .title = "A used-token query with 1 000 000 entries, against 1 000",
                       .unit = "x",
                       .figure = ratio(taken[1], taken[0]),
                       .target = goal{.limit = goal_ratio},
                       .detail = absolute_figures(taken[1], taken[0], 1e9, "ns", "1 000 entries")});
}

}  // namespace

std::vector<bench_case> replay_cases() { return {{"replay.million", false, measure_replay}}; }

}  // namespace flowersec::bench
