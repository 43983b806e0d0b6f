// The table of codec cases that C++ and TypeScript share, idl/testdata/codec_cases.json.
#pragma once

#include <boost/json/parse.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace flowersec::testing {

inline boost::json::value read_table(std::string_view part) {
  std::ifstream in{FLOWERSEC_SOURCE_DIR "/idl/testdata/codec_cases.json"};
  std::stringstream text;
  text << in.rdbuf();
  return boost::json::parse(text.str()).at(part);
}

/// Empty when the row does not say.
inline std::string text_of(const boost::json::object& row, std::string_view key) {
  const auto* found = row.if_contains(key);
  return found == nullptr ? std::string{} : std::string{found->as_string()};
}

}  // namespace flowersec::testing
