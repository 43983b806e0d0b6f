// flowersec-tunnel: the blind relay as a process.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <ostream>

#include "cli/json_text.h"
#include "tunneld/certificate_files.h"
#include "tunneld/live_files.h"
#include "tunneld/log.h"
#include "tunneld/metrics_listener.h"
#include "tunneld/options.h"
#include "tunneld/ready_line.h"
#include "tunneld/verifier_file.h"

namespace flowersec::apps {
namespace {

/// Descriptors beside the connections: listeners, logs, threads' epoll and event descriptors.
constexpr std::size_t spare_descriptors = 64;

/// Lets the process hold as many connections as it was told to, as far as the system allows.
void raise_descriptor_limit(std::size_t max_connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto for_connections = limit.rlim_cur - std::min<rlim_t>(limit.rlim_cur, spare_descriptors);
  if (limit.rlim_cur != RLIM_INFINITY && for_connections < max_connections) {
    log_line("warning: at most " + std::to_string(limit.rlim_cur) +
             " open files are allowed, fewer than --max-conns (" + std::to_string(max_connections) + ") needs");
  }
}

/// What an operator must hear of while the tunnel runs.
class operator_log final : public tunnel::observer {
 public:
  void on_accept_paused(std::chrono::milliseconds) override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    auto next = next_complaint_.load(std::memory_order_relaxed);
    const auto later = now + std::chrono::steady_clock::duration{quiet_time}.count();
    if (now < next || !next_complaint_.compare_exchange_strong(next, later)) return;
    log_line("warning: out of file descriptors or socket memory: new connections wait; raise the limit of open files");
  }

 private:
  static constexpr std::chrono::seconds quiet_time{10};
  std::atomic<std::chrono::steady_clock::rep> next_complaint_{0};
};

void print_warnings(const tunnel_command& command, const tunnel::server_options& options) {
  if (options.origins.loopback_only) {
    log_line("warning: no --allow-origin: accepting loopback origins and requests without Origin, since --listen " +
             command.listen + " is loopback");
  }
  if (command.tenants_file.empty() && command.issuer.empty()) {
    log_line("warning: no --iss: accepting tokens of any issuer signed by a key of " + command.issuer_keys_file);
  }
  log_line("warning: used tokens are remembered in memory only; a restart forgets them");
}

/// Reacts to signals until one says stop.
class signal_loop {
 public:
  signal_loop(boost::asio::io_context& context, tunnel::server& server, live_files& files)
      : context_(context), server_(server), files_(files), signals_(context) {
    for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGINT, SIGTERM}) signals_.add(number);
    wait();
  }

  void run() { context_.run(); }

 private:
  void wait() {
    signals_.async_wait([this](const error_code& error, int number) {
      if (error || number == SIGINT || number == SIGTERM) return context_.stop();
      react(number);
      wait();
    });
  }

  void react(int number) {
    if (number == SIGHUP) return files_.reload();
    if (number == SIGUSR1) server_.enable_metrics();
    if (number == SIGUSR2) server_.disable_metrics();
    log_line(number == SIGUSR1 ? "metrics enabled" : "metrics disabled");
  }

  boost::asio::io_context& context_;
  tunnel::server& server_;
  live_files& files_;
  boost::asio::signal_set signals_;
};

std::string describe_start_error(const tunnel_command& command, const error_code& error) {
  if (error == tunnel::tunnel_errc::tls_files_unusable) {
    return describe_unusable({command.tls_cert_file, command.tls_key_file}).text;
  }
  if (error == tunnel::tunnel_errc::invalid_options) return "cannot start: " + error.message();
  return "cannot listen on " + command.listen + ": " + error.message();
}

int serve(const program& described, const invocation& io, const tunnel_command& command, tunnel::server_options options,
          file_watch verifier_files) {
  boost::asio::io_context context{1};
  tunnel::server server{options};
  live_files files{context, command, server, std::move(verifier_files)};
  signal_loop signals{context, server, files};

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
  if (const auto error = server.start()) return fail(io, exit_runtime, describe_start_error(command, error));
  files.watch();

  ready_facts facts{.listen = server.bound_address(), .ws_path = options.ws_path, .tls = options.tls.has_value()};
  if (metrics) facts.metrics_listen = metrics->bound_address();
  if (!command.advertise_host.empty()) {
    facts.advertise_text = command.advertise_host;
    facts.advertise = parse_advertised_host(command.advertise_host);
    if (!facts.advertise) return usage_error(described, io, "invalid --advertise-host: " + command.advertise_host);
  }
  const auto line = ready_line(facts, build_version());
  io.out << (command.pretty ? indent_json(line) : line) << '\n' << std::flush;
  if (!io.out) return fail(io, exit_runtime, "cannot write the ready line to stdout");

  signals.run();
  server.stop();
  return exit_ok;
}

int run(const invocation& io) {
  tunnel_command command;
  const auto described = describe_tunnel(command);
  if (const auto code = read_command_line(described, io)) return *code;
  command.fill_blanks();
  file_watch verifier_files;
  std::shared_ptr<const tunnel::token_verifier> verifier;
  const auto verifier_problem = [&]() -> std::optional<std::string> {
    auto loaded = load_verifier(command, verifier_files);
    if (!loaded) return loaded.error().text;
    verifier = *std::move(loaded);
    return std::nullopt;
  };
  // A bad tenants file is a usage error with its place among the others; a bad keyset file fails the start.
  const bool has_tenants = !command.tenants_file.empty();
  if (const auto complaint = has_tenants ? usage_problem(command, verifier_problem) : usage_problem(command)) {
    return usage_error(described, io, *complaint);
  }
  if (!has_tenants) {
    if (const auto complaint = verifier_problem()) return fail(io, exit_runtime, *complaint);
  }

  auto options = server_options_of(command);
  options.verifier = std::move(verifier);
  options.events = std::make_shared<operator_log>();

  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit(options.limits.max_connections);
  print_warnings(command, options);
  return serve(described, io, command, std::move(options), std::move(verifier_files));
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
