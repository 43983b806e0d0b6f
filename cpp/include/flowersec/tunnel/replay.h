// Remembering used tokens, so that each opens the door once.
// Layer tunnel. Source: PROTOCOL, "Replay protection".
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "flowersec/base/clock.h"

namespace flowersec::tunnel {

enum class replay_answer : std::uint8_t {
  fresh,        ///< not seen before; it is now
  used,         ///< seen before
  unavailable,  ///< the store is full or cannot say. Refused like a used one: the store fails closed
};

struct replay_query {
  std::string key;              ///< audience NUL issuer NUL token id
  std::int64_t remember_until;  ///< last second in which the token is refused
};

class replay_store {
 public:
  virtual ~replay_store() = default;
  /// Checks and stores in one atomic step. `answer` is called exactly once, from any thread, also inline, by
  /// `deadline` (unavailable when that passes).
  virtual void try_use(replay_query query, wall_time wall_now, mono_time now, mono_time deadline,
                       std::function<void(replay_answer)> answer) = 0;
  /// Forgets what has expired. Called by one thread twice a second.
  virtual void expire(wall_time wall_now, mono_time now) = 0;
};

/// In memory: bounded, constant time per attach, empty after a restart. Thread-safe.
[[nodiscard]] std::shared_ptr<replay_store> make_memory_replay_store(std::size_t max_entries);

}  // namespace flowersec::tunnel
