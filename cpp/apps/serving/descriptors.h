// How many files a process may have open.
// Layer apps. For start-up, behind configure_log().
#pragma once

#include <cstddef>
#include <string_view>

namespace flowersec::apps {

/// Lets the process hold as many connections as it was told to, as far as the system allows; a warning names `flag`
/// when that is not enough.
void raise_descriptor_limit(std::size_t max_connections, std::string_view flag);

}  // namespace flowersec::apps
