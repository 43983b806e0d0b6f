// Rules of the IDL that concern one descriptor, each reported with its place. Used by read_model only.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "flowersec/options/v1/options.pb.h"
#include "read_model.h"

namespace flowersec::idlgen {

namespace pb = google::protobuf;
namespace options = ::flowersec::options::v1;

template <class Descriptor>
[[nodiscard]] int line_of(const Descriptor& what) {
  pb::SourceLocation place;
  return what.GetSourceLocation(&place) ? place.start_line + 1 : 1;
}

/// Line of a part of the file itself, by its path in the descriptor; 1 when it is not there.
[[nodiscard]] inline int line_of(const pb::FileDescriptor& file, const std::vector<int>& path) {
  pb::SourceLocation place;
  return file.GetSourceLocation(path, &place) ? place.start_line + 1 : 1;
}
[[nodiscard]] inline int line_of_package(const pb::FileDescriptor& file) {
  return line_of(file, {pb::FileDescriptorProto::kPackageFieldNumber});
}

/// The comment before an element, or else the one behind it; without leading white space.
template <class Descriptor>
[[nodiscard]] std::string comment_of(const Descriptor& what) {
  pb::SourceLocation place;
  if (!what.GetSourceLocation(&place)) return {};
  return place.leading_comments.empty() ? place.trailing_comments : place.leading_comments;
}

class checker {
 public:
  checker(const pb::FileDescriptor& file, diagnostics& problems) : file_(file), problems_(problems) {}

  void file();
  void enumeration(const pb::EnumDescriptor& what);
  void message(const pb::Descriptor& what);
  void service(const pb::ServiceDescriptor& what);
  /// After the model is read: views in messages of a service.
  void views(const file_model& model);

 private:
  template <class Descriptor>
  void refuse(const Descriptor& what, const std::string& rule) {
    problems_.add(file_.name(), line_of(what), what.full_name(), rule);
  }
  void field(const pb::FieldDescriptor& what);
  void field_type(const pb::FieldDescriptor& what);
  void field_options(const pb::FieldDescriptor& what);
  void method(const pb::MethodDescriptor& what);
  void package();
  void cpp_namespace();
  void cpp_namespace_of_package();
  void no_endless_messages();
  template <class Descriptor>
  void name(const Descriptor& what);

  const pb::FileDescriptor& file_;
  diagnostics& problems_;
};

}  // namespace flowersec::idlgen
