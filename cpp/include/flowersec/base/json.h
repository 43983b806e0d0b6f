// Strict reading and compact writing of the protocol's JSON objects.
// Layer base, on Boost.JSON. Source: PROTOCOL, "JSON rules".
//
// Reader: exactly one object, white space around it allowed, nothing behind it; unknown keys ignored; names
// match by exact bytes; a duplicate key takes its last value; integers are plain digits within the field's
// width (1.0, 1e0 and "1" are not integers); null counts as absent; invalid UTF-8 is refused; nesting at most
// json_max_depth. Writer: no white space, keys in the order of the calls, optional keys left out when absent.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "flowersec/base/bytes.h"

namespace flowersec {

/// Nesting that the reader follows; one more is refused. A hostile text can make the parser hold this many frames.
/// Payloads, which are passed on unparsed, have json_scan_max_depth.
inline constexpr std::size_t json_max_depth = 32;

/// Largest magnitude of a 64-bit integer in JSON: 2^53 - 1.
inline constexpr std::int64_t json_max_safe_integer = 9007199254740991;

/// Parses one object. `max_bytes` is checked before parsing.
[[nodiscard]] std::optional<boost::json::object> parse_json_object(std::string_view text, std::size_t max_bytes);

/// Reads members one after the other and remembers the first that failed, so that a codec is a straight
/// list of fields followed by one check.
class json_object_reader {
 public:
  explicit json_object_reader(const boost::json::object& object) noexcept : object_(object) {}

  /// Required members. A missing, null or wrongly typed one marks the reader failed.
  void read(std::string_view name, std::string& into);
  void read(std::string_view name, bool& into);
  template <std::integral Int>
  void read(std::string_view name, Int& into) {
    if (const auto* member = find_required(name)) assign(name, *member, into);
  }

  /// Optional members: absent and null leave `into` empty.
  template <class T>
  void read(std::string_view name, std::optional<T>& into) {
    into.reset();
    const auto* member = find(name);
    if (member == nullptr) return;
    T value{};
    assign(name, *member, value);
    if (ok()) into = std::move(value);
  }

  /// The raw member, or nullptr when absent or null.
  [[nodiscard]] const boost::json::value* find(std::string_view name) const noexcept;
  /// The same, marking the reader failed when there is none.
  [[nodiscard]] const boost::json::value* find_required(std::string_view name);

  void fail(std::string_view name) {
    if (bad_field_.empty()) bad_field_ = name;
    failed_ = true;
  }
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  /// Name of the first member that failed.
  [[nodiscard]] const std::string& bad_field() const noexcept { return bad_field_; }

 private:
  void assign(std::string_view name, const boost::json::value& member, std::string& into);
  void assign(std::string_view name, const boost::json::value& member, bool& into);
  [[nodiscard]] static std::optional<std::int64_t> safe_integer(const boost::json::value& member) noexcept;

  template <std::integral Int>
  void assign(std::string_view name, const boost::json::value& member, Int& into) {
    const auto number = safe_integer(member);
    if (!number || !std::in_range<Int>(*number)) return fail(name);
    into = static_cast<Int>(*number);
  }

  const boost::json::object& object_;
  std::string bad_field_;
  bool failed_ = false;
};

/// Appends `text` as a JSON string with its quotes. The text must be valid UTF-8.
void append_json_string(std::string& out, std::string_view text);

/// Writes one object in call order: json_object_writer{out}.field("a", 1).field("b", "x").end().
class json_object_writer {
 public:
  explicit json_object_writer(std::string& out) : out_(out) { out_ += '{'; }

  json_object_writer& field(std::string_view name, std::string_view text) {
    begin(name);
    append_json_string(out_, text);
    return *this;
  }
  json_object_writer& field(std::string_view name, const char* text) { return field(name, std::string_view{text}); }
  json_object_writer& field(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  template <std::integral Int>
  json_object_writer& field(std::string_view name, Int value) {
    return raw(name, std::to_string(value));
  }
  template <class T>
  json_object_writer& field(std::string_view name, const std::optional<T>& value) {
    return value ? field(name, *value) : *this;
  }
  /// `json` is already a JSON value.
  json_object_writer& raw(std::string_view name, std::string_view json) {
    begin(name);
    out_ += json;
    return *this;
  }
  void end() { out_ += '}'; }

 private:
  void begin(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    append_json_string(out_, name);
    out_ += ':';
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace flowersec
