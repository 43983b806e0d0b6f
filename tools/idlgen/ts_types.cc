#include "declarations.h"
#include "names.h"
#include "runtime_text.h"
#include "text.h"
#include "ts_doc.h"
#include "ts_printer.h"

namespace flowersec::idlgen {
namespace {

constexpr std::string_view runtime_module = "flowersec_runtime.gen";

class types_printer {
 public:
  types_printer(const file_model& model, declarations& names) : model_(model), names_(names) {}
  std::string module();
  [[nodiscard]] std::string path() const { return model_.folder() + ".gen.ts"; }

 private:
  std::string ts_name_of(const field_model& field) const;
  std::string type_of(const field_model& field) const;
  std::string holds(const field_model& field) const;
  void enumeration(text& out, const enum_model& each) const;
  void interface(text& out, const message_model& each) const;
  void shape(text& out, const message_model& each) const;
  void functions(text& out, const message_model& each) const;
  /// For a name that the module declares.
  std::string declare(const std::string& name, const origin& owner) const {
    return names_.declare(path(), name, owner);
  }

  const file_model& model_;
  declarations& names_;
};

std::string types_printer::ts_name_of(const field_model& field) const {
  const auto* found = model_.find_enum(field.type);
  return found != nullptr ? found->ts_name : model_.message(field.type).ts_name;
}

std::string types_printer::type_of(const field_model& field) const {
  std::string type = "number";
  switch (field.kind) {
    case field_kind::string:
      type = "string";
      break;
    case field_kind::boolean:
      type = "boolean";
      break;
    case field_kind::json:
      return "unknown";
    case field_kind::text_map:
      type = "{ [key: string]: string }";
      break;
    case field_kind::enumeration:
    case field_kind::message:
      type = ts_name_of(field);
      break;
    default:
      break;
  }
  if (field.repeated) type += "[]";
  if (field.null_is_absent) type += " | null";
  return field.optional ? type + " | undefined" : type;
}

/// The part of a field's shape that says what its value is.
std::string types_printer::holds(const field_model& field) const {
  switch (field.kind) {
    case field_kind::string:
      return "is: wire.isString";
    case field_kind::boolean:
      return "is: wire.isBoolean";
    case field_kind::u8:
      return "is: wire.isU8";
    case field_kind::u16:
      return "is: wire.isU16";
    case field_kind::u32:
      return "is: wire.isU32";
    case field_kind::u64:
      return "is: wire.isU64";
    case field_kind::i32:
      return "is: wire.isI32";
    case field_kind::i64:
      return "is: wire.isI64";
    case field_kind::text_map:
      return "texts: wire.readTexts";
    case field_kind::json:
      return "json: true";
    case field_kind::enumeration:
      return "is: is" + ts_name_of(field);
    case field_kind::message:
      return "of: () => shapeOf" + ts_name_of(field);
  }
  return {};
}

void types_printer::enumeration(text& out, const enum_model& each) const {
  const auto name = declare(each.ts_name, each.at);
  doc(out, comment_or(each.comment, "Enum", each.at));
  out.line("export const ", name, " = {").in();
  for (const auto& value : each.values) {
    doc(out, value.comment);
    out.line(names_.declare(path() + ' ' + name, value.ts_name, value.at), ": ", std::to_string(value.number), ",");
  }
  out.out().line("} as const;");
  doc(out, "One of the numbers of " + name + '.');
  out.line("export type ", name, " = (typeof ", name, ")[keyof typeof ", name, "];").line();
  std::vector<std::string> tests;
  for (const auto& value : each.values) {
    // -0 is no whole number on the wire.
    tests.push_back(value.number == 0 ? "Object.is(value, 0)" : "value === " + std::to_string(value.number));
  }
  doc(out, "Whether this is a declared number of " + name + '.');
  out.line("export function ", declare("is" + name, each.at), "(value: unknown): value is ", name, " {").in();
  out.line("return ", join(tests, " || "), ";").out().line("}").line();
}

void types_printer::interface(text& out, const message_model& each) const {
  doc(out, comment_or(each.comment, "Message", each.at));
  out.line("export interface ", declare(each.ts_name, each.at), " {").in();
  for (const auto& field : each.fields) {
    doc(out, field.comment);
    const bool may_miss = field.optional || field.absent_as_null;
    out.line(field.wire_name, may_miss ? "?: " : ": ", type_of(field), ";");
  }
  out.out().line("}").line();
}

void types_printer::shape(text& out, const message_model& each) const {
  out.line("const ", declare("shapeOf" + each.ts_name, each.at), ": wire.Shape<", each.ts_name, "> = {").in();
  out.line("name: \"", each.name, "\",");
  if (each.strict) out.line("strict: wire.refuseStrangers,");
  if (each.indented) out.line("indent: 2,");
  if (each.carries_json) out.line("carriesJson: true,");
  if (each.fields.empty()) {
    out.line("fields: {},");
  } else {
    out.line("fields: {").in();
    for (const auto& field : each.fields) {
      std::string more;
      if (field.repeated) more += ", list: true";
      if (field.null_is_absent) {
        more += ", absent: \"null too\"";
      } else if (field.optional) {
        more += ", absent: \"allowed\"";
      } else if (field.absent_as_null) {
        more += ", absent: \"is null\"";
      }
      if (field.omit_empty) more += ", omit: wire.isEmpty";
      const auto held = holds(field);
      // A scalar that must be there is its check and nothing else.
      const bool is_bare = more.empty() && held.starts_with("is: ");
      out.line(field.wire_name, ": ", is_bare ? held.substr(4) : "{ " + held + more + " }", ",");
    }
    out.out().line("},");
  }
  out.out().line("};").line();
}

void types_printer::functions(text& out, const message_model& each) const {
  const auto& type = each.ts_name;
  const auto shape = "shapeOf" + type;
  const auto as_assert_does = "Throws as assert" + type + " does";
  const auto print = [&](const std::string& about, const std::string& name, const std::string& parameter,
                         const std::string& result, const std::string& made) {
    out.line("/** ", about, " */");
    out.line("export function ", declare(name, each.at), "(", parameter, "): ", result, " {").in();
    out.line("return wire.", made, ";").out().line("}").line();
  };
  print("The same object, when it is one. Throws `bad " + each.name + ".<field>` otherwise.", "assert" + type,
        "value: unknown", type, "check(" + shape + ", value)");
  print("What JSON.stringify is given: the fields, in declared order and nothing else. " + as_assert_does + ".",
        "toWire" + type, "message: " + type, "unknown", "toWire(" + shape + ", message)");
  print("JSON text. " + as_assert_does + ".", "encode" + type, "message: " + type, "string",
        "encode(" + shape + ", message)");
  print("From JSON text. " + as_assert_does + ", and `bad " + each.name + "` for what is no JSON object.",
        "decode" + type, "text: string | Uint8Array", type, "decode(" + shape + ", text)");
}

std::string types_printer::module() {
  text out;
  out.line("// ", banner(model_.source));
  out.comment(model_.comment, "// ").line();
  if (!model_.messages.empty()) {
    std::string up;
    for (std::size_t i = 1; i < split(model_.package, '.').size(); ++i) up += "../";
    out.line("import * as ", declare("wire", model_.at), " from \"", up, runtime_module, ".js\";").line();
  }
  for (const auto& each : model_.enums) enumeration(out, each);
  for (const auto& each : model_.messages) {
    interface(out, each);
    shape(out, each);
    functions(out, each);
  }
  auto made = out.take();
  made.pop_back();  // one blank line too many
  return made;
}

}  // namespace

void print_ts_types(const file_model& model, declarations& names, std::vector<output_file>& to) {
  types_printer printer{model, names};
  to.push_back({.path = printer.path(), .text = printer.module()});
}

void print_ts_runtime(std::vector<output_file>& to) {
  to.push_back({.path = std::string{runtime_module} + ".ts", .text = std::string{ts_runtime_text}});
}

}  // namespace flowersec::idlgen
