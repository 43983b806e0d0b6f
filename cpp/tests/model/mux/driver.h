// Runs programs: two multiplexers, the pipes between them, and the model that watches; and makes a failing one small.
// Test support.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "model.h"
#include "peer.h"
#include "program.h"

namespace flowersec::mux {

/// Makes the multiplexer of one side.
using peer_maker = std::function<std::unique_ptr<peer>(side is, const yamux::yamux_limits& limits)>;

struct failure {
  std::size_t step;  ///< how many were done; one that lies behind the last is of the winding down
  std::string rule;
};

/// Runs the program, and then lets everything flow, be read and be closed until no stream is left.
[[nodiscard]] std::optional<failure> run(const program& what, const peer_maker& make,
                                         const model_options& options = {});

/// A smallest program that `fails`: no step of it can be left out, no number halved, no limit be as usual.
[[nodiscard]] program shrink(program what, const std::function<bool(const program&)>& fails);

}  // namespace flowersec::mux
