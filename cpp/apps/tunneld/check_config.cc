#include "tunneld/check_config.h"

#include "flowersec/http/server.h"
#include "flowersec/tunnel/replay_journal.h"
#include "serving/certificate_files.h"
#include "serving/listen_address.h"
#include "tunneld/ready_line.h"
#include "tunneld/verifier_file.h"

namespace flowersec::apps {
namespace {

/// host:port, [v6]:port or :port, with a port in digits. Whether the host exists shows at a start.
std::optional<std::string> address_problem(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto host = text.substr(0, std::min(colon, text.size()));
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (colon == text.npos || (!bracketed && host.find_first_of(":[]") != host.npos)) return "not host:port";
  if (!is_port(text.substr(colon + 1))) return "the port is not a number from 0 to 65535";
  return std::nullopt;
}

config_check check_verifier(const tunnel_command& command) {
  const bool many = !command.tenants_file.empty();
  config_check check{many ? "--tenants-file " + command.tenants_file + " and the keysets it names"
                          : "--issuer-keys-file " + command.issuer_keys_file};
  file_watch unwatched;
  if (const auto verifier = load_verifier(command, unwatched); !verifier) check.wrong = verifier.error().text;
  return check;
}

/// A journal in use is no defect: it is that of the tunnel that the check runs beside.
config_check check_journal(const tunnel_command& command) {
  config_check check{"--replay-journal " + command.replay_journal};
  const auto seen = tunnel::look_at_replay_journal(command.replay_journal);
  if (!seen) {
    check.wrong = seen.error().text;
  } else if (seen->in_use) {
    check.what += " (another process is using it)";
  }
  return check;
}

config_check check_tls(const tunnel_command& command) {
  config_check check{"--tls-cert-file " + command.tls_cert_file + " with --tls-key-file " + command.tls_key_file};
  const certificate_paths paths{command.tls_cert_file, command.tls_key_file};
  if (unreadable_problem(paths) || !http::load_server_tls(paths.chain, paths.key)) {
    check.wrong = describe_unusable(paths).text;
  }
  return check;
}

}  // namespace

std::vector<config_check> check_config(const tunnel_command& command) {
  std::vector<config_check> checks{{"flags, environment and configuration file"}};
  checks.push_back(check_verifier(command));
  if (!command.replay_journal.empty()) checks.push_back(check_journal(command));
  if (!command.tls_cert_file.empty()) checks.push_back(check_tls(command));
  const std::pair<const char*, const std::string&> addresses[] = {{"--metrics-listen", command.metrics_listen},
                                                                  {"--stats-listen", command.stats_listen},
                                                                  {"--listen", command.listen}};
  for (const auto& [flag, address] : addresses) {
    if (!address.empty()) checks.push_back({std::string{flag} + ' ' + address, address_problem(address)});
  }
  if (!command.advertise_host.empty()) {
    config_check check{"--advertise-host " + command.advertise_host};
    if (!parse_advertised_host(command.advertise_host)) check.wrong = "not host, host:port or a URL";
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace flowersec::apps
