// From a descriptor to the model, with every rule of the IDL checked on the way.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "model.h"

namespace flowersec::idlgen {

/// Each as "path:line: element: rule". Collected, so that one run names everything that is wrong.
class diagnostics {
 public:
  void add(const std::string& path, int line, const std::string& element, const std::string& rule);
  void append(const diagnostics& others) { lines_.insert(lines_.end(), others.lines_.begin(), others.lines_.end()); }
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> lines_;
};

/// The result is complete only if `problems` stayed empty.
[[nodiscard]] file_model read_model(const google::protobuf::FileDescriptor& file, diagnostics& problems);

/// Rules between the files of one run.
void check_together(const std::vector<const google::protobuf::FileDescriptor*>& files, diagnostics& problems);

}  // namespace flowersec::idlgen
