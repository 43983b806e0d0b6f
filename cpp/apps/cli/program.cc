#include "cli/program.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <span>

#include "cli/help.h"
#include "cli/values.h"
#include "cli/version.h"
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

/// False when the text is no value of the target's type.
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

std::optional<int> read_environment(const std::vector<option>& options, const invocation& io) {
  for (const auto& entry : options) {
    for (const auto& name : entry.environment) {
      const auto value = io.environment(name);
      if (!value || is_blank(*value)) continue;
      if (!set_from_environment(entry.into, trim(*value))) {
        return fail(io, exit_usage, "invalid " + name + ": \"" + *value + "\" is " + expected_value(entry.into));
      }
      break;
    }
  }
  return std::nullopt;
}

/// The arguments as a stream of flags. Stops at the first word that is none; what follows is not read.
class argument_reader {
 public:
  argument_reader(const program& described, const std::vector<option>& options, const invocation& io)
      : described_(described), options_(options), io_(io), rest_(io.arguments) {}

  std::optional<int> run() {
    while (!rest_.empty() && rest_.front().size() > 1 && rest_.front().starts_with('-')) {
      const std::string_view word = rest_.front();
      rest_ = rest_.subspan(1);
      if (word == "--") break;
      if (const auto code = read_flag(word)) return code;
    }
    return std::nullopt;
  }

 private:
  std::optional<int> read_flag(std::string_view word) {
    auto flag = word.substr(word.starts_with("--") ? 2 : 1);
    if (flag.starts_with('-') || flag.starts_with('=')) return complain("bad flag syntax: " + std::string{word});
    std::optional<std::string_view> value;
    if (const auto equals = flag.find('='); equals != flag.npos) {
      value = flag.substr(equals + 1);
      flag = flag.substr(0, equals);
    }
    const auto entry = std::find_if(options_.begin(), options_.end(), [&](const option& o) { return o.name == flag; });
    if (entry != options_.end()) return read_value(*entry, value);
    if (flag == "help" || flag == "h") {
      io_.err << help_text(described_);
      return exit_ok;
    }
    return complain("flag provided but not defined: -" + std::string{flag});
  }

  std::optional<int> read_value(const option& entry, std::optional<std::string_view> value) {
    if (!value && std::holds_alternative<bool*>(entry.into)) value = "true";
    if (!value) {
      if (rest_.empty()) return complain("flag needs an argument: -" + entry.name);
      value = rest_.front();
      rest_ = rest_.subspan(1);
    }
    if (auto* const* list = std::get_if<std::vector<std::string>*>(&entry.into)) forget_environment(**list);
    if (set_from_flag(entry.into, *value)) return std::nullopt;
    return complain("invalid value \"" + std::string{*value} + "\" for flag -" + entry.name + ": " +
                    expected_value(entry.into));
  }

  /// The first flag of a list drops what the environment put there.
  void forget_environment(std::vector<std::string>& list) {
    if (std::find(lists_given_.begin(), lists_given_.end(), &list) != lists_given_.end()) return;
    lists_given_.push_back(&list);
    list.clear();
  }

  int complain(std::string_view message) { return usage_error(described_, io_, message); }

  const program& described_;
  const std::vector<option>& options_;
  const invocation& io_;
  std::span<const std::string> rest_;
  std::vector<const std::vector<std::string>*> lists_given_;
};

}  // namespace

invocation process_invocation(int argc, char** argv) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>{value};
  };
  return {{argv + std::min(argc, 1), argv + argc}, environment, std::cout, std::cerr};
}

std::optional<int> read_command_line(const program& described, const invocation& io) {
  bool version = false;
  const auto options = with_version(described.options, version);
  if (const auto code = read_environment(options, io)) return code;
  if (const auto code = argument_reader{described, options, io}.run()) return code;
  if (!version) return std::nullopt;
  io.out << version_line(build_version()) << '\n' << std::flush;
  return exit_ok;
}

int usage_error(const program& described, const invocation& io, std::string_view message) {
  io.err << message << '\n' << help_text(described) << std::flush;
  return exit_usage;
}

int fail(const invocation& io, int exit_code, std::string_view message) {
  io.err << message << '\n' << std::flush;
  return exit_code;
}

}  // namespace flowersec::apps
