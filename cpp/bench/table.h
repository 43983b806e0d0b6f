// The figures, each beside its goal, as a table for people and as JSON for machines.
// Part of flowersec-bench.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "measure.h"

namespace flowersec::bench {

struct goal {
  double limit = 0;
  bool at_least = false;  ///< otherwise at most
};

enum class verdict { met, missed, no_goal, not_measured };

struct row {
  std::string id = {};  ///< stable name, for machines
  std::string title = {};
  std::string unit = {};  ///< "x" for a ratio
  spread figure = {};
  std::optional<goal> target = {};
  std::string detail = {};    ///< the absolute figures behind a ratio
  double generator_load = 0;  ///< above generator_bound_load the generator set the pace
  std::string problem = {};   ///< why there is no figure; empty when there is one

  [[nodiscard]] verdict judge() const noexcept;
};

/// A load above this means that the generator set the pace. Ratios of CPU per byte stay valid, rates do not.
inline constexpr double generator_bound_load = 0.97;

class table {
 public:
  void add(row added) { rows_.push_back(std::move(added)); }
  [[nodiscard]] const std::vector<row>& rows() const noexcept { return rows_; }
  [[nodiscard]] bool has_misses() const noexcept;

  void print(std::ostream& out) const;
  /// `facts` are members of the top-level object, name and JSON value.
  void print_json(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& facts) const;

 private:
  std::vector<row> rows_;
};

/// "0.45 CPU s/GB, bytes 0.40 (best 0.41, 0.38)": the medians behind a ratio, and the lowest readings, which other
/// work on the machine disturbs least.
[[nodiscard]] std::string absolute_figures(const series& ours, const series& floor, double scale,
                                           const std::string& unit, const std::string& floor_name,
                                           double reading::*figure = &reading::value);

/// Three significant digits, no exponent.
[[nodiscard]] std::string short_number(double value);

}  // namespace flowersec::bench
