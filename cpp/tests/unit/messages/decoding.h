// What every strict decoder must do, as checks over a decoder and one valid text.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "flowersec/messages/decode_error.h"
#include "support/json_mutations.h"

namespace flowersec::messages {

/// Copies into an exact allocation first, so that the sanitizer sees a read past the end.
template <class Decode>
auto decode_exact(Decode decode, std::string_view text) {
  const std::vector<char> exact(text.begin(), text.end());
  return decode(std::string_view{exact.data(), exact.size()});
}

template <class Decode>
void expect_refuses_broken_texts(Decode decode, std::string_view valid) {
  for (const auto& broken : flowersec::testing::broken_texts(valid)) {
    const auto decoded = decode_exact(decode, broken.text);
    ASSERT_FALSE(decoded.has_value()) << broken.name << ": " << broken.text;
    EXPECT_EQ(decoded.error().code, messages_errc::not_an_object) << broken.name << ": " << broken.text;
  }
}

template <class Decode>
void expect_refuses_broken_members(Decode decode, std::string_view valid,
                                   const std::vector<std::string>& optional = {}) {
  for (const auto& broken : flowersec::testing::broken_members(valid, optional)) {
    const auto decoded = decode(broken.text);
    ASSERT_FALSE(decoded.has_value()) << broken.name << ": " << broken.text;
    EXPECT_EQ(decoded.error().code, messages_errc::bad_field) << broken.name << ": " << broken.text;
    EXPECT_EQ(decoded.error().field.substr(0, broken.field.size()), broken.field) << broken.text;
  }
}

/// White space, strangers and another order do not matter; the last of two equal keys counts.
template <class Decode>
void expect_accepts_harmless_variants(Decode decode, std::string_view valid) {
  const std::string text{valid};
  EXPECT_TRUE(decode(" \t\r\n" + text + " \n").has_value());
  EXPECT_TRUE(decode("{\"zz_unknown\":{\"deep\":[1,null,1.0]}," + text.substr(1)).has_value());
  const auto parsed = boost::json::parse(text);
  const auto& object = parsed.as_object();
  std::string reversed;
  for (const auto& member : object) {
    const auto entry =
        boost::json::serialize(boost::json::string{member.key()}) + " : " + boost::json::serialize(member.value());
    reversed = reversed.empty() ? entry : entry + " , " + reversed;
  }
  EXPECT_TRUE(decode("{ " + reversed + " }").has_value());
  for (const auto& member : object) {
    const auto name = boost::json::serialize(boost::json::string{member.key()});
    EXPECT_TRUE(decode("{" + name + ":[[]]," + text.substr(1)).has_value()) << "an earlier duplicate of " << name;
    EXPECT_FALSE(decode(text.substr(0, text.size() - 1) + "," + name + ":[[]]}").has_value())
        << "a later duplicate of " << name;
  }
}

}  // namespace flowersec::messages
