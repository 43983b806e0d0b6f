// The values and refusals in testdata/, which the tests of both languages share.
// Test support. A file that is missing or not JSON throws: it is part of the tree.
#pragma once

#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "support/literals.h"

namespace flowersec::testing {

/// The file as JSON. `path` is relative to testdata/.
[[nodiscard]] inline boost::json::value testdata(const std::string& path) {
  std::ifstream file{FLOWERSEC_SOURCE_DIR "/testdata/" + path};
  if (!file) throw std::runtime_error("no testdata/" + path);
  return boost::json::parse(std::string{std::istreambuf_iterator<char>{file}, {}});
}

[[nodiscard]] inline std::string text_at(const boost::json::value& row, std::string_view name) {
  return std::string{row.at(boost::json::string_view{name.data(), name.size()}).as_string()};
}

/// The bytes of a member whose name ends in _hex.
[[nodiscard]] inline byte_buffer hex_at(const boost::json::value& row, std::string_view name) {
  return hex(text_at(row, name));
}

}  // namespace flowersec::testing
