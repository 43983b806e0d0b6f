// Complete outputs for one small .proto per feature, compared byte by byte with the files beside it:
// golden/<feature>/input.proto and what either language makes of it. tools/idlgen/tests/update-golden rewrites them.
#include <cstdlib>
#include <filesystem>

#include "compile.h"

namespace flowersec::idlgen::testing {
namespace {

namespace fs = std::filesystem;

const fs::path golden_root = FLOWERSEC_SOURCE_DIR "/tools/idlgen/tests/golden";

std::string read_file(const fs::path& path) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> features() {
  std::vector<std::string> names;
  for (const auto& each : fs::directory_iterator{golden_root}) {
    if (each.is_directory()) names.push_back(each.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

/// By file name alone: a feature has one package. The run-time part of TypeScript is the same for all.
std::map<std::string, std::string> outputs_of(const fs::path& feature) {
  const std::map<std::string, std::string> protos{
      {(feature.filename() / "input.proto").string(), read_file(feature / "input.proto")}};
  std::map<std::string, std::string> outputs;
  for (const auto* language : {"cpp", "ts"}) {
    const auto result = run(protos, language);
    EXPECT_EQ(result.error, "");
    for (const auto& [path, text] : result.files) {
      if (path != "flowersec_runtime.gen.ts") outputs.emplace(fs::path{path}.filename(), text);
    }
  }
  return outputs;
}

class golden : public ::testing::TestWithParam<std::string> {};

TEST_P(golden, output_is_what_the_files_say) {
  const auto folder = golden_root / GetParam();
  const auto outputs = outputs_of(folder);
  const bool update = std::getenv("FLOWERSEC_UPDATE_GOLDEN") != nullptr;
  for (const auto& each : fs::directory_iterator{folder}) {
    const std::string name = each.path().filename();
    if (name == "input.proto" || outputs.contains(name)) continue;
    if (update) {
      fs::remove(each.path());
    } else {
      ADD_FAILURE() << each.path() << " is not printed any more";
    }
  }
  for (const auto& [name, text] : outputs) {
    if (update) {
      std::ofstream{folder / name} << text;
    } else {
      EXPECT_EQ(text, read_file(folder / name)) << name << ": if this is meant, run tools/idlgen/tests/update-golden";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(all, golden, ::testing::ValuesIn(features()), [](const auto& row) { return row.param; });

TEST(golden_files, are_there) { EXPECT_GE(features().size(), 10u); }

}  // namespace
}  // namespace flowersec::idlgen::testing
