#include "measure.h"

#include <algorithm>

namespace flowersec::bench {
namespace {

double neighbouring_mean(const series& baseline, std::size_t turn, double reading::*figure) {
  const auto after = std::ranges::find_if(baseline, [turn](const auto& each) { return each.turn > turn; });
  if (after == baseline.begin()) return after->what.*figure;
  const auto before = std::prev(after);
  if (after == baseline.end()) return before->what.*figure;
  return (before->what.*figure + after->what.*figure) / 2;
}

}  // namespace

std::vector<series> take_turns(std::span<const std::function<reading()>> probes, int rounds) {
  for (const auto& probe : probes) static_cast<void>(probe());
  std::vector<series> taken(probes.size());
  std::size_t turn = 0;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < probes.size(); ++i) taken[i].push_back({probes[i](), turn++});
  }
  taken.front().push_back({probes.front()(), turn});
  return taken;
}

spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  const auto median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

spread values_of(const series& from, double reading::*figure) {
  std::vector<double> values;
  for (const auto& each : from) values.push_back(each.what.*figure);
  return spread_of(std::move(values));
}

spread ratio(const series& of, const series& baseline, double reading::*figure) {
  std::vector<double> ratios;
  for (const auto& each : of) ratios.push_back(each.what.*figure / neighbouring_mean(baseline, each.turn, figure));
  return spread_of(std::move(ratios));
}

double generator_load(const series& from) {
  double highest = 0;
  for (const auto& each : from) highest = std::max(highest, each.what.generator_load);
  return highest;
}

}  // namespace flowersec::bench
