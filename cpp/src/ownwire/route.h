// The way from one session to the internal client it is bound to.
// Layer ownwire, private. Shared by the session and the texts of it that are under way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "flowersec/ownwire/internal_frames.h"

namespace flowersec::ownwire {

using client_id = std::uint64_t;

struct route {
  std::shared_ptr<const text_sender> sender;
  /// The client that has the session, until that connection ends.
  std::optional<client_id> client{};
  std::size_t waiting = 0;  ///< texts of it that wait
  bool closed = false;      ///< the session is over
};

}  // namespace flowersec::ownwire
