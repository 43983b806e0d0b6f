#include "ownwire/serve.h"

#include <boost/asio/post.hpp>

#include "flowersec/base/json.h"
#include "flowersec/ownwire/behind.h"
#include "flowersec/ownwire/gateway.h"
#include "ownwire/live_files.h"
#include "ownwire/metrics.h"
#include "ownwire/psk_file.h"
#include "ownwire_front/event_log.h"
#include "ownwire_front/site.h"
#include "serving/descriptors.h"
#include "serving/identity_keys.h"
#include "serving/metrics_page.h"
#include "serving/operator_signals.h"
#include "serving/service.h"
#include "serving/token_file.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;

/// Everything that serves, in the order in which it is made.
class service {
 public:
  service(asio::io_context& context, const ownwire_command& command, const invocation& io)
      : context_(context),
        command_(command),
        workers_(worker_threads()),
        identity_(or_fail(plan_identity(command.key_path(), system_random(), now()))),
        keys_(identity_.keys),
        site_(built_in_files(), settings()),
        gateway_(open_gateway()),
        signals_(context, {.reload = [this] { files_->reload(); },
                           .stop = [this] { stop(); },
                           .stop_at_once = [this] { context_.stop(); }}) {
    if (!command.behind.empty()) dial_edge(behind_token());
    if (!command.front.metrics_listen.empty()) open_metrics();
    save_key();
    follow_files();
    print_ready_line(io);
  }

  void run() {
    raise_descriptor_limit(static_cast<std::size_t>(command_.max_sessions), "--max-sessions");
    warn_exposed("--internal-token-file", command_.internal_token_file);
    warn_exposed("--internal-psk-file", command_.internal_psk_file);
    warn_exposed("--behind-token-file", command_.behind_token_file);
    files_->watch();
    signals_.watch();
    context_.run();
  }

 private:
  static unix_seconds now() { return to_unix_seconds(system_clocks().wall_now()); }

  /// Last of all: a start that fails leaves no key behind, which some client might be given.
  void save_key() {
    const auto path = command_.key_path();
    if (const auto failed = save_identity(path, identity_)) throw start_failure{failed->text};
    if (!identity_.is_new) return;
    log_line(log_level::info, "made a new identity key", {{"path", path}, {"kid", identity_.keys->current().kid()}});
  }

  void follow_files() {
    files_.emplace(context_, command_, keys_, site_, gateway_);
    if (command_.behind.empty()) return;
    files_->add_behind_token([this](std::string token) { behind_->replace_token(std::move(token)); });
  }

  asset_settings settings() {
    auto made = or_fail(read_asset_settings(command_.front));
    made.server_keys = public_texts(*keys_.get());
    return made;
  }

  ownwire::gateway open_gateway() {
    ownwire::gateway_options options;
    options.credentials.keys = [this] { return keys_.get(); };
    if (command_.behind.empty()) options.public_port = public_port();
    options.internal_port = internal_port();
    options.limits.max_sessions = static_cast<std::size_t>(command_.max_sessions);
    options.limits.max_sessions_per_address = static_cast<std::size_t>(command_.max_sessions_per_address);
    options.on_event = [this](const ownwire::gateway_event& event) { events_.write(event); };
    auto opened = ownwire::gateway::open(workers_.get_executor(), std::move(options));
    if (!opened) throw start_failure{describe_failure(opened.error())};
    return std::move(*opened);
  }

  ownwire::public_port_options public_port() {
    ownwire::public_port_options port;
    port.listen = resolve_or_fail(context_, "--bind", command_.front.public_address());
    port.allowed_origins = command_.front.allowed_origins;
    port.allow_no_origin = command_.front.allow_no_origin;
    if (!command_.front.trusted_proxies.empty()) port.trusted_proxies = command_.front.trusted_proxies;
    port.page = [this](const ws::request_head& head) -> std::optional<std::string> {
      return site_.answer({.method = head.method, .path = head.path(), .if_none_match = head.first("If-None-Match")});
    };
    return port;
  }

  ownwire::internal_port_options internal_port() {
    ownwire::internal_port_options port;
    port.listen = resolve_or_fail(context_, "--internal-addr", command_.internal_address);
    if (!command_.internal_token_file.empty()) {
      port.token = or_fail(read_token_file("--internal-token-file", command_.internal_token_file)).view();
    }
    if (!command_.internal_tls_cert.empty()) {
      port.tls = or_fail(load_certificate(command_));
    }
    if (!command_.internal_psk_file.empty()) {
      auto secret = or_fail(read_psk_file(command_.internal_psk_file));
      port.link = ownwire::internal_link_credential{std::move(secret.channel_id), std::move(secret.psk)};
    }
    return port;
  }

  std::string behind_token() {
    return std::string{or_fail(read_token_file("--behind-token-file", command_.behind_token_file)).view()};
  }

  void dial_edge(std::string token) {
    ownwire::behind_options options;
    options.edge = *ws::parse_url(command_.behind);
    options.token = std::move(token);
    options.on_edge = [url = command_.behind](const error_code& failed) {
      if (failed)
        return log_line(log_level::warning, "cannot reach the edge", {{"url", url}, {"why", failed.message()}});
      log_line(log_level::info, "waiting at the edge", {{"url", url}});
    };
    behind_.emplace(workers_.get_executor(), gateway_, std::move(options));
  }

  std::string describe_failure(const error_code& failed) {
    using ownwire::gateway_errc;
    if (failed == gateway_errc::public_port_taken) {
      return port_taken(command_.front.public_address(), "--port and --bind choose another");
    }
    if (failed == gateway_errc::internal_port_taken) {
      return port_taken(command_.internal_address, "--internal-addr chooses another");
    }
    return "cannot start: " + failed.message();
  }

  void open_metrics() {
    metrics_.emplace(or_fail(metrics_page::open(context_, command_.front.metrics_listen, "ownwire_build_info", [this] {
      auto families = gateway_families(gateway_.counts());
      families.push_back(site_.answers());
      return families;
    })));
  }

  void print_ready_line(const invocation& io) {
    const auto bound = [this](const char* flag, const std::string& address, std::uint16_t port) {
      auto where = resolve_or_fail(context_, flag, address);
      where.port(port);
      return to_text(where);
    };
    const auto internal = bound("--internal-addr", command_.internal_address, gateway_.internal_port());
    const std::string internal_url = (command_.internal_tls_cert.empty() ? "ws://" : "wss://") + internal;
    const auto keys = keys_.get();
    std::string text;
    json_object_writer line{text};
    write_build(line);
    if (command_.behind.empty()) {
      const auto listen = bound("--bind", command_.front.public_address(), gateway_.public_port());
      line.field("listen", listen)
          .field("http_url", "http://" + listen + '/')
          .field("ws_url", "ws://" + listen + "/ws");
    } else {
      line.field("behind", command_.behind);
    }
    line.field("internal_listen", internal).field("internal_ws_url", internal_url + "/ws");
    if (!command_.internal_psk_file.empty()) line.field("e2ee_url", internal_url + "/e2ee");
    if (metrics_) line.field("metrics_url", "http://" + metrics_->bound_address() + "/metrics");
    line.field("identity_key", command_.key_path())
        .field("server_key", keys->current().public_half().text())
        .field("kid", keys->current().kid())
        .end();
    apps::print_ready_line(io, text);
  }

  void stop() {
    if (behind_) behind_->stop();
    gateway_.async_stop([this](error_code) { asio::post(context_, [this] { context_.stop(); }); });
  }

  asio::io_context& context_;
  const ownwire_command& command_;
  asio::thread_pool workers_;
  event_log events_;
  loaded_keys identity_;  // as found at the start
  live_keys keys_;
  site site_;
  worker_end worker_end_{workers_};
  ownwire::gateway gateway_;
  std::optional<ownwire::behind> behind_;
  std::optional<live_files> files_;
  std::optional<metrics_page> metrics_;
  operator_signals signals_;
};

}  // namespace

int run_gateway(const ownwire_command& command, const invocation& io) { return run_service<service>(command, io); }

}  // namespace flowersec::apps
