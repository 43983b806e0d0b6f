// An authorizer that lets everybody in at once, but some it keeps waiting behind an answer as large as may be.
// Part of flowersec-load.
#pragma once

#include <cstdint>
#include <string>

#include "worker.h"

namespace flowersec::load {

/// Answers are at most this large; one byte more fails the call.
inline constexpr std::size_t most_answer_bytes = 1024 * 1024;
/// In the name of a channel: the answer comes, but for its last byte, and then nothing.
inline constexpr const char* kept_waiting = "kept-waiting";

/// Serves in a worker until there are no more orders. The first number it answers is its port.
void serve_slowly(orders& parent);

/// For --attach-authorizer-url.
[[nodiscard]] std::string authorizer_url(std::uint16_t port);

}  // namespace flowersec::load
