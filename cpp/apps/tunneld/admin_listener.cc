#include "tunneld/admin_listener.h"

#include "serving/listen_address.h"

namespace flowersec::apps {

result<admin_listener> admin_listener::open(boost::asio::io_context& context, const std::string& listen,
                                            const std::optional<tunnel::tls_files>& tls,
                                            http::request_handler handler) {
  http::server_options options;
  options.limits.max_connections = most_clients;
  // A page has no use for a body: what a client sends is thrown away, and the limit keeps it small.
  options.limits.max_body_bytes = 4096;
  if (tls) {
    auto loaded = http::load_server_tls(tls->certificate_chain, tls->private_key);
    if (!loaded) return loaded.error();
    options.tls = std::move(*loaded);
  }
  const auto where = resolve_listen_address(context, listen, make_error_code(tunnel::tunnel_errc::bad_listen_address));
  if (!where) return where.error();
  auto server = std::make_unique<http::server>(context.get_executor(), std::move(options), std::move(handler));
  if (const auto error = server->listen(*where)) return error;
  server->start();
  return admin_listener{std::move(server)};
}

std::string admin_listener::bound_address() const { return to_text(server_->local_endpoint()); }

void admin_listener::stop_all(boost::asio::io_context& context, const std::vector<admin_listener*>& listeners,
                              std::chrono::milliseconds limit) {
  auto running = listeners.size();
  if (running == 0) return;
  for (auto* one : listeners) {
    one->server_->async_stop(limit, [&running](error_code) { --running; });
  }
  while (running > 0) {
    // A further signal, or the end of a drain, stops it once more.
    if (context.stopped()) context.restart();
    context.run_one();
  }
}

}  // namespace flowersec::apps
