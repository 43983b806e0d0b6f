// The head of an HTTP/1.x request, parsed by Beast behind this header.
// Layer ws, no I/O. Bytes go in as they arrive; what lies behind the head stays with the caller.
// Source: RFC 9112.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "flowersec/base/bytes.h"

namespace flowersec::ws {

struct header_field {
  std::string_view name;
  std::string_view value;
};

struct request_head {
  std::string_view method;
  std::string_view target;  ///< as sent, query included
  unsigned version = 11;    ///< 10 or 11
  bool keep_alive = true;
  bool has_body = false;  ///< a body follows: Content-Length above 0 or a transfer coding
  std::vector<header_field> fields;

  /// First field of that name, ignoring case.
  [[nodiscard]] std::optional<std::string_view> first(std::string_view name) const noexcept;
  /// Whether a comma-separated list, over all fields of that name, contains `token`, ignoring case.
  [[nodiscard]] bool list_contains(std::string_view name, std::string_view token) const noexcept;
  /// The target without its query.
  [[nodiscard]] std::string_view path() const noexcept;
};

/// Header block that every listener takes, and the slack above it. One more byte is answered with 431.
inline constexpr std::size_t max_request_head_bytes = 32 * 1024 + 4096;

class request_head_parser {
 public:
  enum class status { need_more, complete, invalid, too_large };

  explicit request_head_parser(std::size_t max_bytes = max_request_head_bytes);
  ~request_head_parser();
  request_head_parser(request_head_parser&&) noexcept;
  request_head_parser& operator=(request_head_parser&&) noexcept;

  /// Takes bytes from the front of `input`. On complete, `input` is what follows the head. A peer can make it
  /// hold max_bytes. `invalid` is to be answered with 400, `too_large` with 431; both are final.
  [[nodiscard]] status consume(byte_view& input);

  /// After complete; valid while the parser lives.
  [[nodiscard]] const request_head& head() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace flowersec::ws
