#include "checks.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "names.h"

namespace flowersec::idlgen {
namespace {

using type = pb::FieldDescriptor::Type;

int bits_of(options::Width width) {
  switch (width) {
    case options::WIDTH_U8:
      return 8;
    case options::WIDTH_U16:
      return 16;
    default:
      return 32;
  }
}

bool is_string_map(const pb::FieldDescriptor& what) {
  return what.is_map() && what.message_type()->field(0)->type() == type::TYPE_STRING &&
         what.message_type()->field(1)->type() == type::TYPE_STRING;
}

/// a_b2_c -> aB2C
std::string protoc_json_name(std::string_view name) {
  std::string out;
  bool raise = false;
  for (const char c : name) {
    if (c != '_') out += raise && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    raise = c == '_';
  }
  return out;
}

bool is_identifier(std::string_view name) {
  const auto fits = [](char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && fits(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return fits(c) || (c >= '0' && c <= '9'); });
}

bool is_one_byte(const pb::FieldDescriptor& what) {
  if (what.type() == type::TYPE_ENUM) {
    return what.enum_type()->options().GetExtension(options::enum_width) == options::WIDTH_U8;
  }
  return what.options().GetExtension(options::width) == options::WIDTH_U8;
}

}  // namespace

template <class Descriptor>
void checker::name(const Descriptor& what) {
  if (const auto why = unusable_because(what.name()); !why.empty()) refuse(what, std::string{why});
}

void checker::package() {
  const auto bad = [this](const std::string& rule) {
    problems_.add(file_.name(), line_of_package(file_), file_.package(), rule);
  };
  const auto parts = split(file_.package(), '.');
  const auto& version = parts.back();
  if (parts.size() < 3 || version.size() < 2 || version.front() != 'v' ||
      version.find_first_not_of("0123456789", 1) != std::string::npos) {
    bad("the package needs at least three parts, the last a version: acme.files.v1");
  }
  for (const auto& part : parts) {
    if (const auto why = unusable_because(part); !why.empty()) bad(std::string{why});
  }
}

void checker::cpp_namespace() {
  const auto& name = file_.options().GetExtension(options::cpp_namespace);
  if (!file_.options().HasExtension(options::cpp_namespace)) return cpp_namespace_of_package();
  const auto bad = [this](const std::string& rule) {
    const std::vector<int> path{pb::FileDescriptorProto::kOptionsFieldNumber, options::kCppNamespaceFieldNumber};
    problems_.add(file_.name(), line_of(file_, path), file_.package(), "cpp_namespace: " + rule);
  };
  const auto parts = split_namespace(name);
  for (const auto& part : parts) {
    if (!is_identifier(part)) return bad("\"" + name + "\" is not names joined by ::, such as acme::files");
    if (const auto why = unusable_because(part); !why.empty()) return bad(std::string{why});
  }
  if (parts.front() == "std" || parts.front() == "posix") return bad(parts.front() + " is the standard library's");
  if (is_cpp_global(parts.front()))
    return bad(parts.front() + " is a name that C++'s headers use outside of namespaces");
  if (parts.front() == "flowersec" && parts.size() < 3) return bad(name + " is the library's own");
  for (const auto& part : parts) {
    if (cpp_identifier(part) != part) return bad(part + " is a word that C++ or its headers reserve");
  }
}

/// What cpp_namespace() refuses cannot be meant by a package, except for this.
void checker::cpp_namespace_of_package() {
  const auto first = split(file_.package(), '.').front();
  if (!is_cpp_global(first)) return;
  problems_.add(file_.name(), line_of_package(file_), file_.package(),
                first +
                    " is a name that C++'s headers use outside of namespaces: choose another with the option "
                    "cpp_namespace");
}

void checker::file() {
  package();
  cpp_namespace();
  if (file_.syntax() != pb::FileDescriptor::SYNTAX_PROTO3) {
    problems_.add(file_.name(), line_of(file_, {pb::FileDescriptorProto::kSyntaxFieldNumber}), file_.package(),
                  "the file must say syntax = \"proto3\"");
  }
  for (int i = 0; i < file_.extension_count(); ++i) refuse(*file_.extension(i), "extensions have no place on the wire");
  for (int i = 0; i < file_.enum_type_count(); ++i) enumeration(*file_.enum_type(i));
  for (int i = 0; i < file_.message_type_count(); ++i) message(*file_.message_type(i));
  no_endless_messages();
  std::map<std::uint32_t, const pb::MethodDescriptor*> by_type_id;
  for (int i = 0; i < file_.service_count(); ++i) {
    service(*file_.service(i));
    for (int j = 0; j < file_.service(i)->method_count(); ++j) {
      const auto& method = *file_.service(i)->method(j);
      const auto id = method.options().GetExtension(options::type_id);
      const auto [first, is_new] = by_type_id.emplace(id, &method);
      if (id != 0 && !is_new) {
        refuse(method, "type_id " + std::to_string(id) + " is taken by " + first->second->full_name());
      }
    }
  }
}

void checker::enumeration(const pb::EnumDescriptor& what) {
  name(what);
  if (what.options().allow_alias()) refuse(what, "allow_alias: one number has one name");
  const auto bits = bits_of(what.options().GetExtension(options::enum_width));
  const auto max = bits == 32 ? std::int64_t{2147483647} : (std::int64_t{1} << bits) - 1;
  const auto prefix = upper_case(snake_case(what.name())) + '_';
  int on_wire = 0;
  for (int i = 0; i < what.value_count(); ++i) {
    const auto& value = *what.value(i);
    name(value);
    const bool hidden = value.options().GetExtension(options::not_on_wire);
    on_wire += hidden ? 0 : 1;
    if (hidden && value.number() != 0) refuse(value, "not_on_wire is for the value 0 only");
    if (value.number() < 0 || value.number() > max) {
      refuse(value, "the number does not fit the width of the enum: 0 to " + std::to_string(max));
    }
    const auto& full = value.name();
    if (!full.starts_with(prefix) || full.size() == prefix.size()) {
      refuse(value, "the name must begin with " + prefix);
    } else if (full[prefix.size()] >= '0' && full[prefix.size()] <= '9') {
      refuse(value, "a letter must follow " + prefix);
    }
  }
  if (on_wire == 0) refuse(what, "an enum needs a value that may be on the wire");
}

void checker::message(const pb::Descriptor& what) {
  name(what);
  for (int i = 0; i < what.nested_type_count(); ++i) {
    if (!what.nested_type(i)->options().map_entry())
      refuse(*what.nested_type(i), "types are declared at the top level");
  }
  for (int i = 0; i < what.enum_type_count(); ++i) refuse(*what.enum_type(i), "types are declared at the top level");
  for (int i = 0; i < what.real_oneof_decl_count(); ++i) refuse(*what.oneof_decl(i), "oneof has no form on the wire");
  for (int i = 0; i < what.extension_count(); ++i) refuse(*what.extension(i), "extensions have no place on the wire");
  for (int i = 0; i < what.field_count(); ++i) {
    field(*what.field(i));
    if (i > 0 && what.field(i)->number() < what.field(i - 1)->number()) {
      refuse(*what.field(i), "field numbers must ascend in declared order, which is the order on the wire");
    }
  }
}

/// Each circle of messages that hold each other by value, once, at the message of it that is declared first.
void checker::no_endless_messages() {
  std::set<const pb::Descriptor*> done;
  std::vector<const pb::FieldDescriptor*> path;
  const std::function<void(const pb::Descriptor&)> follow = [&](const pb::Descriptor& from) {
    const auto start = std::ranges::find(path, &from, [](const auto* field) { return field->containing_type(); });
    if (start != path.end()) {
      std::string circle;
      for (auto at = start; at != path.end(); ++at) {
        circle += (*at)->containing_type()->name() + "." + (*at)->name() + " -> ";
      }
      return refuse(from, "a message can hold itself only through a repeated field: " + circle + from.name());
    }
    if (done.contains(&from)) return;
    for (int i = 0; i < from.field_count(); ++i) {
      const auto* inner = from.field(i)->message_type();
      if (inner == nullptr || from.field(i)->is_repeated() || inner->file() != &file_) continue;
      path.push_back(from.field(i));
      follow(*inner);
      path.pop_back();
    }
    done.insert(&from);
  };
  for (int i = 0; i < file_.message_type_count(); ++i) follow(*file_.message_type(i));
}

void checker::field(const pb::FieldDescriptor& what) {
  name(what);
  field_type(what);
  field_options(what);
  // protoc fills in a name of its own making, without underscores; any other was asked for.
  if (what.json_name() != protoc_json_name(what.name())) refuse(what, "json_name: the key is the name of the field");
}

void checker::field_type(const pb::FieldDescriptor& what) {
  switch (what.type()) {
    case type::TYPE_BYTES:
      return refuse(what, "bytes has no form on the wire; use a string of base64url whose name ends in _b64u");
    case type::TYPE_FLOAT:
    case type::TYPE_DOUBLE:
      return refuse(what, "there are no fractions on the wire");
    case type::TYPE_FIXED32:
    case type::TYPE_FIXED64:
    case type::TYPE_SFIXED32:
    case type::TYPE_SFIXED64:
    case type::TYPE_SINT32:
    case type::TYPE_SINT64:
      return refuse(what, "integers are int32, uint32, int64 or uint64");
    case type::TYPE_GROUP:
      return refuse(what, "groups have no form on the wire");
    case type::TYPE_MESSAGE:
      if (what.is_map()) {
        if (!is_string_map(what)) refuse(what, "a map is map<string, string>");
      } else if (what.message_type()->file()->package() == "google.protobuf") {
        refuse(what, "well-known types have forms of their own in JSON; use plain fields");
      } else if (what.message_type()->file() != &file_) {
        refuse(what, "a field's type is declared in the same file");
      }
      return;
    case type::TYPE_ENUM:
      if (what.enum_type()->file() != &file_) refuse(what, "a field's type is declared in the same file");
      break;
    default:
      break;
  }
  if (what.is_repeated() && is_one_byte(what)) refuse(what, "a list of one-byte numbers; use a base64url string");
}

void checker::field_options(const pb::FieldDescriptor& what) {
  const auto& set = what.options();
  const bool singular = !what.is_repeated();
  const bool plain_string = what.type() == type::TYPE_STRING && singular;
  const bool raw = set.GetExtension(options::raw_json);
  const bool may_be_absent = set.GetExtension(options::may_be_absent);
  const bool is_optional = may_be_absent || what.has_optional_keyword();
  const auto width = set.GetExtension(options::width);

  if (width != options::WIDTH_DEFAULT && what.type() != type::TYPE_UINT32) refuse(what, "width is for uint32");
  if (raw && !plain_string) refuse(what, "raw_json is for a single string");
  if (set.GetExtension(options::sensitive) && (!plain_string || raw)) refuse(what, "sensitive is for a single string");
  if (may_be_absent && singular) refuse(what, "may_be_absent is for repeated and map fields; others say optional");
  if (set.GetExtension(options::null_is_absent) && (!is_optional || raw)) {
    refuse(what, "null_is_absent is for fields that may be left out, and not for raw_json");
  }
  if (set.GetExtension(options::absent_as_null) && (!raw || is_optional)) {
    refuse(what, "absent_as_null is for raw_json fields that are not optional");
  }
  if (set.GetExtension(options::omit_empty) && !(is_optional && (plain_string || !singular) && !raw)) {
    refuse(what, "omit_empty is for optional strings and for lists and maps that may be absent");
  }
  if (set.GetExtension(options::view) && !raw) refuse(what, "view is for raw_json fields");
}

void checker::service(const pb::ServiceDescriptor& what) {
  name(what);
  if (what.method_count() == 0) refuse(what, "a service needs a method");
  for (int i = 0; i < what.method_count(); ++i) method(*what.method(i));
}

void checker::method(const pb::MethodDescriptor& what) {
  name(what);
  const auto* nothing = options::Nothing::descriptor();
  const auto is_nothing = [nothing](const pb::Descriptor& each) { return each.full_name() == nothing->full_name(); };
  if (what.options().GetExtension(options::type_id) == 0) refuse(what, "type_id is missing, or 0");
  if (what.client_streaming() || what.server_streaming()) refuse(what, "there are no streaming calls");
  if (what.input_type()->file() != &file_) refuse(what, "the request is a message of the same file");
  switch (what.options().GetExtension(options::kind)) {
    case options::KIND_REQUEST:
      if (what.output_type()->file() != &file_) refuse(what, "the response is a message of the same file");
      break;
    case options::KIND_NOTIFY:
      if (!is_nothing(*what.output_type())) {
        refuse(what, "a notification has no response: returns (" + nothing->full_name() + ")");
      }
      break;
    default:
      refuse(what, "kind is missing: KIND_REQUEST or KIND_NOTIFY");
  }
}

void checker::views(const file_model& model) {
  for (const auto& service : model.services) {
    for (const auto& method : service.methods) {
      for (const auto& each : std::set{method.request, method.response}) {
        if (each.empty() || !model.message(each).borrows) continue;
        const auto* where = file_.FindServiceByName(service.name)->FindMethodByName(method.name);
        refuse(*where, each + " holds a view, which would outlive the text of the call");
      }
    }
  }
}

}  // namespace flowersec::idlgen
