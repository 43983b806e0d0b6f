// Tables of cases in testdata/ that C++ and TypeScript share.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace flowersec::testing {

/// `part` of testdata/<file>.
inline boost::json::value read_cases(const std::string& file, std::string_view part = "cases") {
  std::ifstream in{FLOWERSEC_SOURCE_DIR "/testdata/" + file};
  std::stringstream text;
  text << in.rdbuf();
  return boost::json::parse(text.str()).at(part);
}

/// `text` with each "@@" replaced as the case's `fill` says.
inline std::string filled(std::string_view text, const boost::json::object& row) {
  std::string out{text};
  const auto* fill = row.if_contains("fill");
  if (fill == nullptr) return out;
  std::string stuff;
  for (std::int64_t i = 0; i < fill->at("times").as_int64(); ++i) {
    stuff += std::string_view{fill->at("text").as_string()};
  }
  for (auto at = out.find("@@"); at != std::string::npos; at = out.find("@@", at + stuff.size())) {
    out.replace(at, 2, stuff);
  }
  return out;
}

/// The same for a value.
inline boost::json::value filled(const boost::json::value& value, const boost::json::object& row) {
  return boost::json::parse(filled(boost::json::serialize(value), row));
}

}  // namespace flowersec::testing
