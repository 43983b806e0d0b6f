#include "cli/values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <limits>

#include "flowersec/base/text.h"

namespace flowersec::apps {
namespace {

constexpr std::uint64_t min_magnitude = std::uint64_t{1} << 63;  // of the most negative 64-bit integer

bool take_sign(std::string_view& text) noexcept {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  return negative;
}

std::optional<std::int64_t> with_sign(std::uint64_t magnitude, bool negative) noexcept {
  if (magnitude > (negative ? min_magnitude : min_magnitude - 1)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::numeric_limits<int>::max();
}

std::optional<std::uint64_t> parse_magnitude(std::string_view digits, int base) noexcept {
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    const int digit = digit_value(c);
    if (digit >= base) return std::nullopt;
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
      return std::nullopt;
  }
  return value;
}

/// Cuts the base prefix off. A leading zero followed by more means octal and counts as a digit.
int take_base(std::string_view& text) noexcept {
  if (text.size() < 2 || text[0] != '0') return 10;
  const char mark = static_cast<char>(text[1] | 0x20);
  if (mark == 'x' || mark == 'o' || mark == 'b') {
    text.remove_prefix(2);
    return mark == 'x' ? 16 : mark == 'o' ? 8 : 2;
  }
  text.remove_prefix(1);
  return 8;
}

/// Removes underscores that stand between digits, where a base prefix counts as a digit; nullopt for any other.
std::optional<std::string> without_underscores(std::string_view digits, bool after_prefix) {
  std::string plain;
  bool digit_before = after_prefix;
  for (const char c : digits) {
    if (c != '_') {
      plain += c;
      digit_before = true;
    } else if (digit_before) {
      digit_before = false;
    } else {
      return std::nullopt;
    }
  }
  if (!digit_before || plain.empty()) return std::nullopt;
  return plain;
}

struct unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};
constexpr std::array<unit, 8> units{{{"ns", 1},
                                     {"us", 1'000},
                                     {"\u00b5s", 1'000},
                                     {"\u03bcs", 1'000},
                                     {"ms", 1'000'000},
                                     {"s", 1'000'000'000},
                                     {"m", 60'000'000'000},
                                     {"h", 3'600'000'000'000}}};

bool is_number_character(char c) noexcept { return c == '.' || (c >= '0' && c <= '9'); }

std::string_view take_while_number(std::string_view& text, bool number) noexcept {
  const auto end =
      std::find_if(text.begin(), text.end(), [number](char c) { return is_number_character(c) != number; });
  const auto taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

/// The part behind the point, in nanoseconds; digits past the resolution are cut off.
std::optional<std::uint64_t> fraction_of(std::string_view digits, std::uint64_t unit_nanoseconds) noexcept {
  long double value = 0;
  long double scale = static_cast<long double>(unit_nanoseconds);
  for (const char c : digits) {
    if (c == '.') return std::nullopt;
    scale /= 10;
    value += scale * (c - '0');
  }
  // 0.1 of a unit is not exact in binary; a thousandth of a nanosecond covers the error.
  return static_cast<std::uint64_t>(value + 0.001L);
}

std::optional<std::uint64_t> take_duration_part(std::string_view& text) noexcept {
  const auto number = take_while_number(text, true);
  const auto unit_name = take_while_number(text, false);
  const auto* found = std::find_if(units.begin(), units.end(), [&](const unit& u) { return u.name == unit_name; });
  if (number.empty() || number == "." || found == units.end()) return std::nullopt;
  const auto point = std::min(number.find('.'), number.size());
  const auto whole = point == 0 ? std::uint64_t{0} : parse_magnitude(number.substr(0, point), 10);
  const auto fraction =
      point == number.size() ? std::uint64_t{0} : fraction_of(number.substr(point + 1), found->nanoseconds);
  std::uint64_t sum = 0;
  if (!whole || !fraction || __builtin_mul_overflow(*whole, found->nanoseconds, &sum) ||
      __builtin_add_overflow(sum, *fraction, &sum)) {
    return std::nullopt;
  }
  return sum;
}

/// value / divisor with the fraction written out and its trailing zeros cut.
std::string decimal(std::uint64_t value, std::uint64_t divisor) {
  auto text = std::to_string(value / divisor);
  std::string fraction;
  for (std::uint64_t rest = value % divisor, scale = divisor / 10; rest != 0; rest %= scale, scale /= 10) {
    fraction += static_cast<char>('0' + rest / scale);
    if (scale == 1) break;
  }
  return fraction.empty() ? text : text + '.' + fraction;
}

}  // namespace

std::optional<bool> parse_bool_word(std::string_view text) noexcept {
  for (const auto word : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == word) return true;
  }
  for (const auto word : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

std::optional<std::int64_t> parse_flag_integer(std::string_view text) noexcept {
  const bool negative = take_sign(text);
  if (text == "0") return 0;
  const int base = take_base(text);
  const auto digits = without_underscores(text, base != 10);
  const auto magnitude = digits ? parse_magnitude(*digits, base) : std::nullopt;
  return magnitude ? with_sign(*magnitude, negative) : std::nullopt;
}

std::optional<std::int64_t> parse_decimal_integer(std::string_view text) noexcept {
  const bool negative = take_sign(text);
  const auto magnitude = parse_magnitude(text, 10);
  return magnitude ? with_sign(*magnitude, negative) : std::nullopt;
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) noexcept {
  const bool negative = take_sign(text);
  if (text == "0") return std::chrono::nanoseconds::zero();
  if (text.empty()) return std::nullopt;
  std::uint64_t sum = 0;
  while (!text.empty()) {
    const auto part = take_duration_part(text);
    if (!part || __builtin_add_overflow(sum, *part, &sum)) return std::nullopt;
  }
  const auto count = with_sign(sum, negative);
  return count ? std::optional{std::chrono::nanoseconds{*count}} : std::nullopt;
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const auto count = duration.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  const auto rest = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  if (rest < 1'000) return sign + decimal(rest, 1) + "ns";
  if (rest < 1'000'000) return sign + decimal(rest, 1'000) + "\u00b5s";
  if (rest < 1'000'000'000) return sign + decimal(rest, 1'000'000) + "ms";
  constexpr std::uint64_t minute = 60'000'000'000;
  std::string text = sign;
  if (rest >= 60 * minute) text += std::to_string(rest / (60 * minute)) + "h";
  if (rest >= minute) text += std::to_string(rest / minute % 60) + "m";
  return text + decimal(rest % minute, 1'000'000'000) + "s";
}

std::vector<std::string> split_comma_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (const auto item = trim(text.substr(0, comma)); !item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

bool is_loopback_host(std::string_view host) {
  if (host == "::1" || host == "[::1]" || ascii_iequals(host, "localhost")) return true;
  in_addr address{};
  return ::inet_pton(AF_INET, std::string{host}.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace flowersec::apps
