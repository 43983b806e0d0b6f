// TypeScript from the model: <version>.gen.ts for the messages, <version>.rpc.gen.ts for the services, and the one file
// that all of them import. Each name that a module or one of its objects declares is noted in `names`.
#pragma once

#include <vector>

#include "declarations.h"
#include "model.h"

namespace flowersec::idlgen {

void print_ts_types(const file_model& model, declarations& names, std::vector<output_file>& to);
/// Nothing when there are no services.
void print_ts_service(const file_model& model, declarations& names, std::vector<output_file>& to);
/// At the root of the output folder.
void print_ts_runtime(std::vector<output_file>& to);

}  // namespace flowersec::idlgen
