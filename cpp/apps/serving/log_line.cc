// How a line of the log reads. See log.h.
#include <algorithm>
#include <array>

#include "flowersec/base/json.h"
#include "flowersec/base/text.h"
#include "serving/log.h"

namespace flowersec::apps {
namespace {

template <class Word>
using word_list = std::array<std::pair<std::string_view, Word>, 4>;

constexpr word_list<log_level> levels{{{"error", log_level::error},
                                       {"warning", log_level::warning},
                                       {"info", log_level::info},
                                       {"debug", log_level::debug}}};

std::string harmless(std::string_view text) {
  constexpr char first_printable = 0x20;
  constexpr char delete_character = 0x7f;
  std::string out{text};
  const bool utf8 = is_valid_utf8(text);
  for (char& c : out) {
    const bool ascii = (static_cast<unsigned char>(c) & 0x80) == 0;
    if (ascii ? (c < first_printable || c == delete_character) : !utf8) c = '?';
  }
  return out;
}

std::string quoted_if_needed(std::string text) {
  if (!text.empty() && text.find_first_of(" \"=") == std::string::npos) return text;
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

std::string stranger_text(std::string_view chosen) {
  constexpr std::size_t most = 256;
  std::string shown{chosen.substr(0, most)};
  if (chosen.size() > most) shown += "...";
  return shown;
}

std::optional<log_format> parse_log_format(std::string_view word) noexcept {
  if (word == "text") return log_format::text;
  if (word == "json") return log_format::json;
  return std::nullopt;
}

std::optional<log_level> parse_log_level(std::string_view word) noexcept {
  const auto* const found = std::ranges::find(levels, word, &word_list<log_level>::value_type::first);
  return found == levels.end() ? std::nullopt : std::optional{found->second};
}

std::string log_text(log_level level, std::string_view message, const log_fields& fields) {
  std::string text;
  // Scripts look for the exact text of news and of failures; a failure says itself that it is one.
  if (level == log_level::warning || level == log_level::debug) {
    text += std::ranges::find(levels, level, &word_list<log_level>::value_type::second)->first;
    text += ": ";
  }
  text += harmless(message);
  for (const auto& [name, value] : fields) {
    text += ' ';
    text += name;
    text += '=' + quoted_if_needed(harmless(value));
  }
  return text;
}

std::string log_members(std::string_view message, const log_fields& fields) {
  std::string object;
  json_object_writer line{object};
  line.field("message", harmless(message));
  for (const auto& [name, value] : fields) line.field(name, harmless(value));
  return object.substr(1);
}

}  // namespace flowersec::apps
