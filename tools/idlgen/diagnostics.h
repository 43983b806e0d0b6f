// What is wrong with the files of a run, each with its place.
#pragma once

#include <string>
#include <vector>

namespace flowersec::idlgen {

/// Each as "path:line: element: rule". Collected, so that one run names everything that is wrong.
class diagnostics {
 public:
  void add(const std::string& path, int line, const std::string& element, const std::string& rule) {
    lines_.push_back(path + ":" + std::to_string(line) + ": " + element + ": " + rule);
  }
  void append(const diagnostics& others) { lines_.insert(lines_.end(), others.lines_.begin(), others.lines_.end()); }
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> lines_;
};

}  // namespace flowersec::idlgen
