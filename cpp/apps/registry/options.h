// The command line of flowersec-registry: the flags, and what makes no sense among them.
// Layer apps. Pure; nothing is opened here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/program.h"
#include "flowersec/crypto/suite.h"

namespace flowersec::apps {

struct registry_command {
  std::string listen = "127.0.0.1:8090";
  std::string key_file = "registry_key.json";
  bool new_key = false;
  bool print_key = false;
  std::string issuer_keys;
  std::string tunnel_url;
  std::string audience;
  std::string issuer;
  std::string suites = "1";
  std::string tls_cert;
  std::string tls_key;
  std::vector<std::string> allowed_origins;
  bool allow_no_origin = false;
  std::vector<std::string> trusted_proxies;
  bool legacy = false;
  bool work = false;
  std::int64_t max_keys = 100'000;
  std::int64_t registrations_per_second = 4;
  std::string metrics_listen;
  std::string log_level = "info";
  std::string log_format = "text";
  bool check_config = false;

  /// Blank texts take their defaults.
  void fill_blanks();
};

/// The table; it refers to `command`, which outlives it.
[[nodiscard]] program describe_registry(registry_command& command);

/// The first thing that makes no sense; nullopt when all is well. fill_blanks() has been called.
[[nodiscard]] std::optional<std::string> usage_problem(const registry_command& command);

/// "1", "2", "1,2" or "2,1", the default first; nullopt for anything else.
[[nodiscard]] std::optional<std::vector<crypto::suite>> parse_suites(std::string_view text);

}  // namespace flowersec::apps
