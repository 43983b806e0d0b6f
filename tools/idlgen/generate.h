// One run of the plugin: descriptors and the parameter in, files or an error text out. Touches no disk.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "model.h"

namespace flowersec::idlgen {

/// `language` is "cpp" or "ts". Returns what is wrong, a line each, or nothing; `outputs` is filled only then.
/// The same descriptors give the same bytes, in whatever order the files come.
[[nodiscard]] std::string generate(std::vector<const google::protobuf::FileDescriptor*> files,
                                   const std::string& language, std::vector<output_file>& outputs);

}  // namespace flowersec::idlgen
