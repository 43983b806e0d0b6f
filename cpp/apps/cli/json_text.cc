#include "cli/json_text.h"

namespace flowersec::apps {

std::string indent_json(std::string_view compact) {
  std::string out;
  std::size_t depth = 0;
  bool in_string = false;
  const auto new_line = [&] { out += '\n' + std::string(2 * depth, ' '); };
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    const char next = i + 1 < compact.size() ? compact[i + 1] : '\0';
    if (in_string) {
      out += c;
      if (c == '\\') out += compact[++i];
      in_string = c != '"';
    } else if ((c == '{' || c == '[') && (next == '}' || next == ']')) {
      out += {c, next};
      ++i;
    } else if (c == '{' || c == '[') {
      out += c;
      ++depth;
      new_line();
    } else if (c == '}' || c == ']') {
      --depth;
      new_line();
      out += c;
    } else if (c == ',') {
      out += c;
      new_line();
    } else if (c == ':') {
      out += ": ";
    } else {
      out += c;
      in_string = c == '"';
    }
  }
  return out;
}

}  // namespace flowersec::apps
