// Tickets inside other frames.
// Layer rendezvous, part `frames`. Internal.
#pragma once

#include <boost/json/object.hpp>

#include "flowersec/rendezvous/channel_ticket.h"

namespace flowersec::rendezvous {

[[nodiscard]] std::optional<channel_ticket> read_ticket(const boost::json::object& object);

}  // namespace flowersec::rendezvous
