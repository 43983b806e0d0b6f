#include "cli/help.h"

#include <algorithm>

#include "cli/values.h"

namespace flowersec::apps {
namespace {

/// The word behind the flag's name: nothing for booleans.
std::string value_type(const option_target& target) {
  struct {
    std::string operator()(bool*) const { return ""; }
    std::string operator()(std::string*) const { return "string"; }
    std::string operator()(std::int64_t*) const { return "int"; }
    std::string operator()(std::optional<std::int64_t>*) const { return "int"; }
    std::string operator()(std::chrono::nanoseconds*) const { return "duration"; }
    std::string operator()(std::vector<std::string>*) const { return "value"; }
  } const name;
  return std::visit(name, target);
}

std::string joined(const std::vector<std::string>& names, const std::string& separator) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : separator) + name;
  return text;
}

std::string flag_help(const program& described, const option& entry) {
  const auto type = value_type(entry.into);
  auto text = "  " + shown_name(described, entry.name) + (type.empty() ? "" : " " + type) + "\n    \t" + entry.help;
  if (!entry.environment.empty()) text += " (env " + joined(entry.environment, ", else ") + ")";
  if (!entry.standard.empty()) text += " (default " + entry.standard + ")";
  return text + '\n';
}

std::string environment_lines(const program& described, const std::vector<option>& options) {
  std::string text;
  for (const auto& entry : options) {
    for (const auto& name : entry.environment) text += "  " + name + " -> " + shown_name(described, entry.name) + '\n';
  }
  return text;
}

std::string code(const std::string& text) { return text.empty() ? "" : "`" + text + "`"; }

/// A cell of a Markdown table: a bar would end it.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string{"\\|"} : std::string{c};
  return escaped;
}

constexpr const char* config_file_words =
    "\nThe configuration file has one `name = value` a line, with the names of the flags without their dashes; what "
    "the "
    "environment or a flag gives wins over it. Blank lines and lines that start with `#` mean nothing. A repeatable "
    "option takes one item a line. An unknown name, a bad value and an option given twice end the program with exit "
    "code 2 and the number of the line.\n";

std::string table_row(const option& entry) {
  const auto type = value_type(entry.into);
  std::vector<std::string> names;
  for (const auto& name : entry.environment) names.push_back(code(name));
  return "| " + code((entry.name.size() == 1 ? "-" : "--") + entry.name) + " | " + (type.empty() ? "bool" : type) +
         " | " + joined(names, ", else ") + " | " + code(entry.standard) + " | " + cell(entry.help) + " |\n";
}

}  // namespace

std::string shown_name(const program& described, std::string_view name) {
  return (described.common_help && name.size() > 1 ? "--" : "-") + std::string{name};
}

std::string default_text(const option_target& into) {
  struct {
    std::string operator()(const bool* value) const { return *value ? "true" : ""; }
    std::string operator()(const std::string* value) const { return value->empty() ? "" : '"' + *value + '"'; }
    std::string operator()(const std::int64_t* value) const { return *value == 0 ? "" : std::to_string(*value); }
    std::string operator()(const std::optional<std::int64_t>*) const { return ""; }
    std::string operator()(const std::chrono::nanoseconds* value) const {
      return value->count() == 0 ? "" : format_duration(*value);
    }
    std::string operator()(const std::vector<std::string>*) const { return ""; }
  } const text;
  return std::visit(text, into);
}

option command_line_only(option entry) {
  entry.in_config_file = false;
  return entry;
}

option not_blank(option entry) {
  entry.may_be_blank = false;
  return entry;
}

option secret(option entry, std::function<std::string(const std::string& value)> shown) {
  entry.shown = std::move(shown);
  return entry;
}

std::vector<option> with_version(std::vector<option> options, bool& version) {
  options.push_back(command_line_only({"version", &version, "print version and exit"}));
  return options;
}

std::vector<option> sorted_options(const program& described) {
  static bool version = false;
  auto options = with_version(described.options, version);
  std::sort(options.begin(), options.end(), [](const option& a, const option& b) { return a.name < b.name; });
  return options;
}

std::string help_text(const program& described) {
  std::string text;
  for (const auto& block : described.blocks) {
    text += block.title + ":\n";
    for (const auto& line : block.lines) text += line.empty() ? "\n" : "  " + line + '\n';
    text += '\n';
  }
  const auto options = sorted_options(described);
  if (const auto lines = environment_lines(described, options); !lines.empty())
    text += "Env defaults:\n" + lines + '\n';
  text += "Flags:\n";
  for (const auto& entry : options) text += flag_help(described, entry);
  return text;
}

std::string reference_page(const program& described) {
  auto text = "# " + described.name + "\n\n" + described.summary + "\n";
  for (const auto& block : described.blocks) {
    text += "\n## " + block.title + "\n\n```text\n";
    for (const auto& line : block.lines) text += line + '\n';
    text += "```\n";
  }
  text += "\n## Flags\n\n| flag | value | environment | default | meaning |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& entry : sorted_options(described)) text += table_row(entry);
  if (described.config_file != nullptr) text += config_file_words;
  return text +
         "\nA flag wins over its environment variable. `-x` and `--x` are the same; values as `--x=value` or "
         "`--x value`; a boolean takes a value only with `=`. Reading stops at the first word that is not a flag.\n";
}

}  // namespace flowersec::apps
