// Bytes as lower-case hex.
// Layer apps. Pure.
#pragma once

#include <string>

#include "flowersec/base/bytes.h"

namespace flowersec::apps {

[[nodiscard]] std::string to_hex(byte_view bytes);

}  // namespace flowersec::apps
