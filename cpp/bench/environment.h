// Where the figures are taken: a network of its own, without the host's congestion control in the way.
// Part of flowersec-bench.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace flowersec::bench {

struct environment {
  bool own_network = false;      ///< a private network namespace
  bool reno_everywhere = false;  ///< its default congestion control is reno, so children need no help
  std::vector<std::string> warnings;

  /// What children need to be measured alike: nothing, or the preloaded library that sets reno on listening sockets.
  [[nodiscard]] std::vector<std::string> child_environment() const;
  /// Facts about the machine for the report: name and JSON value.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> facts() const;
};

/// Enters the private network and raises the limit on open files. Call before the first socket and thread.
[[nodiscard]] environment prepare_environment();

}  // namespace flowersec::bench
