#include "controlplane/serve.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

#include "cli/json_text.h"
#include "controlplane/bearer_key.h"
#include "controlplane/front.h"
#include "controlplane/live_files.h"
#include "controlplane/serve_lock.h"
#include "flowersec/base/json.h"
#include "flowersec/controlplane/direct_init.h"
#include "serving/certificate_files.h"
#include "serving/listen_address.h"
#include "serving/log.h"
#include "serving/operator_signals.h"
#include "serving/service.h"

namespace flowersec::apps::plane {
namespace {

namespace asio = boost::asio;
using controlplane::state_store;
using std::chrono::milliseconds;

/// How soon the service notices what a command changed.
constexpr milliseconds watch_interval{200};
/// How long control connections may take to close at the end.
constexpr milliseconds goodbye{2500};
/// Of the one credential that the endpoints of a demonstration share.
constexpr std::chrono::hours demo_credential_lifetime{365 * 24};
constexpr std::size_t max_metrics_connections = 16;
constexpr std::size_t max_metrics_body_bytes = 4096;

using tls_context = std::shared_ptr<ssl_ctx_st>;

tls_context load_tls(const serve_command& c) {
  if (c.tls_cert_file.empty()) return nullptr;
  const certificate_paths paths{c.tls_cert_file, c.tls_key_file};
  if (auto unreadable = unreadable_problem(paths)) throw start_failure{std::move(unreadable->text)};
  auto loaded = http::load_server_tls(paths.chain, paths.key);
  if (!loaded) throw start_failure{describe_unusable(paths).text};
  return *loaded;
}

state_store open_store(const serve_command& c) {
  auto opened = state_store::open(c.files.state);
  if (!opened) throw start_failure{"invalid --state: " + opened.error().text};
  return std::move(*opened);
}

serve_lock lock(const serve_command& c) {
  static_cast<void>(open_store(c));  // says better what is wrong with the file
  auto locked = serve_lock::take(c.files.state);
  if (!locked) throw start_failure{"cannot serve --state " + c.files.state + ": " + locked.error().text};
  return std::move(*locked);
}

controlplane::state_revision read_revision(state_store& store) {
  const auto read = store.revision();
  if (!read) throw start_failure{"invalid --state: " + read.error().text};
  return *read;
}

controlplane::issuer_keyset load_issuer(state_store& store) {
  auto loaded = store.load_issuer();
  if (!loaded) throw start_failure{"invalid --state: " + loaded.error().text};
  return std::move(*loaded);
}

asio::ip::tcp::endpoint resolve(asio::io_context& context, const char* flag, const std::string& listen) {
  const auto malformed = make_error_code(boost::system::errc::invalid_argument);
  const auto where = resolve_listen_address(context, listen, malformed);
  if (where) return *where;
  const auto why = where.error() == malformed ? "not host:port with a port of 0 to 65535" : where.error().message();
  throw start_failure{"invalid " + std::string{flag} + ' ' + listen + ": " + why};
}

void listen(http::server& server, asio::io_context& context, const char* flag, const std::string& address) {
  if (const auto failed = server.listen(resolve(context, flag, address))) {
    throw start_failure{"cannot listen on " + std::string{flag} + ' ' + address + ": " + failed.message()};
  }
}

/// The credential of all endpoints of a demonstration, without a URL yet.
using control_info = std::optional<messages::direct::v1::direct_connect_info>;

control_info demo_credential(const serve_command& c) {
  if (!c.demo) return std::nullopt;
  controlplane::direct_init_options options;
  options.ws_url = "ws://";  // known when the listener is open
  options.init_window = demo_credential_lifetime;
  auto info = controlplane::issue_direct(options, system_random(), to_unix_seconds(system_clocks().wall_now()));
  if (!info) throw start_failure{"cannot make the credential of --demo: " + info.error().message()};
  return std::move(*info);
}

shared_credential shared_from(const messages::direct::v1::direct_connect_info& info) {
  return {.channel_id = info.channel_id,
          .psk = *crypto::psk::from_base64url(info.e2ee_psk_b64u.view()),
          .init_exp = unix_seconds{info.channel_init_expire_at_unix_s}};
}

control_listener open_control(asio::io_context& context, const serve_command& c, const control_info& demo,
                              state_store& store, plane_metrics& metrics) {
  const auto where = resolve(context, "--control-listen", c.control_listen);
  control_options options{.address = where.address().to_string(), .port = where.port()};
  if (!c.trusted_proxies.empty()) options.trusted_proxies = c.trusted_proxies;
  options.max_connections = static_cast<std::size_t>(c.max_endpoints);
  options.delivery_timeout = c.delivery_timeout;
  if (demo) options.shared = shared_from(*demo);
  if (!c.tls_cert_file.empty()) options.certificate = endpoint::server_certificate{c.tls_cert_file, c.tls_key_file};
  auto opened = control_listener::open(context.get_executor(), std::move(options), store, metrics);
  if (!opened) {
    throw start_failure{"cannot listen on --control-listen " + c.control_listen + ": " + opened.error().message()};
  }
  return std::move(*opened);
}

issuing_options issuing_options_of(const serve_command& c) {
  issuing_options options{.tunnel_urls = c.tunnel_urls, .channels = {}};
  options.channels.audience = c.audience;
  options.channels.issuer = c.issuer;
  options.channels.token_lifetime = std::chrono::floor<std::chrono::seconds>(c.token_lifetime);
  options.channels.idle_timeout = std::chrono::floor<std::chrono::seconds>(c.idle_timeout);
  return options;
}

/// Everything that serves, in the order in which it is made.
class service {
 public:
  service(asio::io_context& context, const serve_command& command, const invocation& io)
      : context_(context),
        command_(command),
        files_(context, command),
        tls_(load_tls(command)),
        only_one_(lock(command)),
        store_(open_store(command)),
        seen_(read_revision(store_)),
        demo_(demo_credential(command)),
        control_(open_control(context, command, demo_, store_, metrics_)),
        writer_(context.get_executor(), open_store(command)),
        artifacts_(issuing_options_of(command), store_, writer_, control_, metrics_, load_issuer(store_)),
        front_(make_front()),
        server_(
            context.get_executor(), http_options(),
            [this](http::request request, http::responder answer) { front_(std::move(request), std::move(answer)); }),
        signals_(context, {.reload = [this] { files_.reload(); },
                           .stop = [this] { stop(); },
                           .stop_at_once = [this] { stop_at_once(); }}),
        watch_(context) {
    files_.add_listener([this](auto tls) { server_.replace_tls(std::move(tls)); });
    listen(server_, context, "--listen", command.listen);
    if (!command.metrics_listen.empty()) start_metrics();
    // The file may be older than the state: whoever died in between left it so.
    if (const auto written = store_.write_keyset_file(command.files.keyset_path()); !written) {
      throw start_failure{"cannot write --issuer-keys-file: " + written.error().text};
    }
    server_.start();
    warn_of_plaintext();
    files_.watch(front_, control_);
    if (demo_)
      log_line(log_level::warning, "--demo: whoever reads the ready line may be an endpoint, and callers need no key");
    print_ready_line(io);
  }

  void run() {
    signals_.watch();
    watch_next();
    context_.run();
    control_.close();
    if (metrics_server_) metrics_server_->abort();
    signals_.cancel();
    watch_.cancel();
    files_.stop();
    if (at_once_) return;
    context_.restart();
    context_.run_for(goodbye);
  }

 private:
  front make_front() {
    if (demo_) return {artifacts_, demo_routes{artifacts_, control_, metrics_}, store_, metrics_};
    auto key = read_bearer_key(command_.bearer_key_file);
    if (!key) throw start_failure{key.error().text};
    return {artifacts_, std::move(*key), store_, metrics_};
  }

  http::server_options http_options() {
    http::server_options options;
    options.limits.max_connections = static_cast<std::size_t>(command_.max_conns);
    options.limits.max_body_bytes = controlplane::default_max_request_body_bytes;
    options.limits.request_timeout = std::chrono::ceil<milliseconds>(command_.request_timeout);
    options.tls = tls_;
    options.refusal = [this](unsigned status, const http::request& head) { return front_.refuse_unread(status, head); };
    return options;
  }

  void start_metrics() {
    http::server_options options;
    options.limits.max_connections = max_metrics_connections;
    options.limits.max_body_bytes = max_metrics_body_bytes;
    options.tls = tls_;
    metrics_server_.emplace(context_.get_executor(), std::move(options),
                            [this](const http::request& request, const http::responder& answer) {
                              answer(request.path() == "/metrics" ? metrics_page() : http::not_found());
                            });
    listen(*metrics_server_, context_, "--metrics-listen", command_.metrics_listen);
    files_.add_listener([this](auto tls) { metrics_server_->replace_tls(std::move(tls)); });
    metrics_server_->start();
  }

  http::response metrics_page() {
    return {.status = 200,
            .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8; escaping=values"}},
            .body = metrics_.text(
                {.connections = control_.connections(), .endpoints = control_.registered(), .kid = artifacts_.kid()})};
  }

  /// Whoever listens on the way of a bearer key, a ticket or an artifact can use it.
  void warn_of_plaintext() {
    if (tls_) return;
    const auto warn = [](const char* flag, const asio::ip::address& where) {
      if (where.is_loopback()) return;
      log_line(log_level::warning,
               std::string{flag} +
                   " listens beyond this machine without TLS: what it says and hears can be "
                   "read on the way; give --tls-cert-file, or a loopback address behind a proxy",
               {{"address", where.to_string()}});
    };
    warn("--listen", server_.local_endpoint().address());
    warn("--control-listen", resolve(context_, "--control-listen", command_.control_listen).address());
    if (metrics_server_) warn("--metrics-listen", metrics_server_->local_endpoint().address());
  }

  void print_ready_line(const invocation& io) {
    const std::string scheme = tls_ ? "https://" : "http://";
    const auto address = to_text(server_.local_endpoint());
    std::string text;
    json_object_writer line{text};
    write_build(line)
        .field("listen", address)
        .field("http_url", scheme + address)
        .field("control_url", control_.url())
        .field("issuer_keys_file", command_.files.keyset_path())
        .field("kid", artifacts_.kid());
    if (metrics_server_) line.field("metrics_url", scheme + to_text(metrics_server_->local_endpoint()) + "/metrics");
    if (demo_) add_demo_facts(line, scheme + address);
    line.end();
    apps::print_ready_line(io, command_.pretty ? indent_json(text) : text);
  }

  /// As the family's demonstration programs read them.
  void add_demo_facts(json_object_writer& line, const std::string& http_url) {
    demo_->ws_url = control_.url();
    const auto& tunnel = command_.tunnel_urls.front();
    const auto host = tunnel.find("://") + 3;
    const auto path = std::min(tunnel.find('/', host), tunnel.size());
    line.field("controlplane_http_url", http_url)
        .field("tunnel_audience", command_.audience)
        .field("tunnel_issuer", command_.issuer)
        .field("tunnel_ws_url_hint", tunnel)
        .field("tunnel_listen", tunnel.substr(host, path - host))
        .field("tunnel_ws_path", path + 1 < tunnel.size() ? tunnel.substr(path) : "/ws")
        .raw("server_endpoint_control", encode(*demo_));
  }

  void stop() {
    server_.async_stop(std::chrono::ceil<milliseconds>(command_.shutdown_timeout),
                       [this](error_code) { context_.stop(); });
  }

  void stop_at_once() {
    at_once_ = true;
    context_.stop();
  }

  void watch_next() {
    watch_.expires_after(watch_interval);
    watch_.async_wait([this](error_code cancelled) {
      if (cancelled) return;
      look_at_state();
      watch_next();
    });
  }

  /// A command may have changed the keys, or taken a credential away.
  void look_at_state() {
    const auto present = store_.revision();
    if (!present) return log_line(log_level::error, "cannot read the state file: " + present.error().text);
    const auto before = std::exchange(seen_, *present);
    if (seen_.endpoints != before.endpoints) control_.drop_revoked();
    if (seen_.keys == before.keys) return;
    if (!artifacts_.reload_issuer()) seen_.keys = before.keys;
    writer_.write_keyset(command_.files.keyset_path(), [](const controlplane::outcome<void>& written) {
      if (written) return log_line(log_level::info, "keyset file written");
      log_line(log_level::error, "cannot write --issuer-keys-file: " + written.error().text);
    });
  }

  asio::io_context& context_;
  const serve_command& command_;
  live_files files_;
  tls_context tls_;
  plane_metrics metrics_;
  serve_lock only_one_;
  state_store store_;  // this thread reads; writer_ has a connection of its own
  controlplane::state_revision seen_;
  control_info demo_;
  control_listener control_;
  issue_writer writer_;
  issuing artifacts_;
  front front_;
  http::server server_;
  std::optional<http::server> metrics_server_;
  operator_signals signals_;
  asio::steady_timer watch_;
  bool at_once_ = false;
};

}  // namespace

int run_serve(const serve_command& command, const invocation& io) {
  configure_log(*parse_log_format(command.log_format), *parse_log_level(command.log_level));
  std::signal(SIGPIPE, SIG_IGN);
  return run_service<service>(command, io);
}

}  // namespace flowersec::apps::plane
