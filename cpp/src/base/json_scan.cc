#include "flowersec/base/json_scan.h"

#include <algorithm>
#include <bitset>
#include <charconv>

#include "flowersec/base/text.h"

namespace flowersec {
namespace {

/// The arrays and objects that are open, innermost last: a bit each, because the depth is the peer's choice.
class nesting {
 public:
  /// `max_depth` is at most json_scan_max_depth.
  explicit nesting(std::size_t max_depth) noexcept : max_depth_(max_depth) {}
  [[nodiscard]] bool empty() const noexcept { return depth_ == 0; }
  [[nodiscard]] bool in_object() const noexcept { return is_object_[depth_ - 1]; }
  [[nodiscard]] bool push(bool object) noexcept {
    if (depth_ == max_depth_) return false;
    is_object_[depth_++] = object;
    return true;
  }
  void pop() noexcept { --depth_; }

 private:
  std::size_t max_depth_;
  std::bitset<json_scan_max_depth> is_object_;
  std::size_t depth_ = 0;
};

/// Walks over RFC 8259 without recursion.
class scanner {
 public:
  explicit scanner(std::string_view text, std::size_t max_depth = json_scan_max_depth) noexcept
      : rest_(text), max_depth_(max_depth) {}

  [[nodiscard]] bool at_end() noexcept {
    skip_space();
    return rest_.empty();
  }

  [[nodiscard]] bool value() {
    skip_space();
    if (!rest_.starts_with('{') && !rest_.starts_with('[')) return scalar();
    nesting open{max_depth_};
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

  [[nodiscard]] bool array(const std::function<void(std::string_view)>& visit) {
    skip_space();
    if (!take('[')) return false;
    skip_space();
    if (take(']')) return true;
    do {
      skip_space();
      const auto start = rest_;
      if (!value()) return false;
      visit(consumed_since(start));
      skip_space();
    } while (take(','));
    return take(']');
  }

  /// Leaves rest() behind the closing quote.
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

  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

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
  std::size_t max_depth_;
};

char32_t code_unit(std::string_view four_digits) noexcept {
  std::uint32_t unit = 0;
  std::from_chars(four_digits.data(), four_digits.data() + 4, unit, 16);
  return unit;
}

void append_utf8(std::string& out, char32_t code) {
  const auto continuation = [code](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0 | (code >> 6)), continuation(0)};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0 | (code >> 12)), continuation(6), continuation(0)};
  } else {
    out += {static_cast<char>(0xf0 | (code >> 18)), continuation(12), continuation(6), continuation(0)};
  }
}

/// Resolves one escape at the front of `rest`, which the scanner has accepted, and takes it off.
void append_escape(std::string& out, std::string_view& rest) {
  const char kind = rest[1];
  rest.remove_prefix(2);
  if (kind != 'u') {
    constexpr std::string_view letters = "bfnrt";
    constexpr std::string_view meanings = "\b\f\n\r\t";
    const auto at = letters.find(kind);
    out += at == std::string_view::npos ? kind : meanings[at];
    return;
  }
  auto code = code_unit(rest);
  rest.remove_prefix(4);
  if (code >= 0xd800 && code <= 0xdbff) {
    code = 0x10000 + ((code - 0xd800) << 10) + (code_unit(rest.substr(2)) - 0xdc00);
    rest.remove_prefix(6);
  }
  append_utf8(out, code);
}

/// `rest` is what stood between the quotes. Reserved once, so that a secret leaves no pieces in freed memory.
std::string unescaped(std::string_view rest) {
  std::string out;
  out.reserve(rest.size());
  while (!rest.empty()) {
    const auto plain = std::min(rest.find('\\'), rest.size());
    out += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (!rest.empty()) append_escape(out, rest);
  }
  return out;
}

}  // namespace

bool is_valid_json(std::string_view text, std::size_t max_depth) noexcept {
  if (!is_valid_utf8(text)) return false;
  scanner scan{text, std::min(max_depth, json_scan_max_depth)};
  return scan.value() && scan.at_end();
}

bool scan_json_object(std::string_view text, const std::function<void(const json_member&)>& visit,
                      std::size_t max_depth) {
  if (!is_valid_utf8(text)) return false;
  scanner scan{text, std::min(max_depth, json_scan_max_depth)};
  return scan.object(visit) && scan.at_end();
}

bool scan_json_array(std::string_view text, const std::function<void(std::string_view)>& visit) {
  if (!is_valid_utf8(text)) return false;
  scanner scan{text};
  return scan.array(visit) && scan.at_end();
}

std::optional<std::string> decode_json_string(std::string_view raw_value) {
  scanner scan{raw_value};
  if (!is_valid_utf8(raw_value) || !scan.string() || !scan.rest().empty()) return std::nullopt;
  return unescaped(raw_value.substr(1, raw_value.size() - 2));
}

std::optional<std::int64_t> decode_json_signed(std::string_view raw_value, std::int64_t max) noexcept {
  const bool negative = raw_value.starts_with('-');
  const auto magnitude = decode_json_unsigned(raw_value.substr(negative ? 1 : 0), static_cast<std::uint64_t>(max));
  if (!magnitude) return std::nullopt;
  return negative ? -static_cast<std::int64_t>(*magnitude) : static_cast<std::int64_t>(*magnitude);
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
