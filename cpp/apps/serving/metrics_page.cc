#include "serving/metrics_page.h"

#include "cli/version.h"
#include "serving/listen_address.h"
#include "serving/process_metrics.h"

namespace flowersec::apps {
namespace {

/// A page has no use for a body: what a client sends is thrown away, and the limit keeps it small.
constexpr std::size_t max_body_bytes = 4096;

void add_process(std::vector<metric_family>& families, const std::string& build_family) {
  const auto& build = build_version();
  families.push_back({build_family,
                      "Always 1; the labels say which build runs.",
                      false,
                      {{1, {{"version", build.version}, {"commit", build.commit}}}}});
  for (const auto& one : process_metrics()) families.push_back({one.name, one.help, one.counts, {{one.value, {}}}});
}

problem cannot_listen(const std::string& listen, const error_code& why) {
  return {"cannot listen on --metrics-listen " + listen + ": " + why.message()};
}

}  // namespace

or_problem<metrics_page> metrics_page::open(boost::asio::io_context& context, const std::string& listen,
                                            std::string build_family,
                                            std::function<std::vector<metric_family>()> families) {
  const auto malformed = make_error_code(boost::system::errc::invalid_argument);
  const auto where = resolve_listen_address(context, listen, malformed);
  if (!where) return cannot_listen(listen, where.error());
  http::server_options options;
  options.limits.max_connections = most_clients;
  options.limits.max_body_bytes = max_body_bytes;
  auto server = std::make_unique<http::server>(
      context.get_executor(), std::move(options),
      [build_family = std::move(build_family), families = std::move(families)](const http::request& asked,
                                                                               const http::responder& respond) {
        if (asked.path() != "/metrics") return respond(http::not_found());
        auto all = families();
        add_process(all, build_family);
        respond(
            {.status = 200, .headers = {{"Content-Type", metrics_content_type}}, .body = metrics_text(std::move(all))});
      });
  if (const auto failed = server->listen(*where)) return cannot_listen(listen, failed);
  server->start();
  return metrics_page{std::move(server)};
}

std::string metrics_page::bound_address() const { return to_text(server_->local_endpoint()); }

}  // namespace flowersec::apps
