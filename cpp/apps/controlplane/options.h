// The command lines of flowersec-controlplane: the service, and the commands that administer its state file.
// Layer apps. Pure; nothing is opened here.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/program.h"
#include "flowersec/controlplane/channel_init.h"

namespace flowersec::apps::plane {

/// What every command is given.
struct state_files {
  std::string state;
  std::string issuer_keys_file;  ///< blank: issuer_keys.json beside the state file

  [[nodiscard]] std::string keyset_path() const;
};

struct serve_command {
  state_files files;
  std::string listen = "127.0.0.1:0";
  std::string control_listen = "127.0.0.1:0";
  std::string metrics_listen;
  std::string bearer_key_file;
  std::vector<std::string> tunnel_urls;
  std::string audience;
  std::string issuer;
  std::chrono::nanoseconds token_lifetime = controlplane::default_token_lifetime;
  std::chrono::nanoseconds idle_timeout = controlplane::default_idle_timeout;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::vector<std::string> trusted_proxies;  ///< empty: this machine
  std::int64_t max_conns = 256;
  std::int64_t max_endpoints = 10'000;
  std::chrono::nanoseconds request_timeout = std::chrono::seconds{10};
  std::chrono::nanoseconds delivery_timeout = std::chrono::seconds{5};
  std::chrono::nanoseconds shutdown_timeout = std::chrono::seconds{5};
  std::string log_format = "text";
  std::string log_level = "info";
  bool demo = false;
  std::string config;
  bool pretty = false;
};

/// One for all commands; each reads the flags in its own table.
struct admin_command {
  state_files files;
  std::string kid;
  std::string endpoint_id;
  std::string control_url;
  std::string suite = "x25519";
  std::chrono::nanoseconds valid_for{0};
  std::int64_t uses = 1;
  std::vector<std::string> tunnel_ready_urls;
  std::string audience;
  std::string issuer;
  std::chrono::nanoseconds wait = std::chrono::seconds{30};
  bool unchecked = false;
  bool now = false;
  std::string out;
  bool overwrite = false;
  bool pretty = false;
};

// The tables refer to `command`, which must outlive them.
[[nodiscard]] program describe_serve(serve_command& command);
[[nodiscard]] program describe_init(admin_command& command);
[[nodiscard]] program describe_add_endpoint(admin_command& command);
[[nodiscard]] program describe_revoke_endpoint(admin_command& command);
[[nodiscard]] program describe_list_endpoints(admin_command& command);
[[nodiscard]] program describe_make_ticket(admin_command& command);
[[nodiscard]] program describe_list_keys(admin_command& command);
[[nodiscard]] program describe_publish_key(admin_command& command);
[[nodiscard]] program describe_rotate_key(admin_command& command);
[[nodiscard]] program describe_retire_key(admin_command& command);
[[nodiscard]] program describe_export_key(admin_command& command);
[[nodiscard]] program describe_back_up(admin_command& command);
/// The program without a command.
[[nodiscard]] program describe_controlplane();

/// Where serve takes control connections.
inline constexpr std::string_view control_path = "/control/ws";

/// Nullopt when an id may be given to something new: it is printed in logs, and typed again.
[[nodiscard]] std::optional<std::string> new_id_problem(std::string_view flag, std::string_view id);
/// Nullopt when writing `path` leaves the state file alone, and what SQLite keeps beside it. A blank path is no file.
[[nodiscard]] std::optional<std::string> replaced_state_problem(const state_files& files, std::string_view flag,
                                                                const std::string& path);
/// The same for the keyset file.
[[nodiscard]] std::optional<std::string> keyset_problem(const state_files& files);
/// Nullopt when an endpoint can dial it.
[[nodiscard]] std::optional<std::string> websocket_url_problem(std::string_view flag, const std::string& url);
/// The first thing that makes no sense; nullopt when all is well.
[[nodiscard]] std::optional<std::string> usage_problem(const serve_command& command);

}  // namespace flowersec::apps::plane
