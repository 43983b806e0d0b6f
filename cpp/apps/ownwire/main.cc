// ownwire: the chat gateway as a process.
#include <csignal>
#include <ostream>

#include "flowersec/base/clock.h"
#include "ownwire/check_config.h"
#include "ownwire/serve.h"
#include "ownwire_assets/extract.h"
#include "ownwire_front/site.h"
#include "serving/identity_keys.h"
#include "serving/no_dumps.h"

namespace flowersec::apps {
namespace {

or_problem<loaded_keys> load_for_show(const ownwire_command& command) {
  return load_identity(command.key_path(), command.may_make_key(), system_random(),
                       to_unix_seconds(system_clocks().wall_now()));
}

int print_keys(const ownwire_command& command, const invocation& io) {
  const auto found = load_for_show(command);
  if (!found) return fail(io, exit_runtime, found.error().text);
  io.out << key_lines(*found->keys) << std::flush;
  return io.out ? exit_ok : fail(io, exit_runtime, "cannot write the keys to stdout");
}

int extract(const ownwire_command& command, const invocation& io) {
  auto settings = read_asset_settings(command.front);
  if (!settings) return fail(io, exit_runtime, settings.error().text);
  const auto found = load_for_show(command);
  if (!found) return fail(io, exit_runtime, found.error().text);
  settings->server_keys = public_texts(*found->keys);
  const auto written = extract_assets(asset_set{built_in_files(), *settings}, command.front.extract_to);
  if (!written) return fail(io, exit_runtime, written.error().text);
  io.out << extracted_lines(*written) << "key file " << command.key_path() << ", kid " << found->keys->current().kid()
         << (found->is_new ? " (new)" : "") << '\n'
         << std::flush;
  return io.out ? exit_ok : fail(io, exit_runtime, "cannot write the list to stdout");
}

int run(const invocation& io) {
  forbid_dumps();
  std::signal(SIGPIPE, SIG_IGN);
  ownwire_command command;
  const auto described = describe_ownwire(command);
  if (const auto code = read_command_line(described, io)) return *code;
  command.fill_blanks();
  if (const auto complaint = usage_problem(command)) return usage_error(described, io, *complaint);
  configure_log(*parse_log_format(command.front.log_format), *parse_level_word(command.front.log_level));
  if (command.front.check_config) return report_checks(check_config(command), io);
  if (!command.front.extract_to.empty()) return extract(command, io);
  if (command.print_key) return print_keys(command, io);
  return run_gateway(command, io);
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
