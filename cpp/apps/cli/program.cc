#include "cli/program.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>
#include <span>

#include "cli/config_file.h"
#include "cli/file.h"
#include "cli/help.h"
#include "cli/option_value.h"
#include "cli/version.h"
#include "flowersec/base/text.h"

namespace flowersec::apps {
namespace {

/// Names of the options that have a value from somewhere.
using given_names = std::set<std::string, std::less<>>;

std::optional<int> read_environment(const std::vector<option>& options, const invocation& io, given_names& given) {
  for (const auto& entry : options) {
    for (const auto& name : entry.environment) {
      const auto value = io.environment(name);
      if (!value || is_blank(*value)) continue;
      if (!set_from_environment(entry.into, trim(*value))) {
        return fail(io, exit_usage, "invalid " + name + ": \"" + *value + "\" is " + expected_value(entry.into));
      }
      given.insert(entry.name);
      break;
    }
  }
  return std::nullopt;
}

/// The arguments as a stream of flags. Stops at the first word that is none; what follows is not read.
class argument_reader {
 public:
  argument_reader(const program& described, const std::vector<option>& options, const invocation& io,
                  given_names& given)
      : described_(described), options_(options), io_(io), given_(given), rest_(io.arguments) {}

  std::optional<int> run() {
    while (!rest_.empty() && rest_.front().size() > 1 && rest_.front().starts_with('-')) {
      const std::string_view word = rest_.front();
      rest_ = rest_.subspan(1);
      if (word == "--") break;
      if (const auto code = read_flag(word)) return code;
    }
    return std::nullopt;
  }

  /// A word that is no flag: most likely a second value of a flag that was not repeated.
  std::optional<int> refuse_words() {
    if (rest_.empty()) return std::nullopt;
    return complain("unexpected argument: " + rest_.front() + " (a flag is repeated for each of its values)");
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
      (described_.common_help ? io_.out : io_.err) << help_text(described_) << std::flush;
      return exit_ok;
    }
    return complain("flag provided but not defined: " + shown_name(described_, flag));
  }

  std::optional<int> read_value(const option& entry, std::optional<std::string_view> value) {
    if (!value && std::holds_alternative<bool*>(entry.into)) value = "true";
    if (!value) {
      if (rest_.empty()) return complain("flag needs an argument: " + shown_name(described_, entry.name));
      value = rest_.front();
      rest_ = rest_.subspan(1);
    }
    if (auto* const* list = std::get_if<std::vector<std::string>*>(&entry.into)) forget_environment(**list);
    given_.insert(entry.name);
    if (described_.flags_given != nullptr) described_.flags_given->push_back(entry.name);
    if (!entry.may_be_blank && is_blank(*value)) {
      return complain("flag needs a value that is not blank: " + shown_name(described_, entry.name));
    }
    if (set_from_flag(entry.into, *value)) return std::nullopt;
    return complain("invalid value \"" + std::string{*value} + "\" for flag " + shown_name(described_, entry.name) +
                    ": " + expected_value(entry.into));
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
  given_names& given_;
  std::span<const std::string> rest_;
  std::vector<const std::vector<std::string>*> lists_given_;
};

std::optional<int> read_config_file(const std::string& path, const std::vector<option>& options, const invocation& io,
                                    const given_names& given) {
  constexpr std::size_t max_config_file_bytes = 1048576;
  const auto text = read_text_file(path, max_config_file_bytes);
  if (!text) return fail(io, exit_usage, "invalid --config: " + text.error().text);
  const auto complaints = apply_config(options, path, *text, given);
  for (const auto& complaint : complaints) io.err << complaint << '\n';
  io.err << std::flush;
  return complaints.empty() ? std::nullopt : std::optional{exit_usage};
}

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
  given_names given;
  if (const auto code = read_environment(options, io, given)) return code;
  argument_reader arguments{described, options, io, given};
  if (const auto code = arguments.run()) return code;
  if (version) {
    io.out << version_line(build_version()) << '\n' << std::flush;
    return exit_ok;
  }
  if (described.refuses_words) {
    if (const auto code = arguments.refuse_words()) return code;
  }
  if (described.config_file == nullptr || described.config_file->empty()) return std::nullopt;
  return read_config_file(*described.config_file, options, io, given);
}

int usage_error(const program& described, const invocation& io, std::string_view message) {
  io.err << message << '\n';
  if (described.common_help) {
    io.err << "See " << described.name << " --help.\n" << std::flush;
  } else {
    io.err << help_text(described) << std::flush;
  }
  return exit_usage;
}

int fail(const invocation& io, int exit_code, std::string_view message) {
  io.err << message << '\n' << std::flush;
  return exit_code;
}

}  // namespace flowersec::apps
