// flowersec: programs for people, one command each.
#include <array>

#include "chat/run.h"
#include "cli/subcommand.h"

int main(int argc, char** argv) {
  using namespace flowersec::apps;  // NOLINT
  const std::array commands = {subcommand{.name = "chat", .run = run_chat}};
  return run_subcommand(describe_flowersec(), commands, process_invocation(argc, argv));
}
