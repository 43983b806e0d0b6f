// One run of everything, decided by a seed: control plane, post, client, endpoint, thief, tunnel, network and
// accidents; and what must hold whatever happens. Test support. A run may have a flaw built in, to see that it is
// found.
#pragma once

#include "people.h"

namespace flowersec::sim {

enum class flaw : std::uint8_t {
  none,
  replay_is_forgotten,      ///< the replay memory finds every token fresh
  expired_tokens_are_good,  ///< the verifier does not look at the clock
  the_network_loses_a_byte,
  the_reader_loses_a_byte,  ///< above the records, where no tag covers it
  the_reader_repeats_a_byte,
  the_reader_loses_the_last_byte,
  a_window_is_ignored,  ///< an end holds more of a stream than it was told to
  a_budget_is_ignored,  ///< the tunnel holds more than it was told to
  the_silent_may_stay,  ///< no time-out for those who do not attach
};
inline constexpr std::size_t flaw_count = 10;

[[nodiscard]] std::string name_of(flaw which);

struct life_report {
  std::vector<std::string> broken;  ///< rules
  std::vector<std::string> ends;    ///< how each session ended
  std::size_t admissions = 0;
  std::size_t sessions_up = 0;
  std::size_t accidents = 0;
  bool calm = false;  ///< nothing stood in the way
};

[[nodiscard]] life_report live(std::uint64_t seed, flaw with = flaw::none);

}  // namespace flowersec::sim
