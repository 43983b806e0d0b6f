#include "cli/config_file.h"

#include <algorithm>
#include <map>
#include <optional>

#include "cli/help.h"
#include "cli/option_value.h"
#include "flowersec/base/display_text.h"
#include "flowersec/base/text.h"

namespace flowersec::apps {
namespace {

/// The lines of one file against one table.
class config_reader {
 public:
  config_reader(const std::vector<option>& options, const std::set<std::string, std::less<>>& given)
      : options_(options), given_(given) {}

  /// What is wrong with the line, if anything.
  std::optional<std::string> read(std::string_view line, std::size_t number) {
    line = trim(line);
    if (line.empty() || line.starts_with('#')) return std::nullopt;
    const auto equals = line.find('=');
    if (equals == line.npos) return "not of the form: name = value";
    const std::string name{trim(line.substr(0, equals))};
    const auto entry = std::ranges::find(options_, name, &option::name);
    if (entry == options_.end()) return "unknown name \"" + name + '"';
    if (!entry->in_config_file) return name + ": only on the command line";
    return read_value(*entry, trim(line.substr(equals + 1)), number);
  }

 private:
  std::optional<std::string> read_value(const option& entry, std::string_view value, std::size_t number) {
    if (value.empty()) return std::nullopt;
    const bool list = std::holds_alternative<std::vector<std::string>*>(entry.into);
    const auto [first, fresh] = lines_.emplace(entry.name, number);
    if (!fresh && !list) return entry.name + ": given before on line " + std::to_string(first->second);
    const bool good = given_.contains(entry.name) ? is_flag_value(entry.into, value) : set_from_flag(entry.into, value);
    return good ? std::nullopt : std::optional{entry.name + ": " + expected_value(entry.into)};
  }

  const std::vector<option>& options_;
  const std::set<std::string, std::less<>>& given_;
  std::map<std::string, std::size_t> lines_;  ///< where a name came first
};

/// The value with its control characters shown, so that none of them is taken for the end of a line or moves a cursor.
std::string one_line(std::string_view value) {
  std::string text;
  while (!value.empty()) {
    const auto first = static_cast<unsigned char>(value.front());
    const bool short_control = first < 0x20 || first == 0x7f;
    // U+0080 to U+009F are C2 80 to C2 9F.
    const bool long_control = first == 0xc2 && value.size() > 1 && static_cast<unsigned char>(value[1]) < 0xa0;
    const auto taken = value.substr(0, long_control ? 2 : 1);
    text += short_control || long_control ? display_text(taken) : std::string{taken};
    value.remove_prefix(taken.size());
  }
  return text;
}

}  // namespace

std::vector<std::string> apply_config(const std::vector<option>& options, const std::string& path,
                                      std::string_view text, const std::set<std::string, std::less<>>& given) {
  config_reader reader{options, given};
  std::vector<std::string> complaints;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto wrong = reader.read(text.substr(0, end), number)) {
      complaints.push_back(path + ':' + std::to_string(number) + ": " + *wrong);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return complaints;
}

std::string config_text(const program& described) {
  std::string text;
  for (const auto& entry : sorted_options(described)) {
    if (!entry.in_config_file) continue;
    const auto values = texts_of(entry.into);
    if (values.empty()) text += entry.name + " =\n";
    for (const auto& value : values) {
      text += entry.name + " = " + one_line(entry.shown ? entry.shown(value) : value) + '\n';
    }
  }
  return text;
}

}  // namespace flowersec::apps
