// Names that TypeScript does not leave to a schema. The mark is an underscore at the end, which no name of a .proto
// has.
#pragma once

#include <string>

namespace flowersec::idlgen {

/// Adds `_` to the name of a message or enum that the language reserves, that generated code needs itself, or that
/// everybody takes for the built-in type: class, wire, Promise.
[[nodiscard]] std::string ts_type_name(std::string name);
/// Adds `_` to the name of a member that JavaScript gives a meaning of its own: an object with `then` is awaited.
[[nodiscard]] std::string ts_member_name(std::string name);
/// The same for a method: `new(...)` in an interface says how it is constructed.
[[nodiscard]] std::string ts_method_name(std::string name);

}  // namespace flowersec::idlgen
