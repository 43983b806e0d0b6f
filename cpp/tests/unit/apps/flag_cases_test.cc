// How flags are read: the cases that both languages share.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "cli/option_value.h"
#include "cli/values.h"
#include "peer/options.h"
#include "support/case_table.h"

namespace flowersec::apps {
namespace {

namespace json = boost::json;
using testing::read_cases;

std::string text_at(const json::value& row, std::string_view name) {
  return std::string{std::string_view{row.at(name).as_string()}};
}

/// The table's text of a number; null for none.
template <class Number>
json::value shown(const std::optional<Number>& number) {
  return number ? json::value(std::to_string(*number)) : json::value(nullptr);
}

TEST(flag_cases, booleans_of_the_shared_table) {
  const auto cases = read_cases("flag_cases.json", "booleans");
  for (const auto& row : cases.as_array()) {
    const auto read = parse_bool_word(text_at(row, "text"));
    EXPECT_EQ(read ? json::value(*read) : json::value(nullptr), row.at("value")) << row;
  }
}

TEST(flag_cases, integers_of_the_shared_table) {
  const auto cases = read_cases("flag_cases.json", "integers");
  for (const auto& row : cases.as_array()) {
    EXPECT_EQ(shown(parse_flag_integer(text_at(row, "text"))), row.at("value")) << row;
  }
}

TEST(flag_cases, durations_of_the_shared_table) {
  const auto cases = read_cases("flag_cases.json", "durations");
  for (const auto& row : cases.as_array()) {
    const auto read = parse_duration(text_at(row, "text"));
    EXPECT_EQ(shown(read ? std::optional{read->count()} : std::nullopt), row.at("value")) << row;
  }
}

/// What a flag holds, as the table writes it.
json::value held(const option_target& target) {
  struct {
    json::value operator()(const bool* value) const { return *value; }
    json::value operator()(const std::string* value) const { return json::value(*value); }
    json::value operator()(const std::int64_t* value) const { return *value; }
    json::value operator()(const std::optional<std::int64_t>* value) const { return value->value_or(0); }
    json::value operator()(const std::chrono::nanoseconds* value) const {
      return std::chrono::duration_cast<std::chrono::milliseconds>(*value).count();
    }
    json::value operator()(const std::vector<std::string>* value) const {
      json::array items;
      for (const auto& item : *value) items.emplace_back(item);
      return items;
    }
  } const read;
  return std::visit(read, target);
}

void expect_values(const program& described, const json::object& expected) {
  for (const auto& [name, value] : expected) {
    const auto entry = std::find_if(described.options.begin(), described.options.end(),
                                    [&name = name](const option& each) { return each.name == std::string_view{name}; });
    ASSERT_NE(entry, described.options.end()) << name;
    EXPECT_EQ(json::serialize(held(entry->into)), json::serialize(value)) << name;
  }
}

template <class Command>
void play(const json::object& row, const program& described, const Command& command) {
  std::ostringstream out;
  std::ostringstream err;
  const auto* variables = row.if_contains("environment");
  const auto environment = [variables](const std::string& name) -> std::optional<std::string> {
    const auto* found = variables == nullptr ? nullptr : variables->as_object().if_contains(name);
    return found == nullptr ? std::nullopt : std::optional{std::string{std::string_view{found->as_string()}}};
  };
  std::vector<std::string> words;
  for (const auto& word : row.at("words").as_array()) words.emplace_back(std::string_view{word.as_string()});
  const auto code = read_command_line(described, {words, environment, out, err});
  const auto first_line = err.str().substr(0, err.str().find('\n'));
  if (row.contains("help") || row.contains("version")) {
    EXPECT_EQ(code, exit_ok);
    EXPECT_EQ(out.str().empty(), row.contains("help"));
    EXPECT_EQ(first_line, row.contains("help") ? "Usage:" : "");
    return;
  }
  const auto* complaint = row.if_contains("complaint");
  if (code) {
    EXPECT_EQ(code, exit_usage);
    ASSERT_NE(complaint, nullptr) << first_line;
    EXPECT_EQ(first_line, std::string_view{complaint->as_string()});
    return;
  }
  const auto problem = usage_problem(command);
  EXPECT_EQ(problem.value_or(""), complaint == nullptr ? "" : std::string_view{complaint->as_string()});
  if (const auto* values = row.if_contains("values")) expect_values(described, values->as_object());
}

TEST(flag_cases, command_lines_of_the_shared_table) {
  const auto cases = read_cases("flag_cases.json", "lines");
  for (const auto& each : cases.as_array()) {
    const auto& row = each.as_object();
    SCOPED_TRACE(text_at(row, "name"));
    if (row.at("program") == "client") {
      client_command command;
      play(row, describe_client(command), command);
    } else {
      serve_command command;
      play(row, describe_serve(command), command);
    }
  }
}

}  // namespace
}  // namespace flowersec::apps
