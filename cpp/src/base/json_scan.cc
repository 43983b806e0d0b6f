#include "flowersec/base/json_scan.h"

#include <algorithm>
#include <bitset>
#include <boost/json/parser.hpp>

#include "flowersec/base/text.h"
#include "flowersec/base/wiping_resource.h"

namespace flowersec {
namespace {

/// The arrays and objects that are open, innermost last: a bit each, because the depth is the peer's choice.
class nesting {
 public:
  [[nodiscard]] bool empty() const noexcept { return depth_ == 0; }
  [[nodiscard]] bool in_object() const noexcept { return is_object_[depth_ - 1]; }
  [[nodiscard]] bool push(bool object) noexcept {
    if (depth_ == json_scan_max_depth) return false;
    is_object_[depth_++] = object;
    return true;
  }
  void pop() noexcept { --depth_; }

 private:
  std::bitset<json_scan_max_depth> is_object_;
  std::size_t depth_ = 0;
};

/// Walks over RFC 8259 without recursion.
class scanner {
 public:
  explicit scanner(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool at_end() noexcept {
    skip_space();
    return rest_.empty();
  }

  [[nodiscard]] bool value() {
    nesting open;
    do {
      if (!begin_value(open) || !after_value(open)) return false;
    } while (!open.empty());
    return true;
  }

  [[nodiscard]] bool object(const std::function<void(const json_member&)>& visit) {
    skip_space();
    if (!take('{')) return false;
    skip_space();
    if (take('}')) return true;
    do {
      skip_space();
      const auto name = rest_;
      if (!string()) return false;
      const auto raw_name = consumed_since(name);
      if (!colon()) return false;
      skip_space();
      const auto start = rest_;
      if (!value()) return false;
      visit({raw_name.substr(1, raw_name.size() - 2), consumed_since(start)});
      skip_space();
    } while (take(','));
    return take('}');
  }

 private:
  /// Up to and including the first value that is a scalar or empty.
  [[nodiscard]] bool begin_value(nesting& open) {
    for (;;) {
      skip_space();
      const bool object = take('{');
      if (!object && !take('[')) return scalar();
      if (!open.push(object)) return false;
      skip_space();
      if (take(object ? '}' : ']')) {
        open.pop();
        return true;
      }
      if (object && !member_name()) return false;
    }
  }

  /// Closes what ends behind a value, up to the comma that announces the next one.
  [[nodiscard]] bool after_value(nesting& open) {
    while (!open.empty()) {
      skip_space();
      if (take(',')) return !open.in_object() || member_name();
      if (!take(open.in_object() ? '}' : ']')) return false;
      open.pop();
    }
    return true;
  }

  [[nodiscard]] bool member_name() {
    skip_space();
    return string() && colon();
  }

  [[nodiscard]] bool colon() {
    skip_space();
    return take(':');
  }

  [[nodiscard]] bool scalar() {
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '"':
        return string();
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        return number();
    }
  }

  [[nodiscard]] bool string() {
    if (!take('"')) return false;
    bool after_high_surrogate = false;
    while (!rest_.empty()) {
      const char character = rest_.front();
      rest_.remove_prefix(1);
      if (character == '"') return !after_high_surrogate;
      if (static_cast<unsigned char>(character) < 0x20) return false;
      if (character != '\\') {
        if (after_high_surrogate) return false;
      } else if (!escape(after_high_surrogate)) {
        return false;
      }
    }
    return false;
  }

  /// What follows a backslash. An escaped high surrogate must be followed by an escaped low one, and only by that:
  /// a lone half is no Unicode text and cannot be written as UTF-8.
  [[nodiscard]] bool escape(bool& after_high_surrogate) {
    if (rest_.empty()) return false;
    const char kind = rest_.front();
    rest_.remove_prefix(1);
    if (kind != 'u')
      return !after_high_surrogate && std::string_view{"\"\\/bfnrt"}.find(kind) != std::string_view::npos;
    unsigned unit = 0;
    for (int i = 0; i < 4; ++i) {
      if (rest_.empty()) return false;
      const auto digit = hex_digit(rest_.front());
      if (digit < 0) return false;
      unit = unit * 16 + static_cast<unsigned>(digit);
      rest_.remove_prefix(1);
    }
    const bool low = unit >= 0xdc00 && unit <= 0xdfff;
    if (low != after_high_surrogate) return false;
    after_high_surrogate = unit >= 0xd800 && unit <= 0xdbff;
    return true;
  }

  [[nodiscard]] static int hex_digit(char character) noexcept {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
  }

  [[nodiscard]] bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  bool digits() {
    const auto before = rest_.size();
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') rest_.remove_prefix(1);
    return rest_.size() != before;
  }

  [[nodiscard]] bool literal(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  bool take(char character) {
    if (rest_.empty() || rest_.front() != character) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip_space() noexcept {
    while (!rest_.empty() && std::string_view{" \t\n\r"}.find(rest_.front()) != std::string_view::npos) {
      rest_.remove_prefix(1);
    }
  }

  [[nodiscard]] std::string_view consumed_since(std::string_view start) const noexcept {
    return start.substr(0, start.size() - rest_.size());
  }

  std::string_view rest_;
};

}  // namespace

bool is_valid_json(std::string_view text) noexcept {
  if (!is_valid_utf8(text)) return false;
  scanner scan{text};
  return scan.value() && scan.at_end();
}

bool scan_json_object(std::string_view text, const std::function<void(const json_member&)>& visit) {
  if (!is_valid_utf8(text)) return false;
  scanner scan{text};
  return scan.object(visit) && scan.at_end();
}

std::optional<std::string> decode_json_string(std::string_view raw_value) {
  boost::json::parser parser{wiping_storage()};
  parser.reset(wiping_storage());
  boost::json::error_code failure;
  parser.write({raw_value.data(), raw_value.size()}, failure);
  if (failure) return std::nullopt;
  const auto value = parser.release();
  return value.is_string() ? std::optional{std::string(value.get_string())} : std::nullopt;
}

std::optional<std::uint64_t> decode_json_unsigned(std::string_view raw_value, std::uint64_t max) noexcept {
  if (raw_value.empty() || (raw_value.size() > 1 && raw_value.front() == '0')) return std::nullopt;
  std::uint64_t number = 0;
  for (const char character : raw_value) {
    if (character < '0' || character > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(character - '0');
    if (number > (max - std::min(max, digit)) / 10) return std::nullopt;
    number = number * 10 + digit;
  }
  return number <= max ? std::optional{number} : std::nullopt;
}

}  // namespace flowersec
