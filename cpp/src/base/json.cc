#include "flowersec/base/json.h"

#include <algorithm>
#include <boost/json/parser.hpp>
#include <boost/json/string.hpp>

#include "flowersec/base/wiping_resource.h"

namespace flowersec {
namespace {

boost::json::value parse(std::string_view text, boost::json::error_code& failure) {
  boost::json::parse_options options;
  options.max_depth = json_max_depth;
  // Both the scratch of the parser and the values it makes.
  boost::json::parser parser{wiping_storage(), options};
  parser.reset(wiping_storage());
  parser.write({text.data(), text.size()}, failure);
  return failure ? boost::json::value{} : parser.release();
}

/// The text with every exponent of more than nine digits, zeros in front not counted, made 999999999: the number is as
/// infinite, or as near to zero, as it was, and its value nobody reads or writes.
boost::json::string with_short_exponents(std::string_view text) {
  constexpr std::ptrdiff_t most_digits = 9;
  const auto is_digit = [](char character) { return character >= '0' && character <= '9'; };
  boost::json::string mended(text.data(), text.size(), wiping_storage());
  bool in_string = false;
  for (auto at = mended.begin(); at != mended.end(); ++at) {
    if (in_string && *at == '\\' && at + 1 != mended.end()) {
      ++at;
    } else if (*at == '"') {
      in_string = !in_string;
    } else if (!in_string && (*at == 'e' || *at == 'E')) {
      // A sign at most is between: no search, as `true` has an e too and a text may be full of it.
      auto first = at + 1;
      if (first != mended.end() && (*first == '+' || *first == '-')) ++first;
      const auto last = std::find_if_not(first, mended.end(), is_digit);
      first = std::find_if(first, last, [](char digit) { return digit != '0'; });
      if (last - first <= most_digits) continue;
      std::fill(first, last - most_digits, '0');
      std::fill(last - most_digits, last, '9');
    }
  }
  return mended;
}

}  // namespace

std::optional<boost::json::object> parse_json_object(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) return std::nullopt;
  boost::json::error_code failure;
  auto value = parse(text, failure);
  // Of a number in a key that nobody knows; RFC 8259 has no limit, and JSON.parse of the other language none.
  if (failure == boost::json::error::exponent_overflow) {
    failure = {};
    value = parse(with_short_exponents(text), failure);
  }
  if (failure || !value.is_object()) return std::nullopt;
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
