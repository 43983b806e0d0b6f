#include "tunneld/metrics_listener.h"

namespace flowersec::apps {
namespace {

constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=values";

http::response answer(const http::request& asked, const tunnel::server& tunnel) {
  if (asked.path() != "/metrics") return http::not_found();
  auto text = tunnel.metrics_text();
  if (!text) return http::not_found();
  return {.status = 200, .headers = {{"Content-Type", metrics_content_type}}, .body = std::move(*text)};
}

}  // namespace

result<metrics_listener> metrics_listener::open(boost::asio::io_context& context, const std::string& listen,
                                                const std::optional<tunnel::tls_files>& tls,
                                                const tunnel::server& tunnel) {
  auto opened = admin_listener::open(
      context, listen, tls,
      [&tunnel](const http::request& asked, const http::responder& respond) { respond(answer(asked, tunnel)); });
  if (!opened) return opened.error();
  return metrics_listener{std::move(*opened)};
}

}  // namespace flowersec::apps
