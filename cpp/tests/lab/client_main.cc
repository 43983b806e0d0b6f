// flowersec-lab-client ORIGIN CA-FILE PROBE-INTERVAL-MS PROBE-TIMEOUT-MS MAX-ATTEMPTS: the client of tests/lab.
// An interval of 0 leaves probing to the path.
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "lab/client.h"

namespace {

flowersec::endpoint::reconnect_config config_of(const std::vector<std::string>& words) {
  flowersec::endpoint::reconnect_config config;
  config.connect.origin = words[0];
  config.connect.trust.ca_file = words[1];
  const std::chrono::milliseconds interval{std::stoi(words[2])};
  if (interval.count() > 0) {
    config.connect.common.liveness =
        flowersec::endpoint::liveness{.interval = interval, .timeout = std::chrono::milliseconds{std::stoi(words[3])}};
  }
  config.reconnect.enabled = true;
  config.reconnect.max_attempts = std::stoi(words[4]);
  return config;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words{argv + 1, argv + argc};
  if (words.size() != 5) {
    std::cerr << "usage: flowersec-lab-client ORIGIN CA-FILE PROBE-INTERVAL-MS PROBE-TIMEOUT-MS MAX-ATTEMPTS\n";
    return 2;
  }
  try {
    flowersec::lab::staying_client{config_of(words), STDIN_FILENO, std::cout}.run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
