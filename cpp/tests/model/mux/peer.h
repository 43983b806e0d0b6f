// One multiplexer as the driver asks it: in this process, or a program that speaks the same as lines.
// Test support. It works only when asked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/base/bytes.h"
#include "program.h"

namespace flowersec::mux {

enum class ask : std::uint8_t { open, write, read, wait, close, reset, ping, take, give, state };

struct request {
  ask what = ask::state;
  std::uint32_t id = 0;
  std::size_t amount = 0;  ///< bytes to write, read or take
  byte_buffer bytes{};     ///< to give
};

/// Something that became known while a request was answered.
struct notice {
  enum class kind : std::uint8_t { opened, done, finished, failed, ended, pong };
  kind is;
  std::uint32_t id = 0;
  std::size_t bytes = 0;     ///< of a read that is done
  std::uint32_t digest = 0;  ///< of those bytes
  friend auto operator<=>(const notice&, const notice&) = default;
};

struct answer {
  enum class result : std::uint8_t {
    ok,
    none,   ///< nothing to read is there
    end,    ///< nor will there be
    no,     ///< refused, for whatever reason
    ended,  ///< the session has ended (of a state)
  };
  result is = result::ok;
  std::uint32_t id = 0;      ///< that was opened
  std::size_t amount = 0;    ///< bytes read; streams alive
  std::size_t unread = 0;    ///< of a state
  std::uint32_t digest = 0;  ///< of the bytes read
  byte_buffer bytes{};       ///< that were taken
  std::vector<notice> notices{};
};

class peer {
 public:
  virtual ~peer() = default;
  [[nodiscard]] virtual answer operator()(const request& what) = 0;
};

/// Byte `at` of what `writer` writes on a stream.
[[nodiscard]] constexpr std::byte pattern_at(side writer, std::uint32_t id, std::size_t at) noexcept {
  return static_cast<std::byte>(at * 31 + (at >> 8) * 17 + id * 7 + (writer == side::client ? 101 : 0));
}
[[nodiscard]] byte_buffer pattern(side writer, std::uint32_t id, std::size_t from, std::size_t count);

/// FNV-1a, 32 bits.
[[nodiscard]] std::uint32_t digest_of(byte_view bytes) noexcept;
[[nodiscard]] std::uint32_t digest_of_pattern(side writer, std::uint32_t id, std::size_t from,
                                              std::size_t count) noexcept;

/// yamux::session in this process.
[[nodiscard]] std::unique_ptr<peer> make_session_peer(side is, const yamux::yamux_limits& limits);

/// A program, started with `words` and, behind them, the role and the limits that differ. nullptr: it did not start.
/// When it stops answering, every answer is `no`.
[[nodiscard]] std::unique_ptr<peer> make_program_peer(const std::vector<std::string>& words, side is,
                                                      const yamux::yamux_limits& limits);

/// The lines: one for a request; one for each notice and a last one for an answer.
[[nodiscard]] std::string to_line(const request& what);
[[nodiscard]] std::optional<request> parse_request(const std::string& line);
[[nodiscard]] std::string to_lines(ask what, const answer& given);
/// Takes one line of an answer. True when it was the last one; nullopt when it is none of these.
[[nodiscard]] std::optional<bool> parse_answer_line(ask what, const std::string& line, answer& into);

}  // namespace flowersec::mux
