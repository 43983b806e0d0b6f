#include "cli/option_value.h"

#include "cli/values.h"
#include "flowersec/base/text.h"

namespace flowersec::apps {
namespace {

template <class... Visitors>
struct overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
overloaded(Visitors...) -> overloaded<Visitors...>;

template <class Value, class Into>
bool assign(const std::optional<Value>& value, Into& into) {
  if (value) into = *value;
  return value.has_value();
}

}  // namespace

bool set_from_flag(const option_target& target, std::string_view text) {
  return std::visit(overloaded{
                        [&](bool* into) { return assign(parse_bool_word(text), *into); },
                        [&](std::string* into) {
                          *into = trim(text);
                          return is_valid_utf8(text);
                        },
                        [&](std::vector<std::string>* into) {
                          if (!is_blank(text)) into->emplace_back(trim(text));
                          return is_valid_utf8(text);
                        },
                        [&](std::chrono::nanoseconds* into) { return assign(parse_duration(text), *into); },
                        [&](auto* integer) { return assign(parse_flag_integer(text), *integer); },
                    },
                    target);
}

bool set_from_environment(const option_target& target, std::string_view text) {
  return std::visit(overloaded{
                        [&](std::vector<std::string>* into) {
                          *into = split_comma_list(text);
                          return is_valid_utf8(text);
                        },
                        [&](std::int64_t* into) { return assign(parse_decimal_integer(text), *into); },
                        [&](std::optional<std::int64_t>* into) { return assign(parse_decimal_integer(text), *into); },
                        [&](auto*) { return set_from_flag(target, text); },
                    },
                    target);
}

const char* expected_value(const option_target& target) {
  return std::visit(overloaded{[](bool*) { return "not a boolean"; }, [](std::string*) { return "not valid UTF-8"; },
                               [](std::vector<std::string>*) { return "not valid UTF-8"; },
                               [](std::chrono::nanoseconds*) { return "not a duration such as 10s or 1m30s"; },
                               [](auto*) { return "not a 64-bit integer"; }},
                    target);
}

bool is_flag_value(const option_target& target, std::string_view text) {
  const auto try_on_copy = [text](const auto* into) {
    auto copy = *into;
    return set_from_flag(&copy, text);
  };
  return std::visit(try_on_copy, target);
}

std::vector<std::string> texts_of(const option_target& target) {
  using texts = std::vector<std::string>;
  return std::visit(
      overloaded{
          [](const bool* value) { return texts{*value ? "true" : "false"}; },
          [](const std::string* value) { return value->empty() ? texts{} : texts{*value}; },
          [](const std::int64_t* value) { return texts{std::to_string(*value)}; },
          [](const std::optional<std::int64_t>* value) { return *value ? texts{std::to_string(**value)} : texts{}; },
          [](const std::chrono::nanoseconds* value) { return texts{format_duration(*value)}; },
          [](const std::vector<std::string>* value) { return *value; },
      },
      target);
}

}  // namespace flowersec::apps
