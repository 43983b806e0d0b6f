#include "read_model.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "checks.h"
#include "names.h"
#include "ts_names.h"

namespace flowersec::idlgen {
namespace {

using type = pb::FieldDescriptor::Type;

/// What a compiler of either language, or an editor, takes for the end of a line. CR LF is one.
constexpr std::array<std::string_view, 7> line_ends{"\r\n",     "\r",           "\v",          "\f",
                                                    "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};

std::string with_plain_line_ends(std::string text) {
  for (const auto end : line_ends) {
    for (auto at = text.find(end); at != std::string::npos; at = text.find(end, at + 1))
      text.replace(at, end.size(), "\n");
  }
  return text;
}

/// Without the white space at both ends, and without the first space of each line. A comment may hold anything, also
/// what would end it in a generated file, or continue it over the next line.
std::string tidy(const std::string& comment) {
  std::vector<std::string> lines;
  for (auto line : split(with_plain_line_ends(comment), '\n')) {
    if (line.starts_with(' ')) line.erase(0, 1);
    while (!line.empty() && std::string_view{" \t\\"}.find(line.back()) != std::string_view::npos) line.pop_back();
    for (auto at = line.find("*/"); at != std::string::npos; at = line.find("*/", at)) line.replace(at, 2, "* /");
    lines.push_back(std::move(line));
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return join(lines, "\n");
}

/// The comment at the top of the file, above `syntax`.
std::string file_comment(const pb::FileDescriptor& file) {
  pb::SourceLocation place;
  if (!file.GetSourceLocation({pb::FileDescriptorProto::kSyntaxFieldNumber}, &place)) return {};
  std::string all;
  for (const auto& block : place.leading_detached_comments) all += block;
  return tidy(all + place.leading_comments);
}

template <class Descriptor>
origin place_of(const Descriptor& what) {
  return {.element = what.full_name(), .file = what.file()->name(), .line = line_of(what)};
}

origin place_of(const pb::EnumValueDescriptor& what) {
  return {.element = what.full_name(), .file = what.type()->file()->name(), .line = line_of(what)};
}

origin place_of(const pb::MethodDescriptor& what) {
  return {.element = what.full_name(), .file = what.service()->file()->name(), .line = line_of(what)};
}

field_kind kind_of(const pb::FieldDescriptor& field) {
  const auto& set = field.options();
  if (field.is_map()) return field_kind::text_map;
  switch (field.type()) {
    case type::TYPE_BOOL:
      return field_kind::boolean;
    case type::TYPE_INT32:
      return field_kind::i32;
    case type::TYPE_INT64:
      return field_kind::i64;
    case type::TYPE_UINT64:
      return field_kind::u64;
    case type::TYPE_UINT32:
      if (set.GetExtension(options::width) == options::WIDTH_U8) return field_kind::u8;
      return set.GetExtension(options::width) == options::WIDTH_U16 ? field_kind::u16 : field_kind::u32;
    case type::TYPE_ENUM:
      return field_kind::enumeration;
    case type::TYPE_MESSAGE:
      return field_kind::message;
    default:
      return set.GetExtension(options::raw_json) ? field_kind::json : field_kind::string;
  }
}

field_model read_field(const pb::FieldDescriptor& field) {
  const auto& set = field.options();
  field_model out{.at = place_of(field), .wire_name = field.name(), .cpp_name = cpp_identifier(field.name())};
  // A member with the name of its own struct would hide it.
  if (out.cpp_name == cpp_identifier(snake_case(field.containing_type()->name()))) out.cpp_name += '_';
  out.kind = kind_of(field);
  if (out.kind == field_kind::enumeration) out.type = field.enum_type()->name();
  if (out.kind == field_kind::message) out.type = field.message_type()->name();
  out.repeated = field.is_repeated() && !field.is_map();
  out.optional = field.has_optional_keyword() || set.GetExtension(options::may_be_absent);
  out.sensitive = set.GetExtension(options::sensitive);
  out.null_is_absent = set.GetExtension(options::null_is_absent);
  out.absent_as_null = set.GetExtension(options::absent_as_null);
  out.omit_empty = set.GetExtension(options::omit_empty);
  out.view = set.GetExtension(options::view);
  out.comment = tidy(comment_of(field));
  return out;
}

message_model read_message(const pb::Descriptor& message) {
  message_model out{.at = place_of(message),
                    .name = message.name(),
                    .cpp_name = cpp_identifier(snake_case(message.name())),
                    .ts_name = ts_type_name(message.name())};
  for (int i = 0; i < message.field_count(); ++i) out.fields.push_back(read_field(*message.field(i)));
  out.strict = message.options().GetExtension(options::strict_unknown);
  out.indented = message.options().GetExtension(options::indented);
  out.comment = tidy(comment_of(message));
  return out;
}

enum_model read_enum(const pb::EnumDescriptor& from) {
  enum_model out{.at = place_of(from),
                 .name = from.name(),
                 .cpp_name = cpp_identifier(snake_case(from.name())),
                 .ts_name = ts_type_name(from.name())};
  const auto width = from.options().GetExtension(options::enum_width);
  out.width_bits = width == options::WIDTH_U8 ? 8 : width == options::WIDTH_U16 ? 16 : 32;
  const auto prefix_size = snake_case(from.name()).size() + 1;
  for (int i = 0; i < from.value_count(); ++i) {
    const auto& value = *from.value(i);
    if (value.options().GetExtension(options::not_on_wire) || value.name().size() <= prefix_size) continue;
    const auto name = snake_case(value.name().substr(prefix_size));
    out.values.push_back({.at = place_of(value),
                          .cpp_name = cpp_identifier(name),
                          .ts_name = ts_member_name(name),
                          .number = value.number(),
                          .comment = tidy(comment_of(value))});
  }
  out.comment = tidy(comment_of(from));
  return out;
}

service_model read_service(const pb::ServiceDescriptor& service) {
  service_model out{.at = place_of(service), .name = service.name(), .cpp_name = snake_case(service.name())};
  for (int i = 0; i < service.method_count(); ++i) {
    const auto& method = *service.method(i);
    method_model each{.at = place_of(method),
                      .name = method.name(),
                      .cpp_name = cpp_identifier(snake_case(method.name())),
                      .ts_name = ts_method_name(camel_case(method.name()))};
    each.is_request = method.options().GetExtension(options::kind) == options::KIND_REQUEST;
    each.type_id = method.options().GetExtension(options::type_id);
    each.request = method.input_type()->name();
    if (each.is_request) each.response = method.output_type()->name();
    each.comment = tidy(comment_of(method));
    out.methods.push_back(std::move(each));
  }
  out.comment = tidy(comment_of(service));
  return out;
}

/// Whether a message holds another, in however many steps; lists count too.
bool leads_to(const file_model& model, const std::string& from, const std::string& to) {
  std::set<std::string> seen;
  const std::function<bool(const std::string&)> search = [&](const std::string& at) {
    for (const auto& field : model.message(at).fields) {
      if (field.kind != field_kind::message) continue;
      if (field.type == to || (seen.insert(field.type).second && search(field.type))) return true;
    }
    return false;
  };
  return search(from);
}

/// Each message after those it holds; declared order otherwise. A list whose elements hold the list's owner in turn
/// gives no order: what is held by value comes first.
void sort_by_use(file_model& model) {
  std::vector<message_model> sorted;
  std::set<std::string> placed;
  const std::function<void(const std::string&)> place = [&](const std::string& name) {
    if (!placed.insert(name).second) return;
    const auto& each = model.message(name);
    for (const auto& field : each.fields) {
      if (field.kind != field_kind::message) continue;
      if (!field.repeated || !leads_to(model, field.type, name)) place(field.type);
    }
    sorted.push_back(each);
  };
  for (const auto& each : model.messages) place(each.name);
  model.messages = std::move(sorted);
}

/// `secret` and `borrows` of messages that hold others, until nothing changes.
void spread_properties(file_model& model) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& each : model.messages) {
      const auto before = std::tuple{each.secret, each.borrows, each.carries_json};
      for (const auto& field : each.fields) {
        const bool is_message = field.kind == field_kind::message;
        each.secret = each.secret || field.sensitive || (is_message && model.message(field.type).secret);
        each.carries_json = each.carries_json || field.kind == field_kind::json ||
                            (is_message && model.message(field.type).carries_json);
        each.borrows = each.borrows || field.view || (is_message && model.message(field.type).borrows);
      }
      changed = changed || before != std::tuple{each.secret, each.borrows, each.carries_json};
    }
  }
}

}  // namespace

std::string diagnostics::text() const { return join(lines_, "\n"); }

file_model read_model(const pb::FileDescriptor& file, diagnostics& problems) {
  file_model model{.at = {.element = file.package(), .file = file.name(), .line = line_of_package(file)},
                   .source = file.name(),
                   .package = file.package()};
  diagnostics found;
  checker check{file, found};
  check.file();
  if (!found.empty()) {
    problems.append(found);
    return model;
  }
  model.cpp_namespace = file.options().GetExtension(options::cpp_namespace);
  if (model.cpp_namespace.empty()) {
    auto parts = split(file.package(), '.');
    std::ranges::transform(parts, parts.begin(), cpp_identifier);
    model.cpp_namespace = join(parts, "::");
  }
  model.comment = file_comment(file);
  for (int i = 0; i < file.enum_type_count(); ++i) model.enums.push_back(read_enum(*file.enum_type(i)));
  for (int i = 0; i < file.message_type_count(); ++i) model.messages.push_back(read_message(*file.message_type(i)));
  for (int i = 0; i < file.service_count(); ++i) model.services.push_back(read_service(*file.service(i)));
  sort_by_use(model);
  spread_properties(model);
  check.views(model);
  problems.append(found);
  return model;
}

void check_together(const std::vector<const pb::FileDescriptor*>& files, diagnostics& problems) {
  std::map<std::string, std::string> owner;
  for (const auto* file : files) {
    const auto [first, is_new] = owner.emplace(file->package(), file->name());
    if (!is_new) {
      problems.add(file->name(), line_of_package(*file), file->package(),
                   "the package is that of " + first->second + "; one file each");
    }
  }
}

}  // namespace flowersec::idlgen
