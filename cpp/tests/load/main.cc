// flowersec-load: the tunnel with as many connections, as much memory pressure and as much time as it must stand.
// Real processes and real sockets, the generators apart from the tunnel. Exit codes: 0 all goals met, 1 a goal missed
// or a case failed, 2 usage.
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <string_view>

#include "cases.h"
#include "process.h"

namespace flowersec::load {
namespace {

constexpr int exit_ok = 0;
constexpr int exit_missed = 1;
constexpr int exit_usage = 2;

constexpr std::string_view usage = R"(Usage: flowersec-load [options]

Loads a tunnel of its own and prints what became of it. Minutes; --small takes seconds.

  --only CASE        run this case; repeatable. The soak runs only when named
  --list             print the names of the cases
  --small            the same with hundreds instead of thousands
  --minutes M        length of the soak (default 30)
  --bin-dir DIR      where flowersec-tunnel is (default: beside this program)
  --help
)";

struct usage_error {
  std::string text;
};

struct command_line {
  load_options options;
  std::vector<std::string> only;
};

double minutes_of(std::string_view text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr double shortest = 0.1;
  constexpr double longest = 100'000;
  if (parsed.ptr != text.data() + text.size() || value < shortest || value > longest) {
    throw usage_error{"--minutes must be 0.1 to 100000"};
  }
  return value;
}

command_line parse(std::span<char*> arguments) {
  command_line chosen;
  chosen.options.tunnel_program = bench::sibling_program("flowersec-tunnel");
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string_view name = arguments[at];
    const auto value = [&] {
      if (++at == arguments.size()) throw usage_error{std::string{name} + " needs a value"};
      return std::string{arguments[at]};
    };
    if (name == "--only") {
      chosen.only.push_back(value());
    } else if (name == "--small") {
      chosen.options.small = true;
    } else if (name == "--minutes") {
      chosen.options.soak_minutes = minutes_of(value());
    } else if (name == "--bin-dir") {
      chosen.options.tunnel_program = value() + "/flowersec-tunnel";
    } else {
      throw usage_error{"unknown option " + std::string{name}};
    }
  }
  for (const auto& each : chosen.only) {
    if (std::ranges::find(all_cases(), each, &load_case::id) == all_cases().end()) {
      throw usage_error{"no case " + each + "; --list names them"};
    }
  }
  return chosen;
}

bool is_chosen(const load_case& each, const std::vector<std::string>& only) {
  return only.empty() ? !each.by_name_only : std::ranges::find(only, each.id) != only.end();
}

int run(const command_line& chosen) {
  auto where = bench::prepare_environment();
  for (const auto& warning : where.warnings) std::cerr << "warning: " << warning << '\n';
  bench::pin_to_cpu(bench::generator_cpu);
  load_bench bench{chosen.options, std::move(where)};
  bool all_measured = true;
  for (const auto& each : all_cases()) {
    if (!is_chosen(each, chosen.only)) continue;
    std::cerr << each.id << std::endl;
    try {
      each.run(bench);
    } catch (const std::exception& problem) {
      bench.results().add({.id = each.id, .title = each.id, .problem = problem.what()});
      all_measured = false;
    }
  }
  bench.results().print(std::cout);
  return all_measured && !bench.results().has_misses() ? exit_ok : exit_missed;
}

int dispatch(std::span<char*> arguments) {
  const std::string_view first = arguments.empty() ? "" : arguments.front();
  if (first == "--help") {
    std::cout << usage;
    return exit_ok;
  }
  if (first == "--list") {
    for (const auto& each : all_cases()) std::cout << each.id << '\n';
    return exit_ok;
  }
  return run(parse(arguments));
}

}  // namespace

const std::vector<load_case>& all_cases() {
  static const std::vector<load_case> cases{
      {"traffic", false, run_traffic},
      {"idle", false, run_idle},
      {"idle-tls", false, run_idle_tls},
      {"return", false, run_return},
      {"stuck", false, run_stuck},
      {"pending", false, run_pending},
      {"worst-case", false, run_worst_case},
      {"worst-case-tls", false, run_worst_case_tls},
      {"soak", true, run_soak},
  };
  return cases;
}

std::unique_ptr<bench::tunnel_relay> load_bench::start_tunnel(std::vector<std::string> arguments,
                                                              std::chrono::seconds token_lifetime,
                                                              bool statistics) const {
  std::vector<std::string> all{"--max-conns",          "19900",   "--max-channels", "9950",
                               "--max-replay-entries", "1000000", "--threads",      "1"};
  std::ranges::move(arguments, std::back_inserter(all));
  return std::make_unique<bench::tunnel_relay>(bench::tunnel_options{.program = options_.tunnel_program,
                                                                     .environment = where_.child_environment(),
                                                                     .more_arguments = std::move(all),
                                                                     .statistics = statistics,
                                                                     .token_lifetime = token_lifetime});
}

void load_bench::add(std::string id, std::string title, std::string unit, double figure,
                     std::optional<bench::goal> target, std::string detail) {
  results_.add({.id = std::move(id),
                .title = std::move(title),
                .unit = std::move(unit),
                .figure = {figure, figure, figure},
                .target = target,
                .detail = std::move(detail)});
}

std::string mebibytes(double bytes) { return bench::short_number(bytes / (1024 * 1024)) + " MiB"; }

}  // namespace flowersec::load

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return flowersec::load::dispatch({argv + 1, argv + argc});
  } catch (const flowersec::load::usage_error& problem) {
    std::cerr << problem.text << "\n\n" << flowersec::load::usage;
    return flowersec::load::exit_usage;
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return flowersec::load::exit_missed;
  }
}
