// Looks through frames that are kept for later for a goodbye among them.
// Layer tunnel. Knows frame headers (RFC 6455, 5.2) and nothing of what the frames carry. No I/O.
#pragma once

#include <optional>

#include "flowersec/base/bytes.h"

namespace flowersec::tunnel {

class goodbye_finder {
 public:
  /// `frames` is all that has come, the same bytes as the last time and more behind them. Each frame is looked at once.
  /// The status code (two bytes, or none) of the first whole close frame; nullopt when there is none yet. Looks no
  /// further than a frame that breaks the rules: who reads the frames later will find it.
  [[nodiscard]] std::optional<byte_buffer> look(byte_view frames);

 private:
  std::size_t seen_ = 0;
};

}  // namespace flowersec::tunnel
