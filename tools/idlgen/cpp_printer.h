// C++ from the model: types.gen.{h,cc} for the messages, service.gen.{h,cc} for the services.
#pragma once

#include <vector>

#include "declarations.h"
#include "model.h"

namespace flowersec::idlgen {

/// Needs flowersec's base and messages layers, and no Asio.
void print_cpp_types(const file_model& model, declarations& names, std::vector<output_file>& to);

/// Needs flowersec's rpc and session layers. Nothing when there are no services.
void print_cpp_service(const file_model& model, declarations& names, std::vector<output_file>& to);

}  // namespace flowersec::idlgen
