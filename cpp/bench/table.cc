#include "table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "flowersec/base/json.h"

namespace flowersec::bench {
namespace {

const char* word(verdict judged) {
  switch (judged) {
    case verdict::met:
      return "ok";
    case verdict::missed:
      return "MISS";
    case verdict::no_goal:
      return "-";
    case verdict::not_measured:
      return "none";
  }
  return "";
}

std::string goal_text(const std::optional<goal>& target) {
  if (!target) return "";
  return (target->at_least ? ">= " : "<= ") + short_number(target->limit);
}

std::string range_text(const spread& figure) { return short_number(figure.min) + " .. " + short_number(figure.max); }

std::string remarks(const row& each) {
  if (!each.problem.empty()) return each.problem;
  return each.generator_load > generator_bound_load ? each.detail + " [generator-bound]" : each.detail;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

void print_line(std::ostream& out, const std::array<std::string, 6>& cells) {
  constexpr std::array<std::size_t, 5> widths{50, 12, 18, 10, 6};
  for (std::size_t i = 0; i < widths.size(); ++i) out << padded(cells[i], widths[i]) << ' ';
  out << cells.back() << '\n';
}

std::string json_number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

std::string json_row(const row& each) {
  std::string out;
  json_object_writer writer{out};
  writer.field("id", each.id).field("title", each.title).field("unit", each.unit);
  if (each.problem.empty()) {
    writer.raw("median", json_number(each.figure.median))
        .raw("min", json_number(each.figure.min))
        .raw("max", json_number(each.figure.max));
  } else {
    writer.field("problem", each.problem);
  }
  if (each.target) {
    writer.raw("goal", json_number(each.target->limit))
        .field("goal_kind", each.target->at_least ? "at_least" : "at_most");
  }
  writer.field("verdict", word(each.judge())).field("detail", each.detail);
  writer.raw("generator_load", json_number(each.generator_load)).end();
  return out;
}

}  // namespace

verdict row::judge() const noexcept {
  if (!problem.empty()) return verdict::not_measured;
  if (!target) return verdict::no_goal;
  const bool met = target->at_least ? figure.median >= target->limit : figure.median <= target->limit;
  return met ? verdict::met : verdict::missed;
}

bool table::has_misses() const noexcept {
  return std::ranges::any_of(rows_, [](const row& each) { return each.judge() == verdict::missed; });
}

void table::print(std::ostream& out) const {
  print_line(out, {"what", "median", "range", "goal", "", "behind it"});
  for (const auto& each : rows_) {
    const bool measured = each.problem.empty();
    print_line(out,
               {each.title, measured ? short_number(each.figure.median) + ' ' + each.unit : "",
                measured ? range_text(each.figure) : "", goal_text(each.target), word(each.judge()), remarks(each)});
  }
}

void table::print_json(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& facts) const {
  std::string rows = "[";
  for (const auto& each : rows_) {
    if (rows.size() > 1) rows += ',';
    rows += json_row(each);
  }
  rows += ']';
  std::string text;
  json_object_writer writer{text};
  for (const auto& [name, value] : facts) writer.raw(name, value);
  writer.raw("rows", rows).end();
  out << text << '\n';
}

std::string absolute_figures(const series& ours, const series& floor, double scale, const std::string& unit,
                             const std::string& floor_name, double reading::*figure) {
  const auto mine = values_of(ours, figure);
  const auto theirs = values_of(floor, figure);
  const auto text = [scale](double value) { return short_number(value * scale); };
  return text(mine.median) + ' ' + unit + ", " + floor_name + ' ' + text(theirs.median) + " (best " + text(mine.min) +
         ", " + text(theirs.min) + ')';
}

std::string short_number(double value) {
  std::array<char, 32> text{};
  const double size = value < 0 ? -value : value;
  const int decimals = size >= 100 || value == static_cast<double>(static_cast<long long>(value)) ? 0
                       : size >= 10                                                               ? 1
                       : size >= 0.1                                                              ? 2
                                                                                                  : 3;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

}  // namespace flowersec::bench
