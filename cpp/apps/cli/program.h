// One description of a program: its flags, their environment names, and the texts of its help.
// Layer apps. The reader, the help, the reference pages and the tests all use this one table.
// Not thread-safe; used before a program starts its work.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flowersec::apps {

/// Where a flag's value goes. What the variable holds when the table is made is the default.
///   bool              bare `-x` is true; `-x=false`; never takes the next word
///   string            trimmed; a blank environment value counts as unset
///   int64             see parse_flag_integer; parse_decimal_integer in the environment
///   optional int64    the same, and remembers whether it was given
///   nanoseconds       see parse_duration
///   vector of string  repeatable; one flag makes the environment's comma list unread
using option_target = std::variant<bool*, std::string*, std::int64_t*, std::optional<std::int64_t>*,
                                   std::chrono::nanoseconds*, std::vector<std::string>*>;

/// What `into` holds now, as help prints it. Empty for the zero of each type, which needs no words.
[[nodiscard]] std::string default_text(const option_target& into);

struct option {
  std::string name;  ///< without dashes
  option_target into;
  std::string help;
  /// Environment names; the first that is not blank is used. Empty: flag only.
  std::vector<std::string> environment = {};
  std::string standard = default_text(into);
  /// False: on the command line only.
  bool in_config_file = true;
  /// How a value is printed, for one that holds secrets; empty: as it is.
  std::function<std::string(const std::string& value)> shown = {};
  /// False: a flag with a blank value is a mistake.
  bool may_be_blank = true;
};

/// The same option, not accepted in a configuration file.
[[nodiscard]] option command_line_only(option entry);
/// The same option, whose flag needs a value that is not blank.
[[nodiscard]] option not_blank(option entry);
/// The same option, whose values are printed as `shown` says.
[[nodiscard]] option secret(option entry, std::function<std::string(const std::string& value)> shown);

/// One titled block of the help, in the order of the table: Usage, Examples, Output, Exit codes, Signals.
struct help_block {
  std::string title;
  std::vector<std::string> lines;
};

struct program {
  std::string name;
  std::string summary;  ///< one sentence, for the reference page
  std::vector<help_block> blocks;
  std::vector<option> options;
  /// Where one of the options puts the path of a configuration file; nullptr: the program reads none.
  const std::string* config_file = nullptr;
  /// Whether words behind the flags end the program. False: they are not read.
  bool refuses_words = false;
  /// Help as most programs have it: on stdout, long names with two dashes, and a usage error is its own line with a
  /// pointer to it. False: as the family's programs have it, which is Go's way.
  bool common_help = false;
  /// Where the names of flags that were on the command line go; nullptr: nobody asks.
  std::vector<std::string>* flags_given = nullptr;
};

/// What a program is given by its surroundings; tests give their own.
struct invocation {
  std::vector<std::string> arguments;  ///< without the program's name
  std::function<std::optional<std::string>(const std::string& name)> environment;
  std::ostream& out;
  std::ostream& err;
};

/// The process's own arguments, environment, stdout and stderr.
[[nodiscard]] invocation process_invocation(int argc, char** argv);

inline constexpr int exit_ok = 0;
inline constexpr int exit_runtime = 1;  ///< the work failed
inline constexpr int exit_usage = 2;    ///< the request makes no sense as written

/// Reads the environment, then the arguments, into the table's variables, and answers -help and -version. What neither
/// gives is then taken from the configuration file, if there is one.
/// Result   nullopt to go on, else the exit code: everything there is to say has been printed.
[[nodiscard]] std::optional<int> read_command_line(const program& described, const invocation& io);

/// Prints `message` and the help, or where to find it, on stderr.
[[nodiscard]] int usage_error(const program& described, const invocation& io, std::string_view message);
/// Prints `message` on stderr.
[[nodiscard]] int fail(const invocation& io, int exit_code, std::string_view message);

}  // namespace flowersec::apps
