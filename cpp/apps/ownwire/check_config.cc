#include "ownwire/check_config.h"

#include <unistd.h>

#include <filesystem>

#include "flowersec/sealed/key_file.h"
#include "ownwire/live_files.h"
#include "ownwire/psk_file.h"

namespace flowersec::apps {
namespace {

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
