// Which replay store the tunnel gets: memory, a journal, a fence, or both; and what the operator must know about it.
// Layer apps.
#pragma once

#include <memory>

#include "cli/problem.h"
#include "flowersec/tunnel/replay.h"
#include "tunneld/options.h"

namespace flowersec::apps {

/// Opens the journal, reads the clock for the fence, and logs what was found or is missing. Call it last before the
/// tunnel starts: what was issued up to this second is behind the fence.
[[nodiscard]] or_problem<std::shared_ptr<tunnel::replay_store>> choose_replay_store(
    const tunnel_command& command, const tunnel::tunnel_limits& limits);

}  // namespace flowersec::apps
