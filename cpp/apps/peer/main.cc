// flowersec-peer: the conformance peer, in either role.
#include "peer/client.h"
#include "peer/serve.h"

namespace flowersec::apps {
namespace {

int run_command(const program& described, const invocation& io, const auto& command, auto run) {
  if (const auto code = read_command_line(described, io)) return *code;
  if (const auto complaint = usage_problem(command)) return usage_error(described, io, *complaint);
  return run(command, io);
}

int run(invocation io) {
  const auto word = io.arguments.empty() ? std::string{} : io.arguments.front();
  if (word == "serve" || word == "client") io.arguments.erase(io.arguments.begin());
  if (word == "serve") {
    serve_command command;
    return run_command(describe_serve(command), io, command, run_serve);
  }
  if (word == "client") {
    client_command command;
    return run_command(describe_client(command), io, command, run_client);
  }
  const auto described = describe_peer();
  if (const auto code = read_command_line(described, io)) return *code;
  return usage_error(described, io, word.empty() ? "missing command" : "unknown command: " + word);
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) { return flowersec::apps::run(flowersec::apps::process_invocation(argc, argv)); }
