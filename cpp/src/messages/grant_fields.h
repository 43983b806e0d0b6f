// The fields of a grant, shared by the plain codec and by the reader of wrapped grants.
// Layer messages, private.
#pragma once

#include <boost/json/object.hpp>

#include "flowersec/messages/controlplane_v1.h"

namespace flowersec::messages::controlplane::v1 {

[[nodiscard]] decoded<channel_init_grant> decode_channel_init_grant(const boost::json::object& object);

}  // namespace flowersec::messages::controlplane::v1
