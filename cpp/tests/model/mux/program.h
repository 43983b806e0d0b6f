// Programs for two multiplexers: what both applications and the pipes between do, step by step.
// Test support. A program is text, so that it can be printed, kept and run again; any part of its steps is a program
// too, because a step for a stream that its side does not know is skipped.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/yamux/limits.h"

namespace flowersec::mux {

enum class side : std::uint8_t { client, server };

[[nodiscard]] constexpr side other(side one) noexcept { return one == side::client ? side::server : side::client; }

/// A stream as the program calls it; its id is what the opener's multiplexer answers.
struct stream_name {
  side opener;
  unsigned number;
  friend auto operator<=>(const stream_name&, const stream_name&) = default;
};

enum class verb : std::uint8_t {
  open,
  write,  ///< `amount` bytes
  read,   ///< at most `amount` bytes of what is there
  wait,   ///< the same, and when nothing is there the read stays
  close,  ///< the sending half
  reset,
  ping,
  take,  ///< output of at most `amount` bytes moves into the pipe
  pass,  ///< at most `amount` bytes of that pipe are delivered to the other side
  flow,  ///< everything is taken and passed, both ways, until nothing moves
};

struct step {
  verb what = verb::flow;
  side who = side::client;
  stream_name stream{};
  std::size_t amount = 0;
  friend bool operator==(const step&, const step&) = default;
};

struct program {
  yamux::yamux_limits client;
  yamux::yamux_limits server;
  std::vector<step> steps;

  [[nodiscard]] yamux::yamux_limits& limits(side of) { return of == side::client ? client : server; }
  [[nodiscard]] const yamux::yamux_limits& limits(side of) const { return of == side::client ? client : server; }
};

/// One line a step, behind one line for the limits of each side that differ from what is usual.
[[nodiscard]] std::string to_text(const program& what);
/// The text of the limits that differ: "active=3 inbound=2".
[[nodiscard]] std::string to_text(const yamux::yamux_limits& limits);
/// nullopt: not a program. Empty lines, and those that begin with '#', are skipped.
[[nodiscard]] std::optional<program> parse_program(const std::string& text);
/// One word of it, "active=3". False: no such limit.
[[nodiscard]] bool parse_limit(const std::string& word, yamux::yamux_limits& into);

/// Programs of all kinds, the same for the same seed everywhere.
[[nodiscard]] program random_program(std::uint64_t seed);

}  // namespace flowersec::mux
