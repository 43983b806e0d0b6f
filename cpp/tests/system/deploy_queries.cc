#include "deploy_queries.h"

#include <algorithm>
#include <cctype>

namespace flowersec::testing {
namespace {

/// Those that may stand before something other than their parenthesis.
const std::set<std::string, std::less<>> keywords{"and", "or",  "unless", "bool", "on",
                                                  "sum", "avg", "min",    "max",  "count"};

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == ':'; }

/// Walks over an expression or a sample, token by token.
class scanner {
 public:
  explicit scanner(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() {
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
    return text_.empty();
  }
  [[nodiscard]] bool take(char c) {
    if (done() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] std::string name() {
    if (done() || !is_name_start(text_.front())) return {};
    return take_while(is_name_part);
  }
  void expect(char c) {
    if (!take(c)) throw std::runtime_error(std::string{"expected "} + c + " before: " + std::string{text_});
  }
  void skip_string() {
    expect('"');
    while (!text_.empty() && text_.front() != '"') text_.remove_prefix(text_.front() == '\\' ? 2 : 1);
    expect('"');
  }
  void skip_range() {
    expect('[');
    text_.remove_prefix(std::min(text_.find(']'), text_.size()));
    expect(']');
  }
  /// Label names of a selector or of a sample, behind its opening brace.
  [[nodiscard]] std::set<std::string> selector() {
    std::set<std::string> labels;
    while (!take('}')) {
      labels.insert(name());
      static_cast<void>(take_while([](char c) { return c == '=' || c == '!' || c == '~'; }));
      skip_string();
      static_cast<void>(take(','));
    }
    return labels;
  }
  [[nodiscard]] std::set<std::string> names_in_parentheses() {
    std::set<std::string> names;
    for (expect('('); !take(')'); static_cast<void>(take(','))) names.insert(name());
    return names;
  }
  [[nodiscard]] bool at(char c) { return !done() && text_.front() == c; }
  /// A number, an operator, or one parenthesis.
  void skip_other() {
    if (std::isdigit(static_cast<unsigned char>(text_.front())) != 0) {
      static_cast<void>(take_while([](char c) { return is_name_part(c) || c == '.'; }));
    } else if (std::string_view{"()+-*/%<>=!,"}.find(text_.front()) != std::string_view::npos) {
      text_.remove_prefix(1);
    } else {
      throw std::runtime_error("cannot read: " + std::string{text_});
    }
  }

 private:
  template <class Predicate>
  std::string take_while(Predicate fits) {
    const auto end = std::find_if_not(text_.begin(), text_.end(), fits);
    std::string taken{text_.begin(), end};
    text_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view text_;
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

class yaml_reader {
 public:
  explicit yaml_reader(std::string_view text) {
    for (auto& line : lines_of(text)) {
      const auto begin = line.find_first_not_of(' ');
      if (begin != std::string::npos && line[begin] != '#') lines_.push_back(std::move(line));
    }
  }

  boost::json::value document() {
    auto all = block(0);
    if (at_ != lines_.size()) fail("wrong indentation");
    return all;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw std::runtime_error(why + ": " + (at_ < lines_.size() ? lines_[at_] : "(end)"));
  }
  [[nodiscard]] bool is_at(std::size_t indent) const {
    return at_ < lines_.size() && lines_[at_].find_first_not_of(' ') == indent;
  }
  [[nodiscard]] bool is_item(std::size_t indent) const {
    return is_at(indent) && lines_[at_].substr(indent, 2) == "- ";
  }

  boost::json::value block(std::size_t indent) {
    if (!is_at(indent)) fail("nothing at this depth");
    if (!is_item(indent)) return mapping(indent);
    boost::json::array items;
    while (is_item(indent)) {
      lines_[at_][indent] = ' ';
      items.push_back(block(indent + 2));
    }
    return items;
  }

  boost::json::value mapping(std::size_t indent) {
    boost::json::object members;
    while (is_at(indent) && !is_item(indent)) {
      const auto line = lines_[at_].substr(indent);
      const auto colon = line.find(':');
      if (colon == std::string::npos) fail("no key");
      const auto key = line.substr(0, colon);
      if (!std::all_of(key.begin(), key.end(), is_name_part) || members.contains(key)) fail("bad or repeated key");
      const auto rest = line.substr(colon + 1);
      if (!rest.empty() && rest.front() != ' ') fail("no space behind the colon");
      if (!rest.empty()) {
        members[key] = scalar(rest.substr(1));
        ++at_;
      } else {
        ++at_;
        members[key] = block(indent + 2);
      }
    }
    return members;
  }

  [[nodiscard]] std::string scalar(const std::string& text) const {
    if (text.starts_with('"')) {
      if (text.size() < 2 || !text.ends_with('"')) fail("unfinished string");
      const auto inner = text.substr(1, text.size() - 2);
      if (inner.find_first_of("\"\\") != std::string::npos) fail("escapes are not used here");
      return inner;
    }
    const bool special = text.empty() || std::string_view{"[]{}&*!|>'%@`,#? "}.find(text.front()) != std::string::npos;
    if (special || text.ends_with(' ') || text.ends_with(':')) fail("not a plain scalar");
    if (text.find(": ") != std::string::npos || text.find(" #") != std::string::npos) fail("not a plain scalar");
    return text;
  }

  std::vector<std::string> lines_;
  std::size_t at_ = 0;
};

}  // namespace

metric_labels exported_metrics(std::string_view exposition) {
  metric_labels found;
  for (const auto& line : lines_of(exposition)) {
    if (line.empty() || line.front() == '#' || !is_name_start(line.front())) continue;
    scanner sample{line};
    auto& labels = found[sample.name()];
    if (sample.take('{')) labels.merge(sample.selector());
  }
  return found;
}

query_names names_in_query(std::string_view expression) {
  query_names found;
  scanner query{expression};
  while (!query.done()) {
    const auto name = query.name();
    if (name == "by" || name == "without") {
      found.grouped.merge(query.names_in_parentheses());
    } else if (!name.empty()) {
      if (query.at('(') || keywords.contains(name)) continue;
      auto& labels = found.metrics[name];
      if (query.take('{')) labels.merge(query.selector());
      if (query.at('[')) query.skip_range();
    } else {
      query.skip_other();
    }
  }
  // A function of no metric says nothing.
  if (found.metrics.empty()) throw std::runtime_error("no metric in: " + std::string{expression});
  return found;
}

std::set<std::string> labels_in_text(std::string_view text) {
  std::set<std::string> labels;
  for (auto begin = text.find("{{"); begin != std::string_view::npos; begin = text.find("{{")) {
    text.remove_prefix(begin + 2);
    const auto end = text.find("}}");
    if (end == std::string_view::npos) throw std::runtime_error("unfinished {{");
    std::string name{text.substr(0, end)};
    std::erase(name, ' ');
    constexpr std::string_view prefix = "$labels.";
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
    if (name != "$value") labels.insert(name);
  }
  return labels;
}

boost::json::value parse_simple_yaml(std::string_view text) { return yaml_reader{text}.document(); }

}  // namespace flowersec::testing
