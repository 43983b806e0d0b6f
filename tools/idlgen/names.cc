#include "names.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace flowersec::idlgen {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

constexpr std::string_view cpp_words[] = {
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
    "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
    "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
    "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
    "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "return", "short", "signed",
    "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this", "thread_local", "throw",
    "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void", "volatile",
    "wchar_t", "while", "xor", "xor_eq",
    // Words that generated code needs where they could be hidden, and macros of common headers.
    "clone", "codec", "decode", "decoded", "encode", "errno", "is_declared", "linux", "major", "minor",
    "sensitive_text", "std", "try_encode", "unix"};

constexpr std::string_view ts_types[] = {
    "AbortSignal",  "Array",    "Boolean", "CallOptions", "Date",       "Error",     "Function",     "JSON",
    "Map",          "Notifier", "Number",  "Object",      "Promise",    "Record",    "RpcCallError", "RpcCaller",
    "RpcRegistrar", "Set",      "String",  "Symbol",      "Uint8Array", "any",       "bigint",       "boolean",
    "never",        "number",   "object",  "string",      "symbol",     "undefined", "unknown",      "void"};

constexpr std::string_view ts_members[] = {"__proto__", "catch", "constructor", "finally",  "hasOwnProperty",
                                           "prototype", "then",  "toJSON",      "toString", "valueOf"};

template <std::size_t n>
std::string with_mark(std::string name, const std::string_view (&words)[n]) {
  if (std::ranges::find(words, std::string_view{name}) != std::end(words)) name += '_';
  return name;
}

}  // namespace

std::string snake_case(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (is_upper(name[i]) && i > 0 && name[i - 1] != '_') {
      const bool after_small = is_lower(name[i - 1]);
      const bool starts_word = i + 1 < name.size() && is_lower(name[i + 1]);
      if (after_small || starts_word) out += '_';
    }
    out += to_lower(name[i]);
  }
  return out;
}

std::string pascal_case(std::string_view name) {
  std::string out;
  for (const auto& part : split(name, '_')) {
    if (part.empty()) continue;
    out += to_upper(part.front());
    out += part.substr(1);
  }
  return out;
}

std::string camel_case(std::string_view name) {
  auto out = pascal_case(name);
  // A leading run of capitals goes down together: GETStatus -> getStatus, URL -> url.
  for (std::size_t i = 0; i < out.size() && is_upper(out[i]); ++i) {
    if (i > 0 && i + 1 < out.size() && is_lower(out[i + 1])) break;
    out[i] = to_lower(out[i]);
  }
  return out;
}

std::string upper_case(std::string_view name) {
  std::string out{name};
  std::ranges::transform(out, out.begin(), to_upper);
  return out;
}

std::string cpp_identifier(std::string name) { return with_mark(std::move(name), cpp_words); }
std::string ts_type_name(std::string name) { return with_mark(std::move(name), ts_types); }
std::string ts_member_name(std::string name) { return with_mark(std::move(name), ts_members); }

std::string_view unusable_because(std::string_view name) {
  if (name.starts_with('_') || name.ends_with('_')) return "a name must not begin or end with an underscore";
  if (name.find("__") != std::string_view::npos) return "a name must not contain two underscores in a row";
  return {};
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (std::size_t start = 0;;) {
    const auto end = text.find(at, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view with) {
  std::string out;
  for (const auto& part : parts) {
    if (&part != &parts.front()) out += with;
    out += part;
  }
  return out;
}

}  // namespace flowersec::idlgen
