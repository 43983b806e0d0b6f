// Damages a valid JSON message in every systematic way, for tests of strict decoders.
#pragma once

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::testing {

struct mutation {
  std::string name;   ///< what was done, for failure messages
  std::string field;  ///< the top-level member it was done to; empty for the text as a whole
  std::string text;
};

inline std::string with_member(std::string_view text, std::string_view name, boost::json::value value) {
  auto object = boost::json::parse(std::string{text}).as_object();
  object[std::string{name}] = std::move(value);
  return boost::json::serialize(object);
}

inline std::string with_text(std::string_view text, std::string_view name, std::string_view value) {
  return with_member(text, name, boost::json::string{value});
}

/// `raw` is put in verbatim, for values that a JSON library would not print (1.0, 1e0).
inline std::string with_raw_member(std::string_view text, std::string_view name, std::string_view raw) {
  constexpr std::string_view mark = "\"@@raw@@\"";
  auto changed = with_member(text, name, "@@raw@@");
  return changed.replace(changed.find(mark), mark.size(), raw);
}

inline std::string without_member(std::string_view text, std::string_view name) {
  auto object = boost::json::parse(std::string{text}).as_object();
  object.stable_erase(object.find(std::string{name}));
  return boost::json::serialize(object);
}

/// Each member in turn left out, null, or of a type or notation it cannot have. `optional` members are only given
/// wrong types.
inline std::vector<mutation> broken_members(std::string_view text, const std::vector<std::string>& optional = {}) {
  std::vector<mutation> all;
  const auto valid = boost::json::parse(std::string{text});
  for (const auto& member : valid.as_object()) {
    const std::string name{member.key()};
    const bool is_optional = std::find(optional.begin(), optional.end(), name) != optional.end();
    if (!is_optional) {
      all.push_back({name + " left out", name, without_member(text, name)});
      all.push_back({name + " null", name, with_member(text, name, nullptr)});
    }
    const auto put = [&](std::string_view raw) {
      all.push_back({name + " = " + std::string{raw}, name, with_raw_member(text, name, raw)});
    };
    put("3.5");
    put("[[]]");
    if (!member.value().is_bool()) put("true");
    if (!member.value().is_string()) put("\"1\"");
    if (!member.value().is_object()) put("{}");
    if (member.value().is_number()) {
      for (const auto* raw : {"1.0", "1e0", "10e-1", "-1.0", "18446744073709551616", "9007199254740992"}) put(raw);
    } else {
      put("1");
    }
  }
  return all;
}

/// The text cut after each byte but the last, and with something behind or around it.
inline std::vector<mutation> broken_texts(std::string_view text) {
  std::vector<mutation> all;
  for (std::size_t size = 0; size < text.size(); ++size) {
    all.push_back({"cut after " + std::to_string(size), {}, std::string{text.substr(0, size)}});
  }
  const std::string whole{text};
  all.push_back({"trailing brace", {}, whole + "}"});
  all.push_back({"trailing letter", {}, whole + "x"});
  all.push_back({"trailing zero byte", {}, whole + std::string(1, '\0')});
  all.push_back({"two objects", {}, whole + whole});
  all.push_back({"in an array", {}, "[" + whole + "]"});
  all.push_back({"byte order mark", {}, "\xEF\xBB\xBF" + whole});
  all.push_back({"null", {}, "null"});
  all.push_back({"string", {}, "\"{}\""});
  all.push_back({"invalid UTF-8 in an unknown key", {}, "{\"\xFF\":1," + whole.substr(1)});
  all.push_back({"overlong UTF-8 in an unknown value", {}, "{\"zz\":\"\xC0\xAF\"," + whole.substr(1)});
  all.push_back({"lone surrogate in an unknown value", {}, "{\"zz\":\"\\ud800\"," + whole.substr(1)});
  return all;
}

}  // namespace flowersec::testing
