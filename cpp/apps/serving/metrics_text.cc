#include "serving/metrics_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace flowersec::apps {
namespace {

/// In a label value also the quote is escaped; in a help text it stands for itself.
std::string escaped(const std::string& text, bool in_quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (c == '"' && in_quotes)) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string labels_text(const metric_sample& sample) {
  std::string text;
  for (const auto& [name, value] : sample.labels) {
    text += (text.empty() ? "{" : ",") + name + "=\"" + escaped(value, true) + '"';
  }
  return text.empty() ? text : text + '}';
}

}  // namespace

std::string metrics_text(std::vector<metric_family> families) {
  std::ranges::sort(families, {}, &metric_family::name);
  std::string text;
  for (const auto& family : families) {
    if (family.samples.empty()) continue;
    text += "# HELP " + family.name + ' ' + escaped(family.help, false) + '\n';
    text += "# TYPE " + family.name + (family.counts ? " counter\n" : " gauge\n");
    for (const auto& sample : family.samples) {
      text += family.name + labels_text(sample) + ' ' + number(sample.value) + '\n';
    }
  }
  return text;
}

}  // namespace flowersec::apps
