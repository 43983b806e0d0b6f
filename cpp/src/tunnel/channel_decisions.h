// What a policy decided about open channels: checked as a batch, then applied by the shards that own the channels.
// Layer tunnel. Pure; the server carries the batch from shard to shard.
#pragma once

#include <vector>

#include "flowersec/tunnel/policy.h"
#include "tunnel/channel_table.h"

namespace flowersec::tunnel {

/// Trims the names in place. False when one of the three that name a channel is blank, or two decisions name the same.
[[nodiscard]] bool tidy(std::vector<channel_decision>& decisions);

/// Whether a decision may be about this channel: its tenant id is blank or the channel's.
[[nodiscard]] inline bool fits(const channel_decision& decision, const channel& room) noexcept {
  return decision.tenant_id.empty() || decision.tenant_id == room.tenant_id;
}

}  // namespace flowersec::tunnel
