// How a figure is taken: contenders in turn, A B A B, each ratio against the baseline's runs just before and after.
// Part of flowersec-bench. A machine that slows down for a second then slows both sides of a ratio.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace flowersec::bench {

struct reading {
  double value = 0;
  double other = 0;           ///< a second figure of the same run: the rate, or the other side's CPU
  double generator_load = 0;  ///< share of one CPU that the load generator used, 0..1
};

struct timed_reading {
  reading what;
  std::size_t turn = 0;  ///< position in the order of all runs
};

using series = std::vector<timed_reading>;

struct spread {
  double median = 0;
  double min = 0;
  double max = 0;
};

/// Runs every probe once, in order, `rounds` times, and the first one more time at the end. The first probe is the
/// baseline. Each probe runs once before, unrecorded.
[[nodiscard]] std::vector<series> take_turns(std::span<const std::function<reading()>> probes, int rounds);

[[nodiscard]] spread spread_of(std::vector<double> values);
[[nodiscard]] spread values_of(const series& from, double reading::*figure = &reading::value);
/// Each reading over the mean of the baseline's nearest readings before and after it.
[[nodiscard]] spread ratio(const series& of, const series& baseline, double reading::*figure = &reading::value);
/// Highest generator load seen.
[[nodiscard]] double generator_load(const series& from);

}  // namespace flowersec::bench
