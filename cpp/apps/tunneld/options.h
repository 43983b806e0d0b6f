// The command line of flowersec-tunnel: the flags, and what makes no sense among them.
// Layer apps. Pure; nothing is opened here.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/program.h"
#include "flowersec/tunnel/server.h"

namespace flowersec::apps {

struct tunnel_command {
  bool pretty = false;
  std::string listen = "127.0.0.1:0";
  std::string advertise_host;
  std::string ws_path = "/ws";
  std::string tenants_file;
  std::string issuer_keys_file;
  std::string audience;
  std::string issuer;
  std::vector<std::string> allowed_origins;
  bool allow_no_origin = false;
  std::int64_t max_conns = 0;     ///< 0: the library's default
  std::int64_t max_channels = 0;  ///< 0: the library's default
  std::chrono::nanoseconds max_token_lifetime = std::chrono::minutes{2};
  std::chrono::nanoseconds max_init_horizon = std::chrono::minutes{2};
  std::optional<std::int64_t> max_replay_entries;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string metrics_listen;
  bool process_metrics = false;
  std::string stats_listen;
  std::int64_t max_tenant_queued_bytes = 67108864;                    ///< 0: off
  std::int64_t max_total_queued_bytes = 268435456;                    ///< 0: off
  std::chrono::nanoseconds write_timeout = std::chrono::seconds{10};  ///< 0: off
  std::int64_t max_write_queue_bytes = 0;                             ///< 0: the library's default
  std::string attach_authorizer_url;
  std::string observe_authorizer_url;
  std::vector<std::string> authorizer_headers;
  std::chrono::nanoseconds policy_request_timeout = std::chrono::seconds{3};    ///< 0: the default
  std::chrono::nanoseconds policy_observe_interval = std::chrono::seconds{10};  ///< 0: the default
  std::int64_t policy_batch_size = 256;                                         ///< 0: the default
  std::int64_t max_conns_per_ip = 0;                                            ///< 0: no bound
  std::int64_t attach_rate_per_ip = 0;                                          ///< attaches per second; 0: no bound
  std::vector<std::string> trusted_proxies;
  std::chrono::nanoseconds drain_timeout{0};  ///< 0: stop at once
  std::string replay_journal;
  bool replay_fence = false;
  std::string log_format = "text";
  std::string log_level = "info";
  std::string config;
  bool check_config = false;
  bool print_config = false;
  std::int64_t threads = 0;  ///< 0: one per processor

  /// Blank texts take their defaults.
  void fill_blanks();
  /// Numbers whose zero means a default take it, as --print-config shows them.
  void fill_zeros();
};

/// The table refers to `command`, which must outlive it.
[[nodiscard]] program describe_tunnel(tunnel_command& command);

/// The first thing that makes no sense, in the order scripts rely on; nullopt when all is well. A bad tenants file is
/// one of these things: `tenants_problem` is called in its place in the order, and says what is wrong with it.
[[nodiscard]] std::optional<std::string> usage_problem(
    const tunnel_command& command, const std::function<std::optional<std::string>()>& tenants_problem = nullptr);

/// Whether the text of a listen address names this machine only: localhost, 127.0.0.0/8 or [::1]. Names are not
/// resolved: what is safe must be visible in the command.
[[nodiscard]] bool is_loopback_listen(std::string_view listen);

/// Everything but the verifier. The command has no usage problem.
[[nodiscard]] tunnel::server_options server_options_of(const tunnel_command& command);

}  // namespace flowersec::apps
