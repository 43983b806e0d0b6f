#include "tunneld/metrics_listener.h"

#include <sstream>

namespace flowersec::apps {
namespace {

constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=values";

http::response answer(const http::request& asked, const tunnel::server& tunnel) {
  if (asked.path() != "/metrics") return http::not_found();
  auto text = tunnel.metrics_text();
  if (!text) return http::not_found();
  return {.status = 200, .headers = {{"Content-Type", metrics_content_type}}, .body = std::move(*text)};
}

result<boost::asio::ip::tcp::endpoint> resolve(boost::asio::io_context& context, const std::string& listen) {
  const auto colon = listen.rfind(':');
  if (colon == listen.npos) return make_error_code(tunnel::tunnel_errc::bad_listen_address);
  auto host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  // Every interface means both families on one socket, as on the main listener.
  if (host.empty()) host = "::";
  boost::asio::ip::tcp::resolver resolver{context};
  error_code error;
  const auto found = resolver.resolve(host, listen.substr(colon + 1), boost::asio::ip::resolver_base::passive, error);
  if (error) return error;
  return found.begin()->endpoint();
}

}  // namespace

result<metrics_listener> metrics_listener::open(boost::asio::io_context& context, const std::string& listen,
                                                const std::optional<tunnel::tls_files>& tls,
                                                const tunnel::server& tunnel) {
  http::server_options options;
  if (tls) {
    auto loaded = http::load_server_tls(tls->certificate_chain, tls->private_key);
    if (!loaded) return loaded.error();
    options.tls = std::move(*loaded);
  }
  const auto where = resolve(context, listen);
  if (!where) return where.error();
  auto server = std::make_unique<http::server>(
      context.get_executor(), std::move(options),
      [&tunnel](const http::request& asked, const http::responder& respond) { respond(answer(asked, tunnel)); });
  if (const auto error = server->listen(*where)) return error;
  server->start();
  return metrics_listener{std::move(server)};
}

std::string metrics_listener::bound_address() const {
  std::ostringstream text;
  text << server_->local_endpoint();
  return text.str();
}

}  // namespace flowersec::apps
