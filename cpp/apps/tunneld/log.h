// The log of the tunnel process: lines on stderr, "YYYY/MM/DD HH:MM:SS message", local time.
// Layer apps. Safe from any thread. No line is ever written for a single connection.
#pragma once

#include <string_view>

namespace flowersec::apps {

void log_line(std::string_view message);

}  // namespace flowersec::apps
