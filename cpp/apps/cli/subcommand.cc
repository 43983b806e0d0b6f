#include "cli/subcommand.h"

#include <algorithm>

namespace flowersec::apps {

int run_subcommand(const program& all, std::span<const subcommand> commands, const invocation& io) {
  auto inner = io;
  const auto take_word = [&] {
    auto word = std::move(inner.arguments.front());
    inner.arguments.erase(inner.arguments.begin());
    return word;
  };
  if (inner.arguments.empty()) return usage_error(all, io, "missing command");
  if (inner.arguments.front().starts_with('-')) {
    const auto code = read_command_line(all, io);
    return code ? *code : usage_error(all, io, "missing command");
  }
  auto word = take_word();
  if (word == "help") {
    if (inner.arguments.empty()) word = "--help";
    if (!inner.arguments.empty()) word = take_word();
    inner.arguments = {"--help"};
    if (word == "--help") return read_command_line(all, inner).value_or(exit_usage);
  }
  const auto found = std::ranges::find(commands, word, &subcommand::name);
  if (found == commands.end()) return usage_error(all, io, "unknown command: " + word);
  return found->run(inner);
}

}  // namespace flowersec::apps
