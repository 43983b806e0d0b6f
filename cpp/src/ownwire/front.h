// Who comes in, from where, how often: what the ws layer knows of it, under this layer's names.
// Layer ownwire, private.
#pragma once

#include "ws/address.h"
#include "ws/door.h"
#include "ws/entrance.h"
#include "ws/farewell.h"
#include "ws/origin_rule.h"
#include "ws/rate.h"
#include "ws/time_limit.h"
#include "ws/visitors.h"

namespace flowersec::ownwire {

using ws::address_as_told;
using ws::address_of_visitor;
using ws::door;
using ws::entrance;
using ws::farewell;
using ws::network_list;
using ws::origin_rule;
using ws::rate;
using ws::rate_bucket;
using ws::serial_executor;
using ws::unmapped;
using ws::upgrade;
using ws::visitor_address;
using ws::visitor_limits;
using ws::visitors;
using ws::within;

}  // namespace flowersec::ownwire
