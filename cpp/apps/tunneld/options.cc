#include "tunneld/options.h"

#include <algorithm>

#include "cli/values.h"
#include "flowersec/base/text.h"
#include "serving/log.h"
#include "tunneld/authorizer_options.h"

namespace flowersec::apps {
namespace {

constexpr std::int64_t max_threads = 1024;

/// Blank entries never match anything, so they do not make a list.
bool has_origin(const tunnel_command& command) {
  return std::any_of(command.allowed_origins.begin(), command.allowed_origins.end(),
                     [](const std::string& entry) { return !is_blank(entry); });
}

std::optional<std::string> sizes_problem(const tunnel_command& c) {
  using namespace std::chrono_literals;
  if (c.max_conns < 0) return "--max-conns must be >= 0";
  if (c.max_channels < 0) return "--max-channels must be >= 0";
  if (c.max_token_lifetime <= 0s) return "--max-token-lifetime must be > 0";
  if (c.max_init_horizon <= 0s) return "--max-init-horizon must be > 0";
  if (c.max_replay_entries.value_or(1) <= 0) return "--max-replay-entries must be > 0";
  if (c.max_tenant_queued_bytes < 0) return "--max-tenant-queued-bytes must be >= 0";
  if (c.max_total_queued_bytes < 0) return "--max-total-queued-bytes must be >= 0";
  if (c.write_timeout < 0s) return "--write-timeout must be >= 0";
  if (c.max_write_queue_bytes < 0) return "--max-write-queue-bytes must be >= 0";
  if (c.policy_request_timeout < 0s) return "--policy-request-timeout must be >= 0";
  if (c.policy_observe_interval < 0s) return "--policy-observe-interval must be >= 0";
  if (c.policy_batch_size < 0) return "--policy-batch-size must be >= 0";
  if (c.max_conns_per_ip < 0) return "--max-conns-per-ip must be >= 0";
  if (c.attach_rate_per_ip < 0) return "--attach-rate-per-ip must be >= 0";
  if (c.drain_timeout < 0s) return "--drain-timeout must be >= 0";
  if (c.threads < 0 || c.threads > max_threads) return "--threads must be between 0 and " + std::to_string(max_threads);
  return std::nullopt;
}

/// The first text that is no network, if there is one.
std::optional<std::string> proxies_problem(const tunnel_command& c) {
  for (const auto& text : c.trusted_proxies) {
    if (!is_blank(text) && !tunnel::parse_ip_network(text)) {
      return "invalid --trusted-proxy: " + text + " is neither an address nor a network such as 192.0.2.0/24";
    }
  }
  return std::nullopt;
}

std::optional<std::string> log_problem(const tunnel_command& c) {
  if (!parse_log_format(c.log_format)) return "--log-format must be text or json";
  if (!parse_log_level(c.log_level)) return "--log-level must be error, warning, info or debug";
  return std::nullopt;
}

std::optional<std::string> path_problem(const tunnel_command& c) {
  if (!c.ws_path.starts_with('/')) return "invalid --ws-path: path must start with /";
  if (c.ws_path == "/healthz" || c.ws_path == "/readyz" || (c.metrics_listen.empty() && c.ws_path == "/metrics")) {
    return "invalid --ws-path: " + c.ws_path + " is taken";
  }
  return std::nullopt;
}

std::optional<std::string> verifier_problem(const tunnel_command& c) {
  if (!c.tenants_file.empty()) {
    if (c.issuer_keys_file.empty() && c.audience.empty() && c.issuer.empty()) return std::nullopt;
    return "cannot combine --tenants-file with --issuer-keys-file, --aud, or --iss";
  }
  if (!c.issuer_keys_file.empty() && !c.audience.empty()) return std::nullopt;
  const auto* what = c.issuer_keys_file.empty() ? "--issuer-keys-file" : "--aud";
  return std::string{"missing --issuer-keys-file, --aud, or --iss ("} + what + " is required)";
}

std::optional<std::uint64_t> budget(std::int64_t bytes) {
  return bytes == 0 ? std::nullopt : std::optional{static_cast<std::uint64_t>(bytes)};
}

tunnel::source_limits source_limits_of(const tunnel_command& c) {
  tunnel::source_limits limits;
  if (c.max_conns_per_ip > 0) limits.max_connections = static_cast<std::size_t>(c.max_conns_per_ip);
  if (c.attach_rate_per_ip > 0) limits.attaches_per_second = static_cast<std::size_t>(c.attach_rate_per_ip);
  for (const auto& text : c.trusted_proxies) {
    if (const auto network = tunnel::parse_ip_network(text)) limits.trusted_proxies.push_back(*network);
  }
  return limits;
}

tunnel::tunnel_limits limits_of(const tunnel_command& c) {
  using std::chrono::ceil;
  using std::chrono::milliseconds;
  tunnel::tunnel_limits limits;
  if (c.max_conns > 0) limits.max_connections = static_cast<std::size_t>(c.max_conns);
  if (c.max_channels > 0) limits.max_channels = static_cast<std::size_t>(c.max_channels);
  if (c.max_replay_entries) limits.max_replay_entries = static_cast<std::size_t>(*c.max_replay_entries);
  if (c.max_write_queue_bytes > 0) limits.max_write_queue_bytes = static_cast<std::size_t>(c.max_write_queue_bytes);
  limits.max_tenant_queued_bytes = budget(c.max_tenant_queued_bytes);
  limits.max_total_queued_bytes = budget(c.max_total_queued_bytes);
  // Rounded up: a positive time must not become none.
  limits.max_token_lifetime = ceil<milliseconds>(c.max_token_lifetime);
  limits.max_init_horizon = ceil<milliseconds>(c.max_init_horizon);
  limits.write_timeout.reset();
  if (c.write_timeout.count() > 0) limits.write_timeout = ceil<milliseconds>(c.write_timeout);
  return limits;
}

}  // namespace

void tunnel_command::fill_blanks() {
  const tunnel_command standard;
  if (listen.empty()) listen = standard.listen;
  if (ws_path.empty()) ws_path = standard.ws_path;
  if (log_format.empty()) log_format = standard.log_format;
  if (log_level.empty()) log_level = standard.log_level;
}

void tunnel_command::fill_zeros() {
  const tunnel::tunnel_limits standard;
  const tunnel_command written;
  const auto fill = [](auto& value, auto instead) {
    if (value == std::remove_cvref_t<decltype(value)>{}) value = instead;
  };
  fill(max_conns, static_cast<std::int64_t>(standard.max_connections));
  fill(max_channels, static_cast<std::int64_t>(standard.max_channels));
  fill(max_write_queue_bytes, static_cast<std::int64_t>(standard.max_write_queue_bytes));
  fill(policy_request_timeout, written.policy_request_timeout);
  fill(policy_observe_interval, written.policy_observe_interval);
  fill(policy_batch_size, written.policy_batch_size);
}

bool is_loopback_listen(std::string_view listen) {
  return listen.starts_with("[::1]:") || is_loopback_host(listen.substr(0, listen.find(':')));
}

std::optional<std::string> usage_problem(const tunnel_command& c,
                                         const std::function<std::optional<std::string>()>& tenants_problem) {
  if (auto complaint = verifier_problem(c)) return complaint;
  if (c.tls_cert_file.empty() != c.tls_key_file.empty()) return "tls requires both --tls-cert-file and --tls-key-file";
  if (auto complaint = sizes_problem(c)) return complaint;
  if (auto complaint = log_problem(c)) return complaint;
  if (!c.observe_authorizer_url.empty() && c.attach_authorizer_url.empty()) {
    return "--observe-authorizer-url requires --attach-authorizer-url";
  }
  if (!has_origin(c) && (!is_loopback_listen(c.listen) || !c.tenants_file.empty())) {
    return "missing --allow-origin (only a loopback --listen without --tenants-file can do without)";
  }
  if (auto complaint = authorizer_header_problem(c)) return complaint;
  if (tenants_problem) {
    if (auto complaint = tenants_problem()) return complaint;
  }
  if (auto complaint = authorizer_url_problem(c)) return complaint;
  if (auto complaint = proxies_problem(c)) return complaint;
  if (auto complaint = path_problem(c)) return complaint;
  const auto limits = limits_of(c);
  if (limits.max_write_queue_bytes < limits.max_record_bytes) {
    return "invalid --max-write-queue-bytes: max write queue bytes must be >= max record bytes (" +
           std::to_string(limits.max_record_bytes) + ")";
  }
  return std::nullopt;
}

tunnel::server_options server_options_of(const tunnel_command& c) {
  tunnel::server_options options;
  options.listen = c.listen;
  options.ws_path = c.ws_path;
  options.origins.allowed = c.allowed_origins;
  options.origins.allow_absent = c.allow_no_origin;
  options.origins.loopback_only = !has_origin(c);
  if (!c.tls_cert_file.empty()) options.tls = tunnel::tls_files{c.tls_cert_file, c.tls_key_file};
  if (c.threads > 0) options.threads = static_cast<std::size_t>(c.threads);
  options.limits = limits_of(c);
  options.sources = source_limits_of(c);
  options.metrics_on_main_listener = c.metrics_listen.empty();
  // Nobody else asks for the past of a channel.
  options.keep_bandwidth = !c.stats_listen.empty() || !c.observe_authorizer_url.empty();
  return options;
}

}  // namespace flowersec::apps
