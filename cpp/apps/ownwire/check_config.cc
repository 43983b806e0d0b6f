#include "ownwire/check_config.h"

#include <unistd.h>

#include <filesystem>
#include <ostream>

#include "flowersec/sealed/key_file.h"
#include "ownwire/live_files.h"
#include "ownwire/psk_file.h"
#include "serving/token_file.h"

namespace flowersec::apps {
namespace {

template <class T>
std::optional<std::string> wrong_with(const or_problem<T>& outcome) {
  return outcome ? std::nullopt : std::optional{outcome.error().text};
}

config_check check_identity(const ownwire_command& command) {
  const auto path = command.key_path();
  config_check check{"key file " + path};
  const auto read = sealed::read_key_file(path);
  if (read) {
    check.what += ", kid " + read->current().kid();
  } else if (read.error().code != boost::system::errc::no_such_file_or_directory) {
    check.wrong = read.error().text;
  } else {
    check.what += " (none yet: the first start makes it)";
    auto folder = std::filesystem::path{path}.parent_path();
    if (folder.empty()) folder = ".";
    if (::access(folder.c_str(), W_OK) != 0) check.wrong = "cannot write to " + folder.native();
  }
  return check;
}

}  // namespace

std::vector<config_check> check_config(const ownwire_command& command) {
  std::vector<config_check> checks{{"flags and environment"}, check_identity(command)};
  const auto& css = command.front.custom_css;
  if (!css.empty()) checks.push_back({"--custom-css " + css, wrong_with(read_asset_settings(command.front))});
  const auto check_token = [&](const std::string& flag, const std::string& path) {
    if (!path.empty()) checks.push_back({flag + ' ' + path, wrong_with(read_token_file(flag, path))});
  };
  check_token("--internal-token-file", command.internal_token_file);
  check_token("--behind-token-file", command.behind_token_file);
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

int report_checks(const std::vector<config_check>& checks, const invocation& io) {
  int code = exit_ok;
  for (const auto& check : checks) {
    if (check.wrong) code = exit_usage;
    (check.wrong ? io.err : io.out) << (check.wrong ? "bad  " : "ok   ") << check.what
                                    << (check.wrong ? ": " + *check.wrong : "") << '\n';
  }
  io.out << std::flush;
  io.err << std::flush;
  return code;
}

}  // namespace flowersec::apps
