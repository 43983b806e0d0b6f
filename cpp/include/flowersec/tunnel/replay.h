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
  std::int64_t issued_at = 0;   ///< the token's iat, Unix seconds
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
  /// Returns when every query asked before has been answered. The tunnel calls it on its way down, after the last
  /// query; a store that answers inline has nothing to do.
  virtual void settle() {}
};

/// In memory: bounded, empty after a restart. Thread-safe. No call takes longer because there are more entries; one
/// entry costs less than 100 bytes, whatever the token.
[[nodiscard]] std::shared_ptr<replay_store> make_memory_replay_store(std::size_t max_entries);

/// Refuses as used every token issued in the second of `start` or before, and asks `behind` about the others. iat is in
/// whole seconds, so of a token issued in the same second nobody can say on which side of the start it was.
/// A fence of the start of a process makes up for a memory that a restart emptied, as far as the issuers' clocks agree
/// with this machine's: a token of an issuer that runs d seconds ahead, issued in the last d seconds before the start
/// and used there, passes once more. d is at most the 30 s of clock skew that any token may have.
[[nodiscard]] std::shared_ptr<replay_store> make_fenced_replay_store(std::shared_ptr<replay_store> behind,
                                                                     wall_time start);

}  // namespace flowersec::tunnel
