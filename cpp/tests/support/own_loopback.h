// Where a test listens that starts its server again in the same place.
// Test support.
#pragma once

#include <unistd.h>

#include <string>

namespace flowersec::testing_support {

/// An address of 127.64.0.0/10 for each process. On 127.0.0.1 the port of a server that is gone for a moment is
/// anybody's: the kernel may give it to another test.
inline std::string own_loopback() {
  const auto pid = static_cast<unsigned>(::getpid());  // at most 22 bits
  return "127." + std::to_string(64 + (pid >> 16U) % 64) + '.' + std::to_string(pid >> 8U & 0xffU) + '.' +
         std::to_string(pid & 0xffU);
}

}  // namespace flowersec::testing_support
