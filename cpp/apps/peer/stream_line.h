// One line of JSON on a stream: the question to a `source`, the answer of a `sink`.
// Layer apps.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "flowersec/session/stream.h"

namespace flowersec::apps {

inline constexpr std::size_t max_line_bytes = 4096;

/// Reads up to the first newline, which is not part of the result, or the end of the stream. One byte at a time, so
/// that nothing behind the line is taken. Throws system_error; message_size for a line over max_line_bytes.
[[nodiscard]] boost::asio::awaitable<std::string> read_line(flowersec::stream& stream);

/// Writes `line` and a newline.
[[nodiscard]] boost::asio::awaitable<void> write_line(flowersec::stream& stream, std::string line);

}  // namespace flowersec::apps
