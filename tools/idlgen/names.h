// How a name in a .proto becomes a name in C++; what TypeScript makes of it is in ts_names.h.
// Wire names never change: what is renamed here is only what a program types.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flowersec::idlgen {

/// ChannelInitGrant -> channel_init_grant, E2EE_Init -> e2ee_init, X25519Key -> x25519_key.
[[nodiscard]] std::string snake_case(std::string_view name);
/// GetStatus -> getStatus, get_status -> getStatus.
[[nodiscard]] std::string camel_case(std::string_view name);
/// get_status -> GetStatus; capitals stay.
[[nodiscard]] std::string pascal_case(std::string_view name);
[[nodiscard]] std::string upper_case(std::string_view name);

/// Adds `_` to a word that C++ or generated code reserves, and to what headers define as a macro, or might: NULL.
[[nodiscard]] std::string cpp_identifier(std::string name);

/// Whether headers use the name at global scope, so that no namespace can have it.
[[nodiscard]] bool is_cpp_global(std::string_view name);

/// Why a name cannot be used in every language; empty when it can.
[[nodiscard]] std::string_view unusable_because(std::string_view name);

/// The parts of a C++ namespace, "acme::files::v1".
[[nodiscard]] std::vector<std::string> split_namespace(std::string_view name);
[[nodiscard]] std::vector<std::string> split(std::string_view text, char at);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view with);

}  // namespace flowersec::idlgen
