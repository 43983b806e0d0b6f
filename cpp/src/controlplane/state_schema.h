// The tables of a state file, and how a file is made and recognised.
// Layer controlplane, private.
#pragma once

#include "sqlite.h"

namespace flowersec::controlplane {

/// In PRAGMA application_id: what `file` and we know a state file by. "FSCP".
inline constexpr std::int64_t state_application_id = 0x46534350;
/// In PRAGMA user_version. A file with a lower number is brought up to date when it is opened.
inline constexpr std::int64_t state_schema_version = 1;

/// Tables, indexes and the two numbers above, inside the caller's transaction. The file is empty.
void create_schema(sqlite_database& in);

/// How this connection works: what is committed is on the disk, and what is deleted is overwritten.
void configure(sqlite_database& in);

[[nodiscard]] std::int64_t pragma(sqlite_database& in, std::string_view name);

}  // namespace flowersec::controlplane
