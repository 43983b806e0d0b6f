// What the codecs of all domains share: one object in, fields off it, one verdict.
// Layer messages, private.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "flowersec/base/json.h"
#include "flowersec/messages/decode_error.h"
#include "flowersec/messages/sensitive_text.h"

namespace flowersec::messages {

template <class Enum>
[[nodiscard]] constexpr auto number_of(Enum value) noexcept {
  return static_cast<std::underlying_type_t<Enum>>(value);
}

/// Reads a number that must be one of the declared values; enums of the wire are closed sets.
template <class Enum>
void read_enum(json_object_reader& reader, std::string_view name, Enum& into, std::initializer_list<Enum> declared) {
  std::underlying_type_t<Enum> number{};
  reader.read(name, number);
  if (std::find(declared.begin(), declared.end(), static_cast<Enum>(number)) == declared.end())
    return reader.fail(name);
  into = static_cast<Enum>(number);
}

inline void read_sensitive(json_object_reader& reader, std::string_view name, sensitive_text& into) {
  std::string text;
  reader.read(name, text);
  into = sensitive_text{std::move(text)};
}

[[nodiscard]] inline decode_error bad_field(std::string_view message, std::string_view field) {
  return {messages_errc::bad_field, std::string{message}, std::string{field}};
}

/// Decodes one message: `read_fields(reader, message)` is the straight list of its fields.
template <class Message, class ReadFields>
[[nodiscard]] decoded<Message> decode_fields(std::string_view name, const boost::json::object& object,
                                             ReadFields read_fields) {
  json_object_reader reader{object};
  Message message;
  read_fields(reader, message);
  if (!reader.ok()) return bad_field(name, reader.bad_field());
  return message;
}

template <class Message, class ReadFields>
[[nodiscard]] decoded<Message> decode_object(std::string_view name, std::string_view text, ReadFields read_fields) {
  const auto object = parse_json_object(text, max_text_bytes);
  if (!object) return decode_error{messages_errc::not_an_object, std::string{name}, {}};
  return decode_fields<Message>(name, *object, read_fields);
}

}  // namespace flowersec::messages
