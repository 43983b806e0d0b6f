#include "flowersec/base/json.h"

#include <boost/json/parser.hpp>

#include "flowersec/base/wiping_resource.h"

namespace flowersec {

std::optional<boost::json::object> parse_json_object(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) return std::nullopt;
  boost::json::parse_options options;
  options.max_depth = json_max_depth;
  // Both the scratch of the parser and the values it makes.
  boost::json::parser parser{wiping_storage(), options};
  parser.reset(wiping_storage());
  boost::json::error_code failure;
  parser.write({text.data(), text.size()}, failure);
  if (failure) return std::nullopt;
  auto value = parser.release();
  if (!value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

const boost::json::value* json_object_reader::find(std::string_view name) const noexcept {
  const auto* member = object_.if_contains({name.data(), name.size()});
  return member == nullptr || member->is_null() ? nullptr : member;
}

const boost::json::value* json_object_reader::find_required(std::string_view name) {
  const auto* member = find(name);
  if (member == nullptr) fail(name);
  return member;
}

void json_object_reader::read(std::string_view name, std::string& into) {
  if (const auto* member = find_required(name)) assign(name, *member, into);
}

void json_object_reader::read(std::string_view name, bool& into) {
  if (const auto* member = find_required(name)) assign(name, *member, into);
}

void json_object_reader::assign(std::string_view name, const boost::json::value& member, std::string& into) {
  const auto* text = member.if_string();
  if (text == nullptr) return fail(name);
  into.assign(text->data(), text->size());
}

void json_object_reader::assign(std::string_view name, const boost::json::value& member, bool& into) {
  const auto* flag = member.if_bool();
  if (flag == nullptr) return fail(name);
  into = *flag;
}

std::optional<std::int64_t> json_object_reader::safe_integer(const boost::json::value& member) noexcept {
  // The parser yields uint64 only above INT64_MAX, which is past the safe range anyway.
  const auto* number = member.if_int64();
  if (number == nullptr || *number > json_max_safe_integer || *number < -json_max_safe_integer) return std::nullopt;
  return *number;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char character : text) {
    const auto code = static_cast<unsigned char>(character);
    switch (character) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (code < 0x20) {
          out += "\\u00";
          out += hex[code >> 4];
          out += hex[code & 0xf];
        } else {
          out += character;
        }
    }
  }
  out += '"';
}

}  // namespace flowersec
