#include "tunneld/stats_page.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "flowersec/stats/v1/types.gen.h"

namespace flowersec::apps {
namespace {

std::int64_t to_unix_ms(wall_time time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

http::response page(std::vector<tunnel::channel_report> channels) {
  auto answer = http::json_response(200, bandwidth_text(system_clocks().wall_now(), std::move(channels)));
  answer.headers.push_back({"Cache-Control", "no-store"});
  return answer;
}

}  // namespace

std::string bandwidth_text(wall_time now, std::vector<tunnel::channel_report> channels) {
  messages::stats::v1::bandwidth_report report{.now_unix_ms = to_unix_ms(now), .channels = {}};
  report.channels.reserve(channels.size());
  for (auto& one : channels) {
    std::optional<std::int64_t> closed_at;
    if (one.closed_at) closed_at = to_unix_ms(*one.closed_at);
    report.channels.push_back({.channel_id = std::move(one.channel_id),
                               .bytes_to_client = one.bytes.to_client,
                               .bytes_to_server = one.bytes.to_server,
                               .closed_at_unix_ms = closed_at});
  }
  return encode(report) + '\n';
}

http::request_handler serve_bandwidth(boost::asio::io_context& context, tunnel::server& tunnel) {
  return [&context, &tunnel](const http::request& asked, const http::responder& respond) {
    if (asked.path() != "/stats/v1/bandwidth") return respond(http::not_found());
    if (asked.method != "GET") return respond(http::method_not_allowed());
    tunnel.report_channels(
        tunnel::reported_channels::open_and_closed, [&context, respond](std::vector<tunnel::channel_report> channels) {
          // Writing thousands of rows is not the work of a thread that relays.
          boost::asio::post(
              context, [respond, channels = std::move(channels)]() mutable { respond(page(std::move(channels))); });
        });
  };
}

}  // namespace flowersec::apps
