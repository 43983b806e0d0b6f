#include <algorithm>
#include <set>

#include "cpp_printer.h"
#include "declarations.h"
#include "names.h"
#include "text.h"

namespace flowersec::idlgen {
namespace {

std::string integer_type(field_kind kind) {
  switch (kind) {
    case field_kind::u8:
      return "std::uint8_t";
    case field_kind::u16:
      return "std::uint16_t";
    case field_kind::u64:
      return "std::uint64_t";
    case field_kind::i32:
      return "std::int32_t";
    case field_kind::i64:
      return "std::int64_t";
    default:
      return "std::uint32_t";
  }
}

class types_printer {
 public:
  types_printer(const file_model& model, declarations& names)
      : model_(model), names_(names), scope_("::" + model.cpp_namespace) {}

  std::string header();
  std::string source();

 private:
  std::string type_of(const message_model& owner, const field_model& field, bool wrapped = true) const;
  std::string default_of(const message_model& owner, const field_model& field) const;
  std::string cpp_name_of(const std::string& proto_name) const;
  /// A type as it is called where a member, a parameter or a variable may have the same name.
  template <class Model>
  std::string qualified(const Model& each) const {
    return scope_ + "::" + each.cpp_name;
  }
  void enumeration(text& out, const enum_model& each) const;
  void structure(text& out, const message_model& each) const;
  void member(text& out, const message_model& owner, const field_model& field) const;
  void functions(text& out, const message_model& each) const;
  void codec_declaration(text& out, const message_model& each) const;
  void codec_definition(text& out, const message_model& each) const;
  void clone_definition(text& out, const message_model& each) const;

  const file_model& model_;
  declarations& names_;
  std::string scope_;
};

std::string types_printer::cpp_name_of(const std::string& proto_name) const {
  const auto* found = model_.find_enum(proto_name);
  return found != nullptr ? found->cpp_name : model_.message(proto_name).cpp_name;
}

std::string types_printer::type_of(const message_model& owner, const field_model& field, bool wrapped) const {
  std::string type;
  switch (field.kind) {
    case field_kind::string:
      type = field.sensitive ? "::flowersec::messages::sensitive_text" : "std::string";
      break;
    case field_kind::json:
      type = field.view ? "std::string_view" : "std::string";
      break;
    case field_kind::boolean:
      type = "bool";
      break;
    case field_kind::text_map:
      type = "std::map<std::string, std::string>";
      break;
    case field_kind::enumeration:
    case field_kind::message: {
      type = cpp_name_of(field.type);
      // A member hides the type of the same name.
      const bool hidden = std::ranges::any_of(owner.fields, [&](const auto& f) { return f.cpp_name == type; });
      if (hidden) type = scope_ + "::" + type;
      break;
    }
    default:
      type = integer_type(field.kind);
  }
  if (field.repeated) type = "std::vector<" + type + ">";
  if (wrapped && field.optional) type = "std::optional<" + type + ">";
  return type;
}

std::string types_printer::default_of(const message_model& owner, const field_model& field) const {
  // Messages with lists of each other: clang wants to know all of the element before it lets a list have an
  // initialiser.
  if (field.kind == field_kind::message && model_.leads_behind(field.type, owner)) return {};
  if (field.optional) return " = std::nullopt";
  if (field.kind == field_kind::json) return " = \"null\"";
  if (field.repeated) return "{}";
  switch (field.kind) {
    case field_kind::boolean:
      return " = false";
    case field_kind::string:
    case field_kind::text_map:
    case field_kind::enumeration:
    case field_kind::message:
      return "{}";
    default:
      return " = 0";
  }
}

void types_printer::enumeration(text& out, const enum_model& each) const {
  const auto type = qualified(each);
  out.comment(each.comment, "/// ");
  out.line("enum class ", names_.declare(scope_, each.cpp_name, each.at), " : std::uint",
           std::to_string(each.width_bits), "_t {")
      .in();
  for (const auto& value : each.values) {
    out.comment(value.comment, "/// ");
    out.line(names_.declare(type, value.cpp_name, value.at), " = ", std::to_string(value.number), ",");
  }
  out.out().line("};");
  out.line("/// Whether the number may be on the wire.");
  out.line("[[nodiscard]] constexpr bool ", names_.overload(scope_, "is_declared", each.at), "(", each.cpp_name,
           " value) noexcept {")
      .in();
  out.line("switch (value) {").in();
  for (const auto& value : each.values) out.line("case ", type, "::", value.cpp_name, ":");
  out.in().line("return true;").out().out().line("}");
  out.line("return false;").out().line("}").line();
}

void types_printer::member(text& out, const message_model& owner, const field_model& field) const {
  const auto name = names_.declare(qualified(owner), field.cpp_name, field.at);
  const auto declaration = type_of(owner, field) + " " + name + default_of(owner, field) + ";";
  const bool one_line = field.comment.find('\n') == std::string::npos;
  if (field.comment.empty()) {
    out.line(declaration);
  } else if (one_line && declaration.size() + field.comment.size() < 108) {
    out.line(declaration, "  ///< ", field.comment);
  } else {
    out.comment(field.comment, "/// ");
    out.line(declaration);
  }
}

void types_printer::structure(text& out, const message_model& each) const {
  out.comment(each.comment, "/// ");
  out.line("struct ", names_.declare(scope_, each.cpp_name, each.at), " {").in();
  names_.declare(qualified(each), each.cpp_name, each.at);  // a member may not have the name of its class
  for (const auto& field : each.fields) member(out, each, field);
  if (!each.fields.empty()) out.line();
  if (each.secret) {
    out.line("/// A second owner of the same values, secrets included.");
    out.line("[[nodiscard]] ", each.cpp_name, " ", names_.declare(qualified(each), "clone", each.at), "() const;");
  } else {
    out.line("friend bool operator==(const ", each.cpp_name, "&, const ", each.cpp_name, "&) = default;");
  }
  out.out().line("};").line();
}

void types_printer::functions(text& out, const message_model& each) const {
  out.line("[[nodiscard]] std::string ", names_.overload(scope_, "encode", each.at), "(const ", each.cpp_name,
           "& message);");
  out.line("[[nodiscard]] ::flowersec::messages::decoded<std::string> ", names_.overload(scope_, "try_encode", each.at),
           "(const ", each.cpp_name, "& message);");
  if (each.borrows) out.line("/// Ownership  raw JSON in the result points into `text`.");
  out.line("[[nodiscard]] ::flowersec::messages::decoded<", each.cpp_name, "> ",
           names_.declare(scope_, "decode_" + snake_case(each.name), each.at), "(std::string_view text);");
}

std::string types_printer::header() {
  text out;
  out.line("// ", banner(model_.source));
  out.comment(model_.comment, "// ");
  out.line("#pragma once").line();
  for (const auto* each : {"<cstdint>", "<map>", "<optional>", "<string>", "<string_view>", "<vector>"}) {
    out.line("#include ", each);
  }
  out.line().line("#include \"flowersec/messages/decode_error.h\"");
  out.line("#include \"flowersec/messages/sensitive_text.h\"").line();
  names_.open_namespace(model_.cpp_namespace, model_.at);
  out.line("namespace ", model_.cpp_namespace, " {").line();
  for (const auto& each : model_.enums) enumeration(out, each);
  for (const auto& each : model_.messages) out.line("struct ", each.cpp_name, ";");
  if (!model_.messages.empty()) out.line();
  for (const auto& each : model_.messages) structure(out, each);
  if (!model_.messages.empty()) {
    out.line("// encode: JSON in declared order, whatever the values are.");
    out.line(
        "// try_encode: the same, and refuses an undeclared enum value, a number beyond 2^53 - 1, text that is not");
    out.line(
        "// UTF-8, raw JSON that is not JSON, and messages nested too deep. Readers also bound the length, to 1 MiB;");
    out.line("// a longer text may still come out.");
    out.line("// decode: types, ranges and presence; what the values mean is for who uses them.");
  }
  for (const auto& each : model_.messages) functions(out, each);
  out.line().line("}  // namespace ", model_.cpp_namespace);
  return out.take();
}

void types_printer::codec_declaration(text& out, const message_model& each) const {
  const auto type = qualified(each);
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  out.line("template <>").line("struct codec<", type, "> {").in();
  out.line("static constexpr std::string_view name = \"", each.name, "\";");
  std::vector<std::string> keys;
  for (const auto& field : each.fields) keys.push_back('"' + field.wire_name + '"');
  out.line("static constexpr std::array<std::string_view, ", std::to_string(keys.size()), "> keys{", join(keys, ", "),
           "};");
  out.line("static constexpr bool strict = ", flag(each.strict), ";");
  out.line("static constexpr bool indented = ", flag(each.indented), ";");
  out.line("static constexpr bool secret = ", flag(each.secret), ";");
  out.line("static constexpr bool carries_json = ", flag(each.carries_json), ";");
  out.line("static void read(field_reader& in, ", type, "& to);");
  out.line("static void write(field_writer& out, const ", type, "& from);");
  if (each.secret) out.line("static void clone(const ", type, "& from, ", type, "& to);");
  out.out().line("};").line();
}

std::string read_call(const field_model& field) {
  if (field.kind == field_kind::json) {
    return field.absent_as_null ? "json_or_null" : field.optional ? "optional_json" : "json";
  }
  return field.null_is_absent ? "nullable" : field.optional ? "optional" : "required";
}

std::string write_call(const field_model& field) {
  if (field.kind == field_kind::json) return "json";
  return field.omit_empty ? "unless_empty" : "field";
}

void types_printer::codec_definition(text& out, const message_model& each) const {
  const auto type = qualified(each);
  const bool empty = each.fields.empty();
  const auto chain = [&](const char* stream, const char* message, auto call_of) {
    std::vector<std::string> calls;
    for (const auto& field : each.fields) {
      calls.push_back("." + call_of(field) + "(" + message + "." + field.cpp_name + ")");
    }
    calls.back() += ';';
    out.line(stream, calls.front()).in().in();
    for (std::size_t i = 1; i < calls.size(); ++i) out.line(calls[i]);
    out.out().out();
  };
  out.line("void codec<", type, ">::read(field_reader&", empty ? "" : " in", ", ", type, "&", empty ? "" : " to",
           ") {");
  out.in();
  if (!empty) {
    chain("in", "to", read_call);
  }
  out.out().line("}").line();
  out.line("void codec<", type, ">::write(field_writer&", empty ? "" : " out", ", const ", type, "&",
           empty ? "" : " from", ") {");
  out.in();
  if (!empty) {
    chain("out", "from", write_call);
  }
  out.out().line("}").line();
}

/// Outside the struct, where no member can have the name of a variable.
void types_printer::clone_definition(text& out, const message_model& each) const {
  const auto type = qualified(each);
  out.line("void codec<", type, ">::clone(const ", type, "& from, ", type, "& to) {").in();
  for (const auto& field : each.fields) {
    const bool deep = field.sensitive || (field.kind == field_kind::message && model_.message(field.type).secret);
    const auto from = "from." + field.cpp_name;
    const auto to = "to." + field.cpp_name;
    if (deep) {
      out.line("clone_value(", from, ", ", to, ");");
    } else {
      out.line(to, " = ", from, ";");
    }
  }
  out.out().line("}").line();
}

std::string types_printer::source() {
  text out;
  out.line("// ", banner(model_.source));
  out.line("#include \"", model_.folder(), "/types.gen.h\"").line();
  out.line("#include <array>").line().line("#include \"flowersec/messages/codec.h\"").line();
  out.line("namespace flowersec::messages {").line();
  for (const auto& each : model_.messages) codec_declaration(out, each);
  for (const auto& each : model_.messages) {
    codec_definition(out, each);
    if (each.secret) clone_definition(out, each);
  }
  out.line("}  // namespace flowersec::messages").line();
  out.line("namespace ", model_.cpp_namespace, " {").line();
  for (const auto& each : model_.messages) {
    const auto type = qualified(each);
    if (each.secret) {
      out.line(each.cpp_name, " ", each.cpp_name,
               "::clone() const { return ::flowersec::messages::clone_message(*this); }");
      out.line();
    }
    out.line("std::string encode(const ", type,
             "& message) { return ::flowersec::messages::encode_message(message); }");
    out.line();
    out.line("::flowersec::messages::decoded<std::string> try_encode(const ", type, "& message) {").in();
    out.line("return ::flowersec::messages::try_encode_message(message);").out().line("}").line();
    out.line("::flowersec::messages::decoded<", type, "> decode_", snake_case(each.name), "(std::string_view text) {")
        .in();
    out.line("return ::flowersec::messages::decode_message<", type, ">(text);").out().line("}").line();
  }
  out.line("}  // namespace ", model_.cpp_namespace);
  return out.take();
}

}  // namespace

void print_cpp_types(const file_model& model, declarations& names, std::vector<output_file>& to) {
  types_printer printer{model, names};
  to.push_back({.path = model.folder() + "/types.gen.h", .text = printer.header()});
  to.push_back({.path = model.folder() + "/types.gen.cc", .text = printer.source()});
}

}  // namespace flowersec::idlgen
