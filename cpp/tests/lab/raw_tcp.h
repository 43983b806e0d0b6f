// Plain TCP through the lab, with as much in flight as the kernel lets it: what everything else is measured against.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace flowersec::lab {

/// Listens, says so by a line of JSON, and takes everything of one connection; answers its end with one byte.
/// Throws std::system_error.
void run_sink(std::uint16_t port, std::ostream& out);

/// Sends so many bytes, and waits for the answer: a line of JSON with the seconds that took, connecting left out.
/// Throws std::system_error.
void run_sender(const std::string& address, std::uint16_t port, std::uint64_t bytes, std::ostream& out);

}  // namespace flowersec::lab
