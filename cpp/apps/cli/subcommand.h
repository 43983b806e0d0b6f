// Programs with commands: the first word chooses one, and "help WORD" explains it.
// Layer apps.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "cli/program.h"

namespace flowersec::apps {

struct subcommand {
  std::string name;
  /// Given what stands behind the word. Answers --help by itself. Returns the exit code.
  std::function<int(const invocation& io)> run;
};

/// Runs the one that is named. `all` describes the program, and answers --help, help and --version; any other word, and
/// none, is a usage error.
[[nodiscard]] int run_subcommand(const program& all, std::span<const subcommand> commands, const invocation& io);

}  // namespace flowersec::apps
