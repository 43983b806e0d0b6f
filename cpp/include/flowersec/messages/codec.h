// What generated codecs are made of: fields off one JSON object, fields onto one, one verdict.
// Layer messages. Included by generated .cc files only; programs use the encode() and decode_...() of each message.
// Builds no tree: the text is validated once, then each field is read off its own piece of it, so that nothing of a
// secret stays behind in freed memory. Source: PROTOCOL, "JSON rules". Threads: none shared.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/messages/decode_error.h"
#include "flowersec/messages/sensitive_text.h"

namespace flowersec::messages {

/// Specialised for each message by generated code:
///   static constexpr std::string_view name;             // "Attach"
///   static constexpr std::array<std::string_view, n> keys;  // in declared order
///   static constexpr bool strict, indented, secret;
///   static constexpr bool carries_json;                 // holds raw JSON, itself or deeper
///   static void read(field_reader&, Message&);          // visits every key once, in order
///   static void write(field_writer&, const Message&);   // the same
///   static void clone(const Message& from, Message& to);  // of secret messages only
template <class Message>
struct codec;

template <class T>
concept encodable_message = requires {
  codec<T>::keys.size();
};

template <class T>
concept declared_enum = std::is_enum_v<T> && requires(T value) {
  { is_declared(value) } -> std::convertible_to<bool>;
};

template <class T>
concept wire_integer = std::integral<T> && !std::same_as<T, bool>;

/// Takes fields off the members of one object, in declared order, and remembers the first that failed.
class field_reader {
 public:
  /// `raw` has the text of the member for each key; empty when there is none.
  /// `depth` counts messages inside messages, 1 for the outermost. `nesting` is what a member's text may have.
  field_reader(std::string_view message, std::span<const std::string_view> keys, std::span<const std::string_view> raw,
               std::size_t depth, std::size_t nesting)
      : message_(message), keys_(keys), raw_(raw), depth_(depth), nesting_(nesting) {}

  /// The key must be there, and not null.
  template <class T>
  field_reader& required(T& into) {
    read(next(), into);
    return *this;
  }
  /// The key may be left out; null is an error.
  template <class T>
  field_reader& optional(std::optional<T>& into) {
    const auto raw = next();
    into.reset();
    if (!raw.empty()) read(raw, into.emplace());
    return *this;
  }
  /// The key may be left out, or null.
  template <class T>
  field_reader& nullable(std::optional<T>& into) {
    const auto raw = next();
    into.reset();
    if (!raw.empty() && raw != "null") read(raw, into.emplace());
    return *this;
  }
  /// Any JSON value, as text. The key must be there.
  template <class Text>
  field_reader& json(Text& into) {
    const auto raw = next();
    if (raw.empty()) fail();
    into = Text{raw};
    return *this;
  }
  template <class Text>
  field_reader& optional_json(std::optional<Text>& into) {
    const auto raw = next();
    into.reset();
    if (!raw.empty()) into.emplace(raw);
    return *this;
  }
  /// The same; a missing key counts as null.
  template <class Text>
  field_reader& json_or_null(Text& into) {
    const auto raw = next();
    into = raw.empty() ? Text{"null"} : Text{raw};
    return *this;
  }

  [[nodiscard]] std::optional<decode_error> take_failure() noexcept { return std::move(failure_); }

 private:
  std::string_view next() noexcept { return raw_[at_++]; }

  template <class T>
  void read(std::string_view raw, T& into) {
    if (!failure_ && !assign(raw, into) && !failure_) fail();
  }

  bool assign(std::string_view raw, std::string& into);
  bool assign(std::string_view raw, sensitive_text& into);
  bool assign(std::string_view raw, bool& into) noexcept;
  bool assign(std::string_view raw, std::map<std::string, std::string>& into);

  template <wire_integer Int>
  bool assign(std::string_view raw, Int& into) noexcept {
    // No minus before an unsigned number, not even before 0.
    std::optional<std::int64_t> number;
    if constexpr (std::is_signed_v<Int>) {
      number = decode_json_signed(raw, json_max_safe_integer);
    } else {
      number = decode_json_unsigned(raw, json_max_safe_integer);
    }
    if (!number || !std::in_range<Int>(*number)) return false;
    into = static_cast<Int>(*number);
    return true;
  }

  /// Enums of the wire are closed sets.
  template <declared_enum Enum>
  bool assign(std::string_view raw, Enum& into) noexcept {
    std::underlying_type_t<Enum> number{};
    if (!assign(raw, number) || !is_declared(static_cast<Enum>(number))) return false;
    into = static_cast<Enum>(number);
    return true;
  }

  template <class T>
  bool assign(std::string_view raw, std::vector<T>& into) {
    into.clear();
    return scan_json_array(raw, [this, &into](std::string_view element) {
      if (failure_) return;
      T value{};
      if (assign(element, value)) return into.push_back(std::move(value));
      if (!failure_) fail("[]");
      add_place(into.size());
    });
  }

  template <encodable_message Message>
  bool assign(std::string_view raw, Message& into);

  void fail(std::string_view suffix = {});
  /// Puts "key[index]" before the place of the failure.
  void add_place(std::size_t index);

  std::string_view message_;
  std::span<const std::string_view> keys_;
  std::span<const std::string_view> raw_;
  std::size_t depth_;
  std::size_t nesting_;
  std::size_t at_ = 0;
  std::optional<decode_error> failure_;
};

/// What decode() needs to know of a message to find its members.
struct message_shape {
  std::string_view name;
  std::span<const std::string_view> keys;
  bool strict = false;
  /// Nesting inside a member.
  std::size_t max_depth = json_max_depth - 1;
};

/// Validates `text` as one object and gives each key the text of its member; the last of two equal keys counts.
/// `raw` has one empty view per key.
/// Errors   not_an_object; bad_field for an unknown key of a strict message: of several, the first by code points,
///          because readers in other languages do not see their order.
[[nodiscard]] std::optional<decode_error> find_members(const message_shape& shape, std::string_view text,
                                                       std::span<std::string_view> raw);

template <encodable_message Message>
[[nodiscard]] std::optional<decode_error> read_message(std::string_view text, Message& into, std::size_t depth,
                                                       std::size_t nesting) {
  using traits = codec<Message>;
  std::array<std::string_view, traits::keys.size()> raw{};
  const message_shape shape{.name = traits::name, .keys = traits::keys, .strict = traits::strict, .max_depth = nesting};
  if (auto bad = find_members(shape, text, raw)) return bad;
  field_reader in{traits::name, traits::keys, raw, depth, nesting};
  traits::read(in, into);
  return in.take_failure();
}

template <encodable_message Message>
bool field_reader::assign(std::string_view raw, Message& into) {
  // An array or a number where a message belongs is an error of this field, not of the message.
  // A message that holds itself is read again for each level, so the levels are bounded.
  if (!raw.starts_with('{') || depth_ == json_max_depth) return false;
  // What the outermost message allows holds for the whole text.
  failure_ = read_message(raw, into, depth_ + 1, nesting_);
  return !failure_;
}

template <encodable_message Message>
[[nodiscard]] decoded<Message> decode_message(std::string_view text) {
  if (text.size() > max_text_bytes) {
    return decode_error{messages_errc::not_an_object, std::string{codec<Message>::name}, {}};
  }
  Message message{};
  // Only raw JSON may go deeper than the protocol's own messages do.
  constexpr auto nesting = codec<Message>::carries_json ? json_scan_max_depth : json_max_depth - 1;
  if (auto bad = read_message(text, message, 1, nesting)) return std::move(*bad);
  return message;
}

/// The text being written, and what was wrong with the values so far.
class text_writer {
 public:
  struct style {
    bool indented = false;
    bool secret = false;   ///< memory that the text outgrows is wiped
    bool checked = false;  ///< values that a reader would refuse are noticed
  };
  explicit text_writer(style how) noexcept : style_(how) {}

  void open(char bracket);
  void close(char bracket);
  /// Before each member or element.
  void begin_item();
  void key(std::string_view name);
  /// JSON as it is.
  void verbatim(std::string_view json);
  void string(std::string_view text);

  [[nodiscard]] bool checked() const noexcept { return style_.checked; }
  /// Nesting so far, that of raw JSON left out.
  [[nodiscard]] std::size_t deepest() const noexcept { return deepest_; }
  /// How deep a value may be nested here for a reader to take the whole text.
  [[nodiscard]] std::size_t room_below() const noexcept {
    return json_scan_max_depth - std::min(json_scan_max_depth, depth_ - 1);
  }
  [[nodiscard]] std::string take() noexcept { return std::move(out_); }

 private:
  void reserve_more(std::size_t bytes);
  void new_line();

  style style_;
  std::string out_;
  std::size_t depth_ = 0;
  std::size_t deepest_ = 0;
  bool empty_ = true;  // nothing since the last open()
};

/// Puts the fields of one message onto an object, in declared order.
class field_writer {
 public:
  /// `depth` counts messages inside messages, 1 for the outermost.
  field_writer(text_writer& out, std::string_view message, std::span<const std::string_view> keys,
               std::size_t depth) noexcept
      : out_(out), message_(message), keys_(keys), depth_(depth) {}

  template <class T>
  field_writer& field(const T& value) {
    const auto key = keys_[at_++];
    out_.begin_item();
    out_.key(key);
    if (!put(value) && !failure_) fail(key);
    return *this;
  }
  /// Left out when absent.
  template <class T>
  field_writer& field(const std::optional<T>& value) {
    if (value) return field(*value);
    ++at_;
    return *this;
  }
  /// Left out when absent or empty.
  template <class T>
  field_writer& unless_empty(const std::optional<T>& value) {
    if (value && !value->empty()) return field(*value);
    ++at_;
    return *this;
  }
  /// One JSON value as text; empty counts as null.
  field_writer& json(std::string_view value);
  template <class Text>
  field_writer& json(const std::optional<Text>& value) {
    if (value) return json(std::string_view{*value});
    ++at_;
    return *this;
  }

  [[nodiscard]] std::optional<decode_error> take_failure() noexcept { return std::move(failure_); }

 private:
  bool put(std::string_view text);
  bool put(const std::string& text) { return put(std::string_view{text}); }
  bool put(const sensitive_text& text) { return put(text.view()); }
  bool put(bool value);
  bool put(const std::map<std::string, std::string>& values);
  bool put_integer(std::int64_t value);
  bool put_integer(std::uint64_t value);

  template <wire_integer Int>
  bool put(Int value) {
    if constexpr (std::is_signed_v<Int>) {
      return put_integer(std::int64_t{value});
    } else {
      return put_integer(std::uint64_t{value});
    }
  }
  template <declared_enum Enum>
  bool put(Enum value) {
    put(static_cast<std::underlying_type_t<Enum>>(value));
    return is_declared(value);
  }
  template <class T>
  bool put(const std::vector<T>& values) {
    out_.open('[');
    bool good = true;
    for (const auto& value : values) {
      out_.begin_item();
      good = put(value) && good;
    }
    out_.close(']');
    if (!good && !failure_) fail(std::string{keys_[at_ - 1]} + "[]");
    return good;
  }
  template <encodable_message Message>
  bool put(const Message& message);

  void fail(std::string_view field) {
    failure_ = decode_error{messages_errc::bad_field, std::string{message_}, std::string{field}};
  }

  text_writer& out_;
  std::string_view message_;
  std::span<const std::string_view> keys_;
  std::size_t depth_;
  std::size_t at_ = 0;
  std::optional<decode_error> failure_;
};

template <encodable_message Message>
[[nodiscard]] std::optional<decode_error> write_message(text_writer& out, const Message& message, std::size_t depth) {
  field_writer fields{out, codec<Message>::name, codec<Message>::keys, depth};
  out.open('{');
  codec<Message>::write(fields, message);
  out.close('}');
  return fields.take_failure();
}

template <encodable_message Message>
bool field_writer::put(const Message& message) {
  // As deep as a reader goes.
  if (out_.checked() && depth_ == json_max_depth) return false;
  auto bad = write_message(out_, message, depth_ + 1);
  if (!bad) return true;
  if (!failure_) failure_ = std::move(bad);
  return false;
}

template <encodable_message Message>
[[nodiscard]] std::string encode_message(const Message& message) {
  text_writer out{{.indented = codec<Message>::indented, .secret = codec<Message>::secret, .checked = false}};
  static_cast<void>(write_message(out, message, 1));
  return out.take();
}

template <encodable_message Message>
[[nodiscard]] decoded<std::string> try_encode_message(const Message& message) {
  text_writer out{{.indented = codec<Message>::indented, .secret = codec<Message>::secret, .checked = true}};
  if (auto bad = write_message(out, message, 1)) return std::move(*bad);
  if (!codec<Message>::carries_json && out.deepest() > json_max_depth) {
    return decode_error{messages_errc::not_an_object, std::string{codec<Message>::name}, {}};
  }
  return out.take();
}

/// A second owner of a message with secrets.
template <encodable_message Message>
[[nodiscard]] Message clone_message(const Message& from) {
  Message to;
  codec<Message>::clone(from, to);
  return to;
}

inline void clone_value(const sensitive_text& from, sensitive_text& to) { to = from.clone(); }

template <encodable_message Message>
void clone_value(const Message& from, Message& to) {
  codec<Message>::clone(from, to);
}

template <class T>
void clone_value(const std::vector<T>& from, std::vector<T>& to) {
  to.clear();
  for (const auto& each : from) clone_value(each, to.emplace_back());
}

template <class T>
void clone_value(const std::optional<T>& from, std::optional<T>& to) {
  to.reset();
  if (from) clone_value(*from, to.emplace());
}

}  // namespace flowersec::messages
