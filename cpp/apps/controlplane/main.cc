// flowersec-controlplane: the service and the commands that administer it.
#include "controlplane/admin.h"
#include "controlplane/serve.h"
#include "serving/no_dumps.h"

namespace flowersec::apps::plane {
namespace {

int run(invocation io) {
  forbid_dumps();  // the commands read keys as the service does
  const auto word = io.arguments.empty() ? std::string{} : io.arguments.front();
  const bool is_word = !word.empty() && word.front() != '-';
  if (is_word) io.arguments.erase(io.arguments.begin());
  if (word == "serve") {
    serve_command command;
    const auto described = describe_serve(command);
    if (const auto code = read_command_line(described, io)) return *code;
    if (const auto complaint = usage_problem(command)) return usage_error(described, io, *complaint);
    return run_serve(command, io);
  }
  if (is_word) {
    if (const auto code = run_admin(word, io)) return *code;
  }
  const auto described = describe_controlplane();
  if (!is_word) {
    if (const auto code = read_command_line(described, io)) return *code;
  }
  return usage_error(described, io, is_word ? "unknown command: " + word : "missing command");
}

}  // namespace
}  // namespace flowersec::apps::plane

int main(int argc, char** argv) { return flowersec::apps::plane::run(flowersec::apps::process_invocation(argc, argv)); }
