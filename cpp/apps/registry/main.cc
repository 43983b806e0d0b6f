// flowersec-registry: where peers that know each other's public key meet.
#include <csignal>
#include <ostream>

#include "flowersec/base/clock.h"
#include "registry/serve.h"
#include "serving/flag_values.h"
#include "serving/identity_keys.h"
#include "serving/no_dumps.h"

namespace flowersec::apps {
namespace {

int print_keys(const sealed::keyring& keys, const invocation& io) {
  io.out << key_lines(keys) << std::flush;
  return io.out ? exit_ok : fail(io, exit_runtime, "cannot write the keys to stdout");
}

/// The new key in front: clients that have it pinned use it, the others the one they have.
int add_key(const registry_command& command, const invocation& io) {
  const auto now = to_unix_seconds(system_clocks().wall_now());
  const auto found = load_identity(command.key_file, true, system_random(), now, "--key-file");
  if (!found) return fail(io, exit_runtime, found.error().text);
  if (found->is_new) return print_keys(*found->keys, io);
  auto made = sealed::key_pair::generate(system_random());
  if (!made) return fail(io, exit_runtime, made.error().message());
  std::vector<sealed::keyring::entry> entries;
  entries.push_back({.key = std::move(*made), .created_at = now});
  for (const auto& old : found->keys->entries()) {
    entries.push_back({.key = sealed::key_pair::from_private(old.key.private_half()), .created_at = old.created_at});
  }
  const auto keys = sealed::keyring::of(std::move(entries));
  if (!keys) return fail(io, exit_runtime, command.key_file + " has no room for another key");
  if (const auto written = sealed::write_key_file(command.key_file, *keys); !written) {
    return fail(io, exit_runtime, written.error().text);
  }
  return print_keys(*keys, io);
}

int show_keys(const registry_command& command, const invocation& io) {
  const auto found = load_identity(command.key_file, false, system_random(), unix_seconds{0}, "--key-file");
  return found ? print_keys(*found->keys, io) : fail(io, exit_runtime, found.error().text);
}

int run(const invocation& io) {
  forbid_dumps();
  std::signal(SIGPIPE, SIG_IGN);
  registry_command command;
  const auto described = describe_registry(command);
  if (const auto code = read_command_line(described, io)) return *code;
  command.fill_blanks();
  if (const auto complaint = usage_problem(command)) return usage_error(described, io, *complaint);
  configure_log(*parse_log_format(command.log_format), *parse_level_word(command.log_level));
  if (command.new_key) return add_key(command, io);
  if (command.print_key) return show_keys(command, io);
  if (command.check_config) return report_checks(check_registry(command), io);
  return run_registry(command, io);
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
