// flowersec-lab-link: joins two network namespaces by a link with delay, rate, loss and more, as tests/lab/README.md
// says.
//
//   flowersec-lab-link join SPACE:DEVICE SPACE:DEVICE SEED [offload]
//   flowersec-lab-link sink PORT
//   flowersec-lab-link send ADDRESS PORT BYTES
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <exception>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "lab/link.h"
#include "lab/raw_tcp.h"

namespace {

using namespace flowersec::lab;

link_end end_of(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) throw std::invalid_argument{text + ": not SPACE:DEVICE"};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

template <class Int>
Int number(const std::string& text) {
  Int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) throw std::invalid_argument{text + ": not a number"};
  return value;
}

int run(const std::vector<std::string>& words) {
  const auto is = [&](const char* command, std::size_t least, std::size_t most) {
    return words.size() >= least && words.size() <= most && words.front() == command;
  };
  if (is("join", 4, 5) && (words.size() == 4 || words[4] == "offload")) {
    lab_link joined{end_of(words[1]), end_of(words[2]), words.size() == 5, number<std::uint64_t>(words[3]), std::cout};
    joined.run(STDIN_FILENO);
  } else if (is("sink", 2, 2)) {
    run_sink(number<std::uint16_t>(words[1]), std::cout);
  } else if (is("send", 4, 4)) {
    run_sender(words[1], number<std::uint16_t>(words[2]), number<std::uint64_t>(words[3]), std::cout);
  } else {
    std::cerr << "usage: flowersec-lab-link join SPACE:DEVICE SPACE:DEVICE SEED [offload] | sink PORT | send ADDRESS "
                 "PORT BYTES\n";
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
