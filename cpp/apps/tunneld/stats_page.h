// The page of bandwidth statistics: what passed through each channel, as JSON.
// Layer apps. Asks the tunnel, which asks its threads, so the answer comes later; it is written on the context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "flowersec/http/server.h"
#include "flowersec/tunnel/server.h"

namespace flowersec::apps {

/// GET /stats/v1/bandwidth. Both must outlive the handler, and every answer it still owes.
[[nodiscard]] http::request_handler serve_bandwidth(boost::asio::io_context& context, tunnel::server& tunnel);

/// One compact JSON line.
[[nodiscard]] std::string bandwidth_text(wall_time now, std::vector<tunnel::channel_report> channels);

}  // namespace flowersec::apps
