// Everything the serving peer offers: RPC types 1, 7 and 9, and the streams echo, sink and source.
// Layer apps, on the endpoint API alone.
#pragma once

#include <memory>

#include "flowersec/endpoint/session.h"
#include "peer/serve_figures.h"

namespace flowersec::apps {

// The contract that both peers know.
inline constexpr std::uint32_t rpc_ping = 1;     ///< answers {"ok":true}, after sending notification rpc_hello
inline constexpr std::uint32_t rpc_hello = 2;    ///< notification {"hello":"world"}
inline constexpr std::uint32_t rpc_echo = 7;     ///< answers the payload
inline constexpr std::uint32_t rpc_teapot = 9;   ///< error 418 "teapot"
inline constexpr std::uint32_t rpc_nobody = 99;  ///< nobody serves it

/// Counts into `figures`.
[[nodiscard]] endpoint::stream_router make_services(std::shared_ptr<serve_figures> figures);

}  // namespace flowersec::apps
