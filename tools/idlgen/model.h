// What the printers see of one .proto file: types of the wire, names for each language, nothing of libprotoc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowersec::idlgen {

enum class field_kind {
  string,
  boolean,
  u8,
  u16,
  u32,
  u64,
  i32,
  i64,
  json,  ///< any JSON value, as text
  text_map,
  enumeration,
  message
};

/// Where something was declared, for messages about it.
struct origin {
  std::string element{};  ///< full name, "acme.files.v1.Folder.name"
  std::string file{};
  int line = 1;
};

struct field_model {
  origin at{};
  std::string wire_name{};
  std::string cpp_name{};
  field_kind kind = field_kind::string;
  std::string type{};  ///< proto name of the enum or message
  bool repeated = false;
  bool optional = false;  ///< the key may be left out
  bool sensitive = false;
  bool null_is_absent = false;
  bool absent_as_null = false;
  bool omit_empty = false;
  bool view = false;
  std::string comment{};
};

struct message_model {
  origin at{};
  std::string name{};
  std::string cpp_name{};
  std::string ts_name{};
  std::vector<field_model> fields{};
  bool strict = false;
  bool indented = false;
  bool secret = false;        ///< holds a sensitive field, itself or deeper: it can be moved, not copied
  bool carries_json = false;  ///< holds raw JSON, itself or deeper
  bool borrows = false;       ///< holds a view, itself or deeper
  std::string comment{};
};

struct enum_value_model {
  origin at{};
  std::string cpp_name{};
  std::string ts_name{};
  std::int32_t number = 0;
  std::string comment{};
};

struct enum_model {
  origin at{};
  std::string name{};
  std::string cpp_name{};
  std::string ts_name{};
  int width_bits = 32;
  std::vector<enum_value_model> values{};  ///< those of the wire
  std::string comment{};
};

struct method_model {
  origin at{};
  std::string name{};
  std::string cpp_name{};
  std::string ts_name{};
  bool is_request = true;
  std::uint32_t type_id = 0;
  std::string request{};
  std::string response{};  ///< empty for a notification
  std::string comment{};
};

struct service_model {
  origin at{};
  std::string name{};
  std::string cpp_name{};
  std::vector<method_model> methods{};
  std::string comment{};

  [[nodiscard]] bool has(bool requests) const;
};

struct file_model {
  origin at{};            ///< of the package
  std::string source{};   ///< "flowersec/rpc/v1/rpc.proto"
  std::string package{};  ///< "flowersec.rpc.v1"
  std::string cpp_namespace{};
  std::string comment{};
  std::vector<enum_model> enums{};
  /// Each after those it holds by value, and after those it has lists of unless they hold it in turn.
  std::vector<message_model> messages{};
  std::vector<service_model> services{};

  [[nodiscard]] const enum_model* find_enum(const std::string& name) const;
  [[nodiscard]] const message_model& message(const std::string& name) const;
  /// Whether `name`, or a message that it leads to, is declared behind `owner` in C++.
  [[nodiscard]] bool leads_behind(const std::string& name, const message_model& owner) const;
  /// "flowersec/rpc/v1"
  [[nodiscard]] std::string folder() const;
};

/// One file to be written.
struct output_file {
  std::string path{};
  std::string text{};
};

}  // namespace flowersec::idlgen
