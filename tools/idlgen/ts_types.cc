#include "names.h"
#include "runtime_text.h"
#include "text.h"
#include "ts_printer.h"

namespace flowersec::idlgen {
namespace {

constexpr std::string_view runtime_module = "flowersec_runtime.gen";

class types_printer {
 public:
  explicit types_printer(const file_model& model) : model_(model) {}
  std::string module();

 private:
  std::string ts_name_of(const field_model& field) const;
  std::string type_of(const field_model& field) const;
  std::string verifier(const field_model& field) const;
  void enumeration(text& out, const enum_model& each) const;
  void interface(text& out, const message_model& each) const;
  void validator(text& out, const message_model& each) const;
  void encoder(text& out, const message_model& each) const;
  std::string wire_value(const field_model& field) const;

  const file_model& model_;
};

void doc(text& out, const std::string& comment) {
  if (comment.empty()) return;
  if (comment.find('\n') == std::string::npos) {
    out.line("/** ", comment, " */");
    return;
  }
  out.line("/**").comment(comment, " * ").line(" */");
}

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

std::string types_printer::verifier(const field_model& field) const {
  std::string inner;
  switch (field.kind) {
    case field_kind::string:
      inner = "wire.scalar(wire.isString)";
      break;
    case field_kind::boolean:
      inner = "wire.scalar(wire.isBoolean)";
      break;
    case field_kind::u8:
      inner = "wire.scalar(wire.isU8)";
      break;
    case field_kind::u16:
      inner = "wire.scalar(wire.isU16)";
      break;
    case field_kind::u32:
      inner = "wire.scalar(wire.isU32)";
      break;
    case field_kind::u64:
      inner = "wire.scalar(wire.isU64)";
      break;
    case field_kind::i32:
      inner = "wire.scalar(wire.isI32)";
      break;
    case field_kind::i64:
      inner = "wire.scalar(wire.isI64)";
      break;
    case field_kind::text_map:
      inner = "wire.textMap";
      break;
    case field_kind::enumeration:
      inner = "wire.scalar(is" + ts_name_of(field) + ")";
      break;
    case field_kind::message:
      inner = "wire.nested(assert" + ts_name_of(field) + ")";
      break;
    case field_kind::json:
      break;
  }
  return field.repeated ? "wire.list(" + inner + ")" : inner;
}

void types_printer::enumeration(text& out, const enum_model& each) const {
  doc(out, each.comment);
  out.line("export const ", each.ts_name, " = {").in();
  for (const auto& value : each.values) {
    doc(out, value.comment);
    out.line(value.ts_name, ": ", std::to_string(value.number), ",");
  }
  out.out().line("} as const;");
  out.line("export type ", each.ts_name, " = (typeof ", each.ts_name, ")[keyof typeof ", each.ts_name, "];").line();
  std::vector<std::string> tests;
  for (const auto& value : each.values) tests.push_back("value === " + std::to_string(value.number));
  out.line("export function is", each.ts_name, "(value: unknown): value is ", each.ts_name, " {").in();
  out.line("return ", join(tests, " || "), ";").out().line("}").line();
}

void types_printer::interface(text& out, const message_model& each) const {
  doc(out, each.comment);
  out.line("export interface ", each.ts_name, " {").in();
  for (const auto& field : each.fields) {
    doc(out, field.comment);
    const bool may_miss = field.optional || field.absent_as_null;
    out.line(field.wire_name, may_miss ? "?: " : ": ", type_of(field), ";");
  }
  out.out().line("}").line();
}

void types_printer::validator(text& out, const message_model& each) const {
  out.line("/** The same object, when it is one. Throws `bad ", each.name, ".<field>` otherwise. */");
  out.line("export function assert", each.ts_name, "(value: unknown): ", each.ts_name, " {").in();
  std::string strict;
  if (each.strict) {
    std::vector<std::string> keys;
    for (const auto& field : each.fields) keys.push_back('"' + field.wire_name + '"');
    strict = ", [" + join(keys, ", ") + "]";
  }
  const auto object = "wire.object(value, \"" + each.name + "\"" + strict + ");";
  bool bound = false;
  for (const auto& field : each.fields) {
    if (field.kind == field_kind::json && (field.optional || field.absent_as_null)) continue;
    if (!bound) out.line("const from = ", object);
    bound = true;
    const auto place = "(from, \"" + each.name + "\", \"" + field.wire_name + "\"";
    if (field.kind == field_kind::json) {
      out.line("wire.json", place, ");");
    } else {
      const auto* presence = field.null_is_absent ? "nullable" : field.optional ? "optional" : "required";
      out.line("wire.", presence, place, ", ", verifier(field), ");");
    }
  }
  if (!bound) out.line(object);
  out.line("return value as ", each.ts_name, ";").out().line("}").line();
}

std::string types_printer::wire_value(const field_model& field) const {
  const auto value = "from." + field.wire_name;
  if (field.kind == field_kind::json) return field.optional ? value : value + " ?? null";
  std::string made = value;
  if (field.kind == field_kind::message) {
    const auto convert = "toWire" + ts_name_of(field);
    made = field.repeated ? value + ".map(" + convert + ")" : convert + "(" + value + ")";
    if (field.optional) made = value + " == null ? undefined : " + made;
  } else if (field.null_is_absent) {
    made += " ?? undefined";
  }
  return field.omit_empty ? "wire.unlessEmpty(" + made + ")" : made;
}

void types_printer::encoder(text& out, const message_model& each) const {
  out.line(
      "/** The fields of `from`, in declared order and nothing else: what JSON.stringify is given. Checks nothing. */");
  out.line("export function toWire", each.ts_name, "(", each.fields.empty() ? "_from" : "from", ": ", each.ts_name,
           "): unknown {")
      .in();
  if (each.fields.empty()) {
    out.line("return {};");
  } else {
    out.line("return {").in();
    for (const auto& field : each.fields) out.line(field.wire_name, ": ", wire_value(field), ",");
    out.out().line("};");
  }
  out.out().line("}").line();
  out.line("/** JSON text. Throws as assert", each.ts_name, " does. */");
  out.line("export function encode", each.ts_name, "(message: ", each.ts_name, "): string {").in();
  out.line("return JSON.stringify(toWire", each.ts_name, "(assert", each.ts_name, "(message))",
           each.indented ? ", null, 2" : "", ");")
      .out()
      .line("}")
      .line();
  out.line("/** From JSON text. Throws as assert", each.ts_name, " does, and `bad ", each.name,
           "` for what is no JSON object. */");
  out.line("export function decode", each.ts_name, "(text: string | Uint8Array): ", each.ts_name, " {").in();
  out.line("return assert", each.ts_name, "(wire.parse(text, \"", each.name, "\"",
           each.carries_json ? ", wire.maxJsonDepth" : "", "));")
      .out()
      .line("}")
      .line();
}

std::string types_printer::module() {
  text out;
  out.line("// ", banner(model_.source));
  out.comment(model_.comment, "// ").line();
  if (!model_.messages.empty()) {
    std::string up;
    for (std::size_t i = 1; i < split(model_.package, '.').size(); ++i) up += "../";
    out.line("import * as wire from \"", up, runtime_module, ".js\";").line();
  }
  for (const auto& each : model_.enums) enumeration(out, each);
  for (const auto& each : model_.messages) {
    interface(out, each);
    validator(out, each);
    encoder(out, each);
  }
  auto made = out.take();
  made.pop_back();  // one blank line too many
  return made;
}

}  // namespace

void print_ts_types(const file_model& model, std::vector<output_file>& to) {
  to.push_back({.path = model.folder() + ".gen.ts", .text = types_printer{model}.module()});
}

void print_ts_runtime(std::vector<output_file>& to) {
  to.push_back({.path = std::string{runtime_module} + ".ts", .text = std::string{ts_runtime_text}});
}

}  // namespace flowersec::idlgen
