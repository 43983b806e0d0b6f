// Senders that never wait and never read.
// Part of flowersec-load.
#pragma once

#include <chrono>
#include <span>

#include "flowersec/base/bytes.h"

namespace flowersec::load {

/// Writes `block` over and over to each of `fds` as fast as they take it. Connections that end are left alone.
/// Returns the bytes taken.
double flood_all(std::span<const int> fds, byte_view block, std::chrono::nanoseconds duration);

}  // namespace flowersec::load
