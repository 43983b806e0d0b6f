// protoc-gen-flowersec: protoc --flowersec_out=<folder> --flowersec_opt=cpp|ts
#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <memory>

#include "generate.h"

namespace flowersec::idlgen {
namespace {

namespace compiler = google::protobuf::compiler;
namespace pb = google::protobuf;

class plugin final : public compiler::CodeGenerator {
 public:
  bool GenerateAll(const std::vector<const pb::FileDescriptor*>& files, const std::string& parameter,
                   compiler::GeneratorContext* context, std::string* error) const override {
    std::vector<output_file> outputs;
    *error = generate(files, parameter, outputs);
    for (const auto& each : outputs) {
      const std::unique_ptr<pb::io::ZeroCopyOutputStream> stream{context->Open(each.path)};
      write(*stream, each.text);
    }
    return error->empty();
  }

  bool Generate(const pb::FileDescriptor* file, const std::string& parameter, compiler::GeneratorContext* context,
                std::string* error) const override {
    return GenerateAll({file}, parameter, context, error);
  }

  std::uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

 private:
  static void write(pb::io::ZeroCopyOutputStream& to, const std::string& text) {
    pb::io::CodedOutputStream out{&to};
    out.WriteString(text);
  }
};

}  // namespace
}  // namespace flowersec::idlgen

int main(int argc, char** argv) {
  const flowersec::idlgen::plugin generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
