#include "generate.h"

#include <algorithm>

#include "cpp_printer.h"
#include "declarations.h"
#include "read_model.h"
#include "ts_printer.h"

namespace flowersec::idlgen {

std::string generate(std::vector<const google::protobuf::FileDescriptor*> files, const std::string& language,
                     std::vector<output_file>& outputs) {
  if (language != "cpp" && language != "ts") return "--flowersec_opt must be cpp or ts";
  std::ranges::sort(files, {}, [](const auto* file) { return file->name(); });
  diagnostics problems;
  check_together(files, problems);
  std::vector<file_model> models;
  for (const auto* file : files) models.push_back(read_model(*file, problems));
  // C++ is printed for either language: only so is it known which names it declares, and one run names every problem.
  declarations names{"C++"};
  std::vector<output_file> cpp;
  for (const auto& model : models) {
    print_cpp_types(model, names, cpp);
    print_cpp_service(model, names, cpp);
  }
  names.report(problems);
  if (!problems.empty()) return problems.text();
  if (language == "cpp") {
    outputs = std::move(cpp);
    return {};
  }
  for (const auto& model : models) {
    print_ts_types(model, outputs);
    print_ts_service(model, outputs);
  }
  print_ts_runtime(outputs);
  return {};
}

}  // namespace flowersec::idlgen
