// From a descriptor to the model, with the rules of the IDL checked on the way; those of names are in declarations.h.
#pragma once

#include <google/protobuf/descriptor.h>

#include <vector>

#include "diagnostics.h"
#include "model.h"

namespace flowersec::idlgen {

/// The result is complete only if `problems` stayed empty.
[[nodiscard]] file_model read_model(const google::protobuf::FileDescriptor& file, diagnostics& problems);

/// Rules between the files of one run.
void check_together(const std::vector<const google::protobuf::FileDescriptor*>& files, diagnostics& problems);

}  // namespace flowersec::idlgen
