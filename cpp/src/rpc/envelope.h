// Envelopes as frames: what is written, and what a received envelope is.
// Layer rpc, private. Source: PROTOCOL, "RPC envelope".
#pragma once

#include "flowersec/base/json_frame.h"
#include "flowersec/messages/rpc_v1.h"
#include "flowersec/rpc/error.h"
#include "flowersec/rpc/observer.h"
#include "flowersec/rpc/reply.h"

namespace flowersec::rpc {

using messages::rpc::v1::rpc_envelope;

enum class envelope_kind { request, response, notification };

/// A response is whatever answers something; the combinations that are never sent are taken as that, too.
[[nodiscard]] envelope_kind kind_of(const rpc_envelope& envelope) noexcept;

/// Errors   invalid_payload, frame_too_large. Nothing that a peer would have to skip leaves this side.
[[nodiscard]] result<byte_buffer> encode_frame(const rpc_envelope& envelope, std::size_t max_bytes);

/// How a call that got this answer is counted.
[[nodiscard]] call_result result_of(const reply& answer) noexcept;

}  // namespace flowersec::rpc
