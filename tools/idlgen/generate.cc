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
  // Both languages are printed for either: only so is it known which names they declare, and one run names every
  // problem.
  declarations cpp_names{"C++"};
  std::vector<output_file> cpp;
  declarations ts_names{"TypeScript"};
  std::vector<output_file> ts;
  for (const auto& model : models) {
    print_cpp_types(model, cpp_names, cpp);
    print_cpp_service(model, cpp_names, cpp);
    print_ts_types(model, ts_names, ts);
    print_ts_service(model, ts_names, ts);
  }
  print_ts_runtime(ts);
  cpp_names.report(problems);
  ts_names.report(problems);
  if (problems.empty()) outputs = std::move(language == "cpp" ? cpp : ts);
  return problems.text();
}

}  // namespace flowersec::idlgen
