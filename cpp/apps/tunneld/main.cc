// flowersec-tunnel: the blind relay as a process.
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <memory>
#include <ostream>
#include <sstream>

#include "cli/config_file.h"
#include "cli/json_text.h"
#include "serving/certificate_files.h"
#include "serving/descriptors.h"
#include "serving/log.h"
#include "serving/no_dumps.h"
#include "serving/process_metrics.h"
#include "tunneld/admin_listener.h"
#include "tunneld/authorizer.h"
#include "tunneld/channel_watch.h"
#include "tunneld/check_config.h"
#include "tunneld/live_files.h"
#include "tunneld/memory_return.h"
#include "tunneld/metrics_listener.h"
#include "tunneld/operator_log.h"
#include "tunneld/options.h"
#include "tunneld/ready_line.h"
#include "tunneld/replay_choice.h"
#include "tunneld/stats_page.h"
#include "tunneld/verifier_file.h"
#include "tunneld/way_down.h"

namespace flowersec::apps {
namespace {

void print_warnings(const tunnel_command& command, const tunnel::server_options& options) {
  if (options.origins.loopback_only) {
    log_line(log_level::warning,
             "no --allow-origin: accepting loopback origins and requests without Origin, since --listen " +
                 command.listen + " is loopback");
  }
  if (command.tenants_file.empty() && command.issuer.empty()) {
    log_line(log_level::warning,
             "no --iss: accepting tokens of any issuer signed by a key of " + command.issuer_keys_file);
  }
}

/// What --process-metrics adds: which build this is, and what the process uses.
std::vector<tunnel::extra_metric> build_and_process_metrics() {
  const auto& build = build_version();
  std::vector<tunnel::extra_metric> all{{.name = "flowersec_tunnel_build_info",
                                         .help = "Always 1; the labels say which build runs.",
                                         .value = 1,
                                         .labels = {{"version", build.version}, {"commit", build.commit}}}};
  using kind = tunnel::extra_metric::kind;
  for (const auto& one : process_metrics()) {
    all.push_back(
        {.name = one.name, .help = one.help, .type = one.counts ? kind::counter : kind::gauge, .value = one.value});
  }
  return all;
}

void print_settings(const program& described) {
  if (!logs(log_level::debug)) return;
  std::istringstream lines{config_text(described)};
  for (std::string line; std::getline(lines, line);) log_line(log_level::debug, line);
}

/// Reacts to signals until one says stop.
class signal_loop {
 public:
  signal_loop(boost::asio::io_context& context, tunnel::server& server, const tunnel_command& command,
              live_files& files)
      : context_(context),
        server_(server),
        files_(files),
        signals_(context),
        way_down_(context, server, command.drain_timeout) {
    for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGINT, SIGTERM}) signals_.add(number);
    wait();
  }

  void run() { context_.run(); }

 private:
  void wait() {
    signals_.async_wait([this](const error_code& error, int number) {
      if (error) return context_.stop();
      react(number);
      wait();
    });
  }

  void react(int number) {
    if (number == SIGINT || number == SIGTERM) return way_down_.on_signal();
    if (number == SIGHUP) return files_.reload();
    if (number == SIGUSR1) server_.enable_metrics();
    if (number == SIGUSR2) server_.disable_metrics();
    log_line(number == SIGUSR1 ? "metrics enabled" : "metrics disabled");
  }

  boost::asio::io_context& context_;
  tunnel::server& server_;
  live_files& files_;
  boost::asio::signal_set signals_;
  way_down way_down_;
};

std::string describe_start_error(const tunnel_command& command, const error_code& error) {
  if (error == tunnel::tunnel_errc::tls_files_unusable) {
    return describe_unusable({command.tls_cert_file, command.tls_key_file}).text;
  }
  if (error == tunnel::tunnel_errc::invalid_options) return "cannot start: " + error.message();
  return "cannot listen on " + command.listen + ": " + error.message();
}

int serve(const program& described, const invocation& io, const tunnel_command& command,
          boost::asio::io_context& context, tunnel::server_options options, file_watch verifier_files) {
  if (options.tls) {
    const auto unreadable = unreadable_problem({command.tls_cert_file, command.tls_key_file});
    if (unreadable) return fail(io, exit_runtime, unreadable->text);
  }
  std::shared_ptr<ssl_ctx_st> trust;
  const auto asked = authorizer_options_of(command);
  if (asked) {
    auto loaded = http::load_client_tls();
    if (!loaded) return fail(io, exit_runtime, "cannot load the system's certificates: " + loaded.error().message());
    trust = std::move(*loaded);
    options.policy = std::make_shared<authorizer>(context, *asked, trust);
  }
  tunnel::server server{options};
  options.policy.reset();  // it must not outlive the context
  live_files files{context, command, server, std::move(verifier_files)};
  signal_loop signals{context, server, command, files};
  const memory_return returner{context};

  std::optional<metrics_listener> metrics;
  if (!command.metrics_listen.empty()) {
    auto opened = metrics_listener::open(context, command.metrics_listen, options.tls, server);
    if (!opened)
      return fail(io, exit_runtime,
                  "cannot listen on --metrics-listen " + command.metrics_listen + ": " + opened.error().message());
    metrics.emplace(std::move(*opened));
    files.add_listener([&metrics](auto tls) { metrics->replace_tls(std::move(tls)); });
    server.enable_metrics();
  }
  std::optional<admin_listener> stats;
  if (!command.stats_listen.empty()) {
    auto opened = admin_listener::open(context, command.stats_listen, options.tls, serve_bandwidth(context, server));
    if (!opened)
      return fail(io, exit_runtime,
                  "cannot listen on --stats-listen " + command.stats_listen + ": " + opened.error().message());
    stats.emplace(std::move(*opened));
    files.add_listener([&stats](auto tls) { stats->replace_tls(std::move(tls)); });
  }
  if (const auto error = server.start()) return fail(io, exit_runtime, describe_start_error(command, error));
  files.watch();

  ready_facts facts{.listen = server.bound_address(), .ws_path = options.ws_path, .tls = options.tls.has_value()};
  if (metrics) facts.metrics_listen = metrics->bound_address();
  if (stats) facts.stats_listen = stats->bound_address();
  if (!command.advertise_host.empty()) {
    facts.advertise_text = command.advertise_host;
    facts.advertise = parse_advertised_host(command.advertise_host);
    if (!facts.advertise) return usage_error(described, io, "invalid --advertise-host: " + command.advertise_host);
  }
  const auto line = ready_line(facts, build_version());
  io.out << (command.pretty ? indent_json(line) : line) << '\n' << std::flush;
  if (!io.out) return fail(io, exit_runtime, "cannot write the ready line to stdout");

  std::optional<channel_watch> watch;
  if (asked && asked->observe) watch.emplace(context, server, *asked, trust);
  signals.run();
  server.stop_accepting();
  std::vector<admin_listener*> pages;
  if (metrics) pages.push_back(&metrics->listener());
  if (stats) pages.push_back(&*stats);
  admin_listener::stop_all(context, pages, tunnel::http_patience);
  server.stop();
  return exit_ok;
}

int run(const invocation& io) {
  forbid_dumps();
  tunnel_command command;
  const auto described = describe_tunnel(command);
  if (const auto code = read_command_line(described, io)) return *code;
  command.fill_blanks();
  if (command.print_config) {
    command.fill_zeros();
    io.out << config_text(described) << std::flush;
    return exit_ok;
  }
  file_watch verifier_files;
  std::shared_ptr<const tunnel::token_verifier> verifier;
  const auto verifier_problem = [&]() -> std::optional<std::string> {
    auto loaded = load_verifier(command, verifier_files);
    if (!loaded) return loaded.error().text;
    verifier = *std::move(loaded);
    return std::nullopt;
  };
  // A bad tenants file is a usage error with its place among the others, unless files are what is to be checked; a bad
  // keyset file fails the start.
  const bool has_tenants = !command.tenants_file.empty();
  const bool loads_now = has_tenants && !command.check_config;
  if (const auto complaint = loads_now ? usage_problem(command, verifier_problem) : usage_problem(command)) {
    return usage_error(described, io, *complaint);
  }
  if (command.check_config) return report_checks(check_config(command), io);

  configure_log(*parse_log_format(command.log_format), *parse_log_level(command.log_level));
  print_settings(described);

  boost::asio::io_context context{1};  // outlives what tells the operator
  auto options = server_options_of(command);
  if (!has_tenants) {
    if (const auto complaint = verifier_problem()) return fail(io, exit_runtime, *complaint);
  }
  options.verifier = std::move(verifier);
  if (command.process_metrics) options.extra_metrics = build_and_process_metrics;
  options.events = std::make_shared<operator_log>(context);

  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit(options.limits.max_connections, "--max-conns");
  print_warnings(command, options);
  auto replay = choose_replay_store(command, options.limits);
  if (!replay) return fail(io, exit_runtime, replay.error().text);
  options.replay = std::move(*replay);
  return serve(described, io, command, context, std::move(options), std::move(verifier_files));
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
