#include "ts_names.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace flowersec::idlgen {
namespace {

// Words that cannot name a variable of a module, and those that begin something else where a type is expected.
constexpr std::string_view words[] = {
    "abstract",  "any",      "arguments", "as",         "asserts", "async",     "await",    "bigint",     "boolean",
    "break",     "case",     "catch",     "class",      "const",   "continue",  "debugger", "declare",    "default",
    "delete",    "do",       "else",      "enum",       "eval",    "export",    "extends",  "false",      "finally",
    "for",       "function", "if",        "implements", "import",  "in",        "infer",    "instanceof", "interface",
    "intrinsic", "is",       "keyof",     "let",        "module",  "namespace", "never",    "new",        "null",
    "number",    "object",   "out",       "package",    "private", "protected", "public",   "readonly",   "return",
    "satisfies", "static",   "string",    "super",      "switch",  "symbol",    "this",     "throw",      "true",
    "try",       "type",     "typeof",    "undefined",  "unique",  "unknown",   "using",    "var",        "void",
    "while",     "with",     "yield"};

// What generated files import, and what CommonJS and module loaders bring into every file.
constexpr std::string_view own[] = {"exports", "global", "globalThis", "require", "types", "wire"};

// Built-in types and values: hidden where such a message is imported, or meant where it is not.
constexpr std::string_view globals[] = {"AbortController",
                                        "AbortSignal",
                                        "AggregateError",
                                        "Array",
                                        "ArrayBuffer",
                                        "ArrayLike",
                                        "AsyncGenerator",
                                        "AsyncIterable",
                                        "AsyncIterator",
                                        "Atomics",
                                        "Awaited",
                                        "BigInt",
                                        "BigInt64Array",
                                        "BigUint64Array",
                                        "Boolean",
                                        "Buffer",
                                        "CallableFunction",
                                        "Capitalize",
                                        "ConstructorParameters",
                                        "DOMException",
                                        "DataView",
                                        "Date",
                                        "Error",
                                        "ErrorOptions",
                                        "EvalError",
                                        "Exclude",
                                        "Extract",
                                        "FinalizationRegistry",
                                        "Float32Array",
                                        "Float64Array",
                                        "Function",
                                        "Generator",
                                        "IArguments",
                                        "Infinity",
                                        "InstanceType",
                                        "Int16Array",
                                        "Int32Array",
                                        "Int8Array",
                                        "Intl",
                                        "Iterable",
                                        "IterableIterator",
                                        "Iterator",
                                        "IteratorResult",
                                        "JSON",
                                        "Lowercase",
                                        "Map",
                                        "Math",
                                        "NaN",
                                        "NewableFunction",
                                        "NonNullable",
                                        "Number",
                                        "Object",
                                        "Omit",
                                        "OmitThisParameter",
                                        "Parameters",
                                        "Partial",
                                        "Pick",
                                        "Promise",
                                        "PromiseLike",
                                        "PropertyDescriptor",
                                        "PropertyKey",
                                        "Proxy",
                                        "RangeError",
                                        "Readonly",
                                        "ReadonlyArray",
                                        "ReadonlyMap",
                                        "ReadonlySet",
                                        "Record",
                                        "ReferenceError",
                                        "Reflect",
                                        "RegExp",
                                        "Required",
                                        "ReturnType",
                                        "Set",
                                        "SharedArrayBuffer",
                                        "String",
                                        "Symbol",
                                        "SyntaxError",
                                        "TextDecoder",
                                        "TextEncoder",
                                        "ThisParameterType",
                                        "ThisType",
                                        "TypeError",
                                        "URIError",
                                        "Uint16Array",
                                        "Uint32Array",
                                        "Uint8Array",
                                        "Uint8ClampedArray",
                                        "Uncapitalize",
                                        "Uppercase",
                                        "WeakMap",
                                        "WeakRef",
                                        "WeakSet"};

constexpr std::string_view members[] = {"catch",         "constructor",          "finally",   "hasOwnProperty",
                                        "isPrototypeOf", "propertyIsEnumerable", "prototype", "then",
                                        "toJSON",        "toLocaleString",       "toString",  "valueOf"};

template <std::size_t n>
bool is_among(const std::string_view (&list)[n], std::string_view name) {
  return std::ranges::find(list, name) != std::end(list);
}

}  // namespace

std::string ts_type_name(std::string name) {
  if (is_among(words, name) || is_among(own, name) || is_among(globals, name)) name += '_';
  return name;
}

std::string ts_member_name(std::string name) {
  if (is_among(members, name)) name += '_';
  return name;
}

std::string ts_method_name(std::string name) { return name == "new" ? "new_" : ts_member_name(std::move(name)); }

}  // namespace flowersec::idlgen
