// What the files under deploy/ ask Prometheus for: the metrics and labels of an expression, and the part of YAML in
// which the alert rules are written. Test support; strict, since what is not understood cannot be vouched for.
#pragma once

#include <boost/json.hpp>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::testing {

/// Metric name -> names of its labels.
using metric_labels = std::map<std::string, std::set<std::string>>;

/// The samples of an exposition in Prometheus' text format.
[[nodiscard]] metric_labels exported_metrics(std::string_view exposition);

struct query_names {
  metric_labels metrics;          ///< with the labels selected on
  std::set<std::string> grouped;  ///< in by (...)
};
/// Throws std::runtime_error when the expression has an identifier that is neither function, keyword nor metric.
[[nodiscard]] query_names names_in_query(std::string_view expression);

/// Labels in a text for people: {{tenant}}, {{ $labels.tenant }}.
[[nodiscard]] std::set<std::string> labels_in_text(std::string_view text);

/// Block mappings and sequences of one-line scalars, plain or in double quotes without escapes; comments on lines of
/// their own. Everything else throws std::runtime_error.
[[nodiscard]] boost::json::value parse_simple_yaml(std::string_view text);

}  // namespace flowersec::testing
