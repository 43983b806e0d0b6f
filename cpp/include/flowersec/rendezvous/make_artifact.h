// From a ticket and a derived key to what an attempt connects with.
// Layer rendezvous, part `artifact`. Source: REGISTRY, "Frames".
#pragma once

#include "flowersec/endpoint/artifact.h"
#include "flowersec/rendezvous/channel_ticket.h"

namespace flowersec::rendezvous {

using endpoint_artifact = endpoint::connect_artifact;

[[nodiscard]] inline endpoint_artifact make_artifact(const channel_ticket& ticket, const identity::call_psk& key) {
  return endpoint_artifact{.target = make_grant(ticket, key)};
}

}  // namespace flowersec::rendezvous
