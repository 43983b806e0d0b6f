// ownwire-edge: the blind front of an ownwire that runs elsewhere.
#include <csignal>
#include <ostream>

#include "ownwire_assets/extract.h"
#include "ownwire_edge/serve.h"
#include "ownwire_front/checks.h"
#include "ownwire_front/site.h"
#include "serving/no_dumps.h"
#include "serving/token_file.h"

namespace flowersec::apps {
namespace {

int extract(const edge_command& command, const invocation& io) {
  auto settings = read_asset_settings(command.front);
  if (!settings) return fail(io, exit_runtime, settings.error().text);
  settings->server_keys = command.server_keys;
  const auto written = extract_assets(asset_set{built_in_files(), *settings}, command.front.extract_to);
  if (!written) return fail(io, exit_runtime, written.error().text);
  io.out << extracted_lines(*written) << std::flush;
  return io.out ? exit_ok : fail(io, exit_runtime, "cannot write the list to stdout");
}

std::vector<config_check> check_config(const edge_command& command) {
  std::vector<config_check> checks{{"flags and environment"},
                                   {"--server-key, kid " + kid_of(command.server_keys.front())}};
  add_common_checks(checks, command.front);
  add_token_check(checks, "--backend-token-file", command.backend_token_file);
  return checks;
}

int run(const invocation& io) {
  forbid_dumps();
  std::signal(SIGPIPE, SIG_IGN);
  edge_command command;
  const auto described = describe_edge(command);
  if (const auto code = read_command_line(described, io)) return *code;
  command.fill_blanks();
  if (const auto complaint = usage_problem(command)) return usage_error(described, io, *complaint);
  configure_log(*parse_log_format(command.front.log_format), *parse_level_word(command.front.log_level));
  if (command.front.check_config) return report_checks(check_config(command), io);
  if (!command.front.extract_to.empty()) return extract(command, io);
  return run_edge(command, io);
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
