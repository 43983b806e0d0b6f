// Messages of flowersec.rpc.v1: the stream hello and the RPC envelope.
// Layer messages. The types are generated from idl/flowersec/rpc/v1; here is what a .proto cannot say.
// Source: PROTOCOL, "Stream hello" and "RPC envelope".
#pragma once

#include "flowersec/rpc/v1/types.gen.h"

namespace flowersec::messages::rpc::v1 {

/// Ids stay within what every JSON implementation can hold exactly: 2^53 - 1.
inline constexpr std::uint64_t max_rpc_id = 9007199254740991;

}  // namespace flowersec::messages::rpc::v1
