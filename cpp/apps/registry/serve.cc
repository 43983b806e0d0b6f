#include "registry/serve.h"

#include <boost/asio/post.hpp>

#include "flowersec/base/json.h"
#include "flowersec/rendezvous/registry_server.h"
#include "registry/event_log.h"
#include "registry/issuing.h"
#include "registry/metrics.h"
#include "registry/page.h"
#include "serving/descriptors.h"
#include "serving/identity_keys.h"
#include "serving/live_keys.h"
#include "serving/metrics_page.h"
#include "serving/operator_signals.h"
#include "serving/reloader.h"
#include "serving/service.h"
#include "serving/tls_pair.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;

or_problem<ws::tls_context> load_tls(const registry_command& command) {
  return load_tls_pair("--tls-cert", command.tls_cert, "--tls-key", command.tls_key);
}

/// Everything that serves, in the order in which it is made.
class service {
 public:
  service(asio::io_context& context, const registry_command& command, const invocation& io)
      : context_(context),
        command_(command),
        workers_(worker_threads()),
        identity_(or_fail(plan_identity(command.key_file, system_random(), now()))),
        keys_(identity_.keys),
        issuing_(command, or_fail(load_issuer(command))),
        registry_(open_registry()),
        reloader_(context),
        signals_(context, {.reload = [this] { reloader_.reload_all(); },
                           .stop = [this] { stop(); },
                           .stop_at_once = [this] { context_.stop(); }}) {
    if (!command.metrics_listen.empty()) open_metrics();
    save_key();
    add_files();
    print_ready_line(io);
  }

  void run() {
    raise_descriptor_limit(static_cast<std::size_t>(command_.max_keys), "--max-keys");
    warn_exposed("--issuer-keys", command_.issuer_keys);
    reloader_.watch();
    signals_.watch();
    context_.run();
  }

 private:
  static unix_seconds now() { return to_unix_seconds(system_clocks().wall_now()); }

  /// Last of all: a start that fails leaves no key behind, which some client might be given.
  void save_key() {
    const auto path = command_.key_file;
    if (const auto failed = save_identity(path, identity_)) throw start_failure{failed->text};
    if (!identity_.is_new) return;
    log_line(log_level::info, "made a new key", {{"path", path}, {"kid", identity_.keys->current().kid()}});
  }

  rendezvous::registry_server open_registry() {
    rendezvous::registry_options options;
    options.keys = [this] { return keys_.get(); };
    options.mint = issuing_.mint();
    options.port = port();
    options.limits.max_keys = static_cast<std::size_t>(command_.max_keys);
    options.limits.registrations_per_second = static_cast<std::uint32_t>(command_.registrations_per_second);
    options.limits.registration_burst = options.limits.registrations_per_second;
    options.work = command_.work;
    options.legacy = command_.legacy;
    options.on_event = [this](const rendezvous::registry_event& event) { log_.write(event); };
    auto opened = rendezvous::registry_server::open(workers_.get_executor(), std::move(options));
    if (opened) return std::move(*opened);
    if (opened.error() == rendezvous::registry_errc::port_taken) {
      throw start_failure{port_taken(command_.listen, "--listen chooses another")};
    }
    throw start_failure{"cannot start: " + opened.error().message()};
  }

  rendezvous::registry_port_options port() {
    rendezvous::registry_port_options port;
    port.listen = resolve_or_fail(context_, "--listen", command_.listen);
    port.allowed_origins = command_.allowed_origins;
    port.allow_no_origin = command_.allow_no_origin;
    port.trusted_proxies = command_.trusted_proxies;
    if (!command_.tls_cert.empty()) port.tls = or_fail(load_tls(command_));
    port.page = [this](const ws::request_head& head) {
      return registry_answer(head.method, head.path(), public_texts(*keys_.get()), command_.legacy);
    };
    return port;
  }

  void add_files() {
    reloader_.add(reload_part({command_.key_file}, "keys", [this]() -> std::optional<problem> {
      // The file is there, or it is a mistake: a running registry never makes a second identity.
      auto found = load_identity(command_.key_file, false, system_random(), unix_seconds{0}, "--key-file");
      if (!found) return found.error();
      keys_.replace(std::move(found->keys));
      if (const auto failed = registry_.reload_keys()) return problem{failed.message()};
      return std::nullopt;
    }));
    reloader_.add(reload_part({command_.issuer_keys}, "issuer keys", [this]() -> std::optional<problem> {
      auto loaded = load_issuer(command_);
      if (!loaded) return loaded.error();
      issuing_.replace(std::move(*loaded));
      return std::nullopt;
    }));
    if (command_.tls_cert.empty()) return;
    reloader_.add(reload_part({command_.tls_cert, command_.tls_key}, "certificate", [this]() -> std::optional<problem> {
      auto loaded = load_tls(command_);
      if (!loaded) return loaded.error();
      registry_.replace_tls(*std::move(loaded));
      return std::nullopt;
    }));
  }

  void open_metrics() {
    metrics_.emplace(or_fail(metrics_page::open(context_, command_.metrics_listen, "flowersec_registry_build_info",
                                                [this] { return registry_families(registry_.counts()); })));
  }

  void print_ready_line(const invocation& io) {
    auto where = resolve_or_fail(context_, "--listen", command_.listen);
    where.port(registry_.port());
    const auto listen = to_text(where);
    const bool has_tls = !command_.tls_cert.empty();
    const std::string ws_url = (has_tls ? "wss://" : "ws://") + listen;
    const auto keys = keys_.get();
    std::string text;
    json_object_writer line{text};
    write_build(line)
        .field("listen", listen)
        .field("http_url", (has_tls ? "https://" : "http://") + listen + '/')
        .field("ws_url", ws_url + std::string{rendezvous::registry_ws_path})
        .field("sealed_url", ws_url + std::string{rendezvous::registry_sealed_path});
    if (metrics_) line.field("metrics_url", "http://" + metrics_->bound_address() + "/metrics");
    line.field("key_file", command_.key_file)
        .field("registry_key", keys->current().public_half().text())
        .field("kid", keys->current().kid())
        .end();
    apps::print_ready_line(io, text);
  }

  void stop() {
    registry_.async_stop([this](error_code) { asio::post(context_, [this] { context_.stop(); }); });
  }

  asio::io_context& context_;
  const registry_command& command_;
  asio::thread_pool workers_;
  registry_log log_;
  loaded_keys identity_;  // as found at the start
  live_keys keys_;
  issuing issuing_;
  worker_end worker_end_{workers_};
  rendezvous::registry_server registry_;
  reloader reloader_;
  std::optional<metrics_page> metrics_;
  operator_signals signals_;
};

}  // namespace

int run_registry(const registry_command& command, const invocation& io) { return run_service<service>(command, io); }

std::vector<config_check> check_registry(const registry_command& command) {
  std::vector<config_check> checks{{"flags and environment"}, check_key_file(command.key_file)};
  checks.push_back({"--issuer-keys " + command.issuer_keys, wrong_with(load_issuer(command))});
  if (!command.tls_cert.empty()) {
    checks.push_back(
        {"--tls-cert " + command.tls_cert + " with --tls-key " + command.tls_key, wrong_with(load_tls(command))});
  }
  return checks;
}

}  // namespace flowersec::apps
