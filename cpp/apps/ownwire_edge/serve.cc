#include "ownwire_edge/serve.h"

#include <boost/asio/post.hpp>

#include "flowersec/base/json.h"
#include "flowersec/ownwire/edge.h"
#include "ownwire_edge/metrics.h"
#include "ownwire_front/event_log.h"
#include "ownwire_front/site.h"
#include "serving/descriptors.h"
#include "serving/metrics_page.h"
#include "serving/operator_signals.h"
#include "serving/reloader.h"
#include "serving/service.h"
#include "serving/token_file.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;

/// Everything that serves, in the order in which it is made.
class service {
 public:
  service(asio::io_context& context, const edge_command& command, const invocation& io)
      : context_(context),
        command_(command),
        workers_(worker_threads()),
        site_(built_in_files(), settings()),
        edge_(open_edge()),
        reloader_(context),
        signals_(context, {.reload = [this] { reloader_.reload_all(); },
                           .stop = [this] { stop(); },
                           .stop_at_once = [this] { context_.stop(); }}) {
    reloader_.add(token_part());
    if (!command.front.metrics_listen.empty()) open_metrics();
    print_ready_line(io);
  }

  void run() {
    raise_descriptor_limit(2 * ownwire::edge_limits{}.max_users, "two for each of its users");
    warn_exposed("--backend-token-file", command_.backend_token_file);
    reloader_.watch();
    signals_.watch();
    context_.run();
  }

 private:
  asset_settings settings() {
    auto made = or_fail(read_asset_settings(command_.front));
    made.server_keys = command_.server_keys;
    return made;
  }

  std::string read_token() {
    return std::string{or_fail(read_token_file("--backend-token-file", command_.backend_token_file)).view()};
  }

  ownwire::edge open_edge() {
    ownwire::edge_options options;
    options.listen = resolve_or_fail(context_, "--bind", command_.front.public_address());
    options.token = read_token();
    options.allowed_origins = command_.front.allowed_origins;
    options.allow_no_origin = command_.front.allow_no_origin;
    if (!command_.front.trusted_proxies.empty()) options.trusted_proxies = command_.front.trusted_proxies;
    options.page = [this](const ws::request_head& head) -> std::optional<std::string> {
      return site_.answer({.method = head.method, .path = head.path(), .if_none_match = head.first("If-None-Match")});
    };
    options.on_event = [this](const ownwire::gateway_event& event) { events_.write(event); };
    auto opened = ownwire::edge::open(workers_.get_executor(), std::move(options));
    if (opened) return std::move(*opened);
    if (opened.error() == ownwire::edge_errc::port_taken) {
      throw start_failure{port_taken(command_.front.public_address(), "--port and --bind choose another")};
    }
    throw start_failure{"cannot start: " + opened.error().message()};
  }

  reloadable token_part() {
    const auto& path = command_.backend_token_file;
    file_watch present;
    present.note(path);
    return {.load = [this, path](file_watch& files) -> std::optional<problem> {
              files.note(path);
              const auto token = read_token_file("--backend-token-file", path);
              if (!token) return token.error();
              edge_.replace_token(std::string{token->view()});
              return std::nullopt;
            },
            .files = std::move(present),
            .done_line = "reloaded backend token",
            .failed_prefix = "reload backend token failed, the old one stays: "};
  }

  void open_metrics() {
    metrics_.emplace(
        or_fail(metrics_page::open(context_, command_.front.metrics_listen, "ownwire_edge_build_info", [this] {
          auto families = edge_families(edge_.counts());
          families.push_back(site_.answers());
          return families;
        })));
  }

  void print_ready_line(const invocation& io) {
    auto where = resolve_or_fail(context_, "--bind", command_.front.public_address());
    where.port(edge_.port());
    const auto listen = to_text(where);
    std::string text;
    json_object_writer line{text};
    write_build(line)
        .field("listen", listen)
        .field("http_url", "http://" + listen + '/')
        .field("ws_url", "ws://" + listen + "/ws")
        .field("backend_url", "ws://" + listen + "/backend");
    if (metrics_) line.field("metrics_url", "http://" + metrics_->bound_address() + "/metrics");
    line.field("server_key", command_.server_keys.front()).field("kid", kid_of(command_.server_keys.front())).end();
    apps::print_ready_line(io, text);
  }

  void stop() {
    edge_.async_stop([this](error_code) { asio::post(context_, [this] { context_.stop(); }); });
  }

  asio::io_context& context_;
  const edge_command& command_;
  asio::thread_pool workers_;
  event_log events_;
  site site_;
  worker_end worker_end_{workers_};
  ownwire::edge edge_;
  reloader reloader_;
  std::optional<metrics_page> metrics_;
  operator_signals signals_;
};

}  // namespace

int run_edge(const edge_command& command, const invocation& io) { return run_service<service>(command, io); }

}  // namespace flowersec::apps
