#include "ownwire/check_config.h"

#include "ownwire/live_files.h"
#include "ownwire/psk_file.h"
#include "serving/identity_keys.h"

namespace flowersec::apps {
std::vector<config_check> check_config(const ownwire_command& command) {
  std::vector<config_check> checks{{"flags and environment"}, check_key_file(command.key_path())};
  add_common_checks(checks, command.front);
  add_token_check(checks, "--internal-token-file", command.internal_token_file);
  add_token_check(checks, "--behind-token-file", command.behind_token_file);
  if (!command.internal_psk_file.empty()) {
    checks.push_back(
        {"--internal-psk-file " + command.internal_psk_file, wrong_with(read_psk_file(command.internal_psk_file))});
  }
  if (!command.internal_tls_cert.empty()) {
    checks.push_back(
        {"--internal-tls-cert " + command.internal_tls_cert + " with --internal-tls-key " + command.internal_tls_key,
         wrong_with(load_certificate(command))});
  }
  return checks;
}

}  // namespace flowersec::apps
