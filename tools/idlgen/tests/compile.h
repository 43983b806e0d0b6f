// Runs the generator over .proto texts held in memory.
#pragma once

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>

#include "generate.h"

namespace flowersec::idlgen::testing {

namespace pb = google::protobuf;

/// Files by name; options.proto comes from the tree.
class memory_tree final : public pb::compiler::SourceTree {
 public:
  explicit memory_tree(std::map<std::string, std::string> files) : files_(std::move(files)) {
    const std::string name = "flowersec/options/v1/options.proto";
    std::ifstream in{FLOWERSEC_SOURCE_DIR "/idl/" + name};
    std::stringstream text;
    text << in.rdbuf();
    files_[name] = text.str();
    files_["google/protobuf/descriptor.proto"] = pb::FileDescriptorProto::descriptor()->file()->DebugString();
  }
  pb::io::ZeroCopyInputStream* Open(const std::string& name) override {
    const auto found = files_.find(name);
    if (found == files_.end()) return nullptr;
    return new pb::io::ArrayInputStream{found->second.data(), static_cast<int>(found->second.size())};
  }

 private:
  std::map<std::string, std::string> files_;
};

class collected_errors final : public pb::compiler::MultiFileErrorCollector {
 public:
  void AddError(const std::string& file, int line, int, const std::string& message) override {
    text += file + ":" + std::to_string(line + 1) + ": " + message + "\n";
  }
  std::string text;
};

struct generated {
  std::string error;
  std::map<std::string, std::string> files;

  /// Whether a file has this text, white space at the ends of lines aside.
  [[nodiscard]] bool has(const std::string& file, const std::string& text) const {
    const auto found = files.find(file);
    return found != files.end() && found->second.find(text) != std::string::npos;
  }
};

inline std::ostream& operator<<(std::ostream& out, const generated& result) {
  out << result.error << '\n';
  for (const auto& [file, text] : result.files) {
    if (!file.starts_with("flowersec_runtime")) out << "---- " << file << '\n' << text;
  }
  return out;
}

inline const std::string file_head =
    "syntax = \"proto3\";\npackage acme.test.v1;\nimport \"flowersec/options/v1/options.proto\";\n";

enum class order : bool { by_name, backwards };

inline generated run(const std::map<std::string, std::string>& protos, const std::string& language,
                     order given = order::by_name) {
  memory_tree tree{protos};
  collected_errors errors;
  pb::compiler::Importer importer{&tree, &errors};
  std::vector<const pb::FileDescriptor*> files;
  for (const auto& [name, text] : protos) {
    const auto* file = importer.Import(name);
    if (file == nullptr) return {.error = "protoc: " + errors.text, .files = {}};
    // Descriptors of the plugin's own pool know the options; those of a request are read the same way.
    files.push_back(file);
  }
  // As protoc does: through bytes, so that the options are read as known extensions.
  pb::DescriptorPool pool{pb::DescriptorPool::generated_pool()};
  std::vector<const pb::FileDescriptor*> known;
  for (const auto* file : files) {
    pb::FileDescriptorProto plain;
    file->CopyTo(&plain);
    file->CopySourceCodeInfoTo(&plain);
    file->CopyJsonNameTo(&plain);
    pb::FileDescriptorProto parsed;
    parsed.ParseFromString(plain.SerializeAsString());
    known.push_back(pool.BuildFile(parsed));
    if (known.back() == nullptr) return {.error = "protoc: " + file->name(), .files = {}};
  }
  if (given == order::backwards) std::reverse(known.begin(), known.end());
  std::vector<output_file> outputs;
  generated result;
  result.error = generate(known, language, outputs);
  for (auto& each : outputs) result.files.emplace(each.path, std::move(each.text));
  return result;
}

/// One file of package acme.test.v1 with this body, which begins on line 4.
inline generated cpp(const std::string& body) { return run({{"test.proto", file_head + body}}, "cpp"); }
inline generated ts(const std::string& body) { return run({{"test.proto", file_head + body}}, "ts"); }

}  // namespace flowersec::idlgen::testing
