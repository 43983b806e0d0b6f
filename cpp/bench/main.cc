// flowersec-bench: what the tunnel and the endpoint library cost, as ratios measured in one run.
// Each figure stands beside a floor measured in turn with it and beside the project's goal for it; see
// docs/BENCHMARKS.md for the method. Exit codes: 0 all goals met, 1 a goal missed or a case failed, 2 usage.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <string_view>

#include "programs.h"
#include "tunnel_relay.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

constexpr int exit_ok = 0;
constexpr int exit_missed = 1;
constexpr int exit_usage = 2;
/// The whole run ends by then, whatever happens; children end with it.
constexpr unsigned give_up_seconds = 600;

constexpr std::string_view usage = R"(Usage: flowersec-bench [options]

Measures the tunnel and the endpoint library against floors in the same run. Takes 60 to 90 seconds.

  --only CASE        run this case, or all whose names begin with it; repeatable
  --list             print the names of the cases
  --quick            only what noise cannot touch: system calls, allocations, memory held
  --rounds N         runs per contender and case (default 9)
  --round-ms N       length of one run (default 150)
  --null-test        a second byte relay in place of the tunnel in the relay cases: ratios show the noise
  --json             JSON on stdout instead of the table
  --bin-dir DIR      where flowersec-tunnel is (default: beside this program)
  --help
)";

std::vector<bench_case> all_cases() {
  std::vector<bench_case> all;
  for (auto part : {relay_cases(), memory_cases(), attach_cases(), replay_cases(), tls_cases(), record_cases(),
                    handshake_cases(), codec_cases(), session_cases(), count_cases()}) {
    std::ranges::move(part, std::back_inserter(all));
  }
  return all;
}

struct usage_error {
  std::string text;
};

class command_line {
 public:
  command_line(int argc, char** argv) : arguments_(argv + 1, argv + argc) {}

  bench_options parse() {
    bench_options chosen;
    chosen.tunnel_program = sibling_program("flowersec-tunnel");
    while (at_ < arguments_.size()) {
      const auto name = arguments_[at_++];
      if (name == "--only") {
        chosen.only.emplace_back(value_of(name));
      } else if (name == "--bin-dir") {
        chosen.tunnel_program = std::string{value_of(name)} + "/flowersec-tunnel";
      } else if (name == "--rounds") {
        chosen.rounds = number(name, 1, 100);
      } else if (name == "--round-ms") {
        chosen.round_time = std::chrono::milliseconds{number(name, 10, 10'000)};
      } else if (name == "--quick") {
        chosen.quick = true;
      } else if (name == "--null-test") {
        chosen.null_test = true;
      } else if (name == "--json") {
        chosen.json = true;
      } else {
        throw usage_error{"unknown option " + std::string{name}};
      }
    }
    return chosen;
  }

 private:
  std::string_view value_of(std::string_view name) {
    if (at_ == arguments_.size()) throw usage_error{std::string{name} + " needs a value"};
    return arguments_[at_++];
  }

  int number(std::string_view name, int min, int max) {
    const auto text = value_of(name);
    int value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ptr != text.data() + text.size() || value < min || value > max) {
      throw usage_error{std::string{name} + " must be " + std::to_string(min) + " to " + std::to_string(max)};
    }
    return value;
  }

  std::vector<std::string_view> arguments_;
  std::size_t at_ = 0;
};

bool is_chosen(const bench_case& each, const bench_options& options) {
  if (options.quick && !each.in_quick) return false;
  if (options.only.empty()) return true;
  return std::ranges::any_of(options.only, [&](const auto& prefix) { return each.id.starts_with(prefix); });
}

/// False when the case could not be measured.
bool run_case(const bench_case& each, workbench& bench) {
  try {
    each.run(bench);
    return true;
  } catch (const std::exception& problem) {
    bench.results().add({.id = each.id, .title = each.id, .problem = problem.what()});
    return false;
  }
}

int run(bench_options options) {
  auto where = prepare_environment();
  for (const auto& warning : where.warnings) std::cerr << "warning: " << warning << '\n';
  pin_to_cpu(generator_cpu);
  std::vector<bench_case> chosen;
  std::ranges::copy_if(all_cases(), std::back_inserter(chosen), [&](const auto& c) { return is_chosen(c, options); });
  if (chosen.empty()) throw usage_error{"no such case; --list names them"};

  const bool as_json = options.json;
  const auto facts = where.facts();
  workbench bench{std::move(options), std::move(where)};
  bool all_measured = true;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    std::cerr << '[' << i + 1 << '/' << chosen.size() << "] " << chosen[i].id << std::endl;
    all_measured &= run_case(chosen[i], bench);
  }
  if (as_json) {
    bench.results().print_json(std::cout, facts);
  } else {
    for (const auto& [name, value] : facts) std::cout << name << ": " << value << '\n';
    bench.results().print(std::cout);
  }
  return all_measured && !bench.results().has_misses() ? exit_ok : exit_missed;
}

int run_child(std::string_view name, std::span<char*> arguments) {
  if (name == "byte-relay") run_byte_relay();
  if (name == "beast-relay") run_beast_relay();
  if (name == "beast-attach") run_beast_attach();
  if (name == "tls-relay" && arguments.size() == 2) run_tls_relay(arguments[0], arguments[1]);
  if (name == "session-server") return run_session_server();
  if (name == "session-client") return run_session_client();
  return exit_usage;
}

int dispatch(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--child" && argc >= 3) return run_child(argv[2], {argv + 3, argv + argc});
  if (first == "--help") {
    std::cout << usage;
    return exit_ok;
  }
  if (first == "--list") {
    for (const auto& each : all_cases()) std::cout << each.id << '\n';
    return exit_ok;
  }
  ::alarm(give_up_seconds);
  return run(command_line{argc, argv}.parse());
}

}  // namespace
}  // namespace flowersec::bench

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return flowersec::bench::dispatch(argc, argv);
  } catch (const flowersec::bench::usage_error& problem) {
    std::cerr << problem.text << "\n\n" << flowersec::bench::usage;
    return flowersec::bench::exit_usage;
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return flowersec::bench::exit_missed;
  }
}
