// RPC handlers written as coroutines.
// Layer endpoint. The rpc layer knows no Asio: its handlers get a responder to keep. This is the bridge.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>

#include "flowersec/rpc/handler.h"
#include "flowersec/rpc/reply.h"

namespace flowersec::endpoint {

using rpc_coroutine = std::function<boost::asio::awaitable<rpc::reply>(rpc::request)>;

/// A handler for rpc::router::on_request that runs `answer` on a strand of `executor`. When the rpc stream or the
/// session ends, the coroutine is cancelled (terminal cancellation). One that throws answers 500 "internal error".
[[nodiscard]] rpc::request_handler in_coroutine(boost::asio::any_io_executor executor, rpc_coroutine answer);

}  // namespace flowersec::endpoint
