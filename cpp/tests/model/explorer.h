// Visits every state that a few parties and an attacker can reach.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/handshake.h"

namespace flowersec::model {

struct exploration {
  std::size_t states = 0;
  /// Whether both sides of some session got connected, and read all that was sent.
  bool somebody_finished = false;
  /// For each property that broke, the first way that was found.
  std::map<property, std::vector<std::string>> broken;
};

/// Memory is 16 bytes for each state.
[[nodiscard]] exploration explore(protocol how, std::size_t clients, std::size_t servers);

[[nodiscard]] std::string to_string(property which);
/// One line for each step of each broken property.
[[nodiscard]] std::string to_string(const exploration& done);

}  // namespace flowersec::model
