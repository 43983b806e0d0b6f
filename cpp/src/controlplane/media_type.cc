#include "controlplane/media_type.h"

#include <algorithm>
#include <set>
#include <string>

#include "flowersec/base/text.h"
#include "flowersec/http/message.h"

namespace flowersec::controlplane {
namespace {

void skip_space(std::string_view& rest) noexcept {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
}

bool take(std::string_view& rest, char expected) noexcept {
  skip_space(rest);
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(1);
  skip_space(rest);
  return true;
}

/// The longest token at the front; empty when there is none.
std::string_view take_token(std::string_view& rest) noexcept {
  std::size_t size = 0;
  while (size < rest.size() && http::is_token(rest.substr(size, 1))) ++size;
  const auto token = rest.substr(0, size);
  rest.remove_prefix(size);
  return token;
}

bool take_quoted(std::string_view& rest) noexcept {
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool take_value(std::string_view& rest) noexcept {
  return rest.starts_with('"') ? take_quoted(rest) : !take_token(rest).empty();
}

}  // namespace

bool is_json_media_type(std::string_view value) {
  auto rest = value.substr(std::min(value.find(';'), value.size()));
  if (!ascii_iequals(trim(value.substr(0, value.size() - rest.size())), "application/json")) return false;
  std::set<std::string> names;
  while (take(rest, ';') && !rest.empty()) {
    const auto name = take_token(rest);
    if (name.empty() || !names.insert(ascii_lower(name)).second || !take(rest, '=') || !take_value(rest)) return false;
  }
  return rest.empty();
}

}  // namespace flowersec::controlplane
