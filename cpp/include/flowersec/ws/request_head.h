// The head of an HTTP/1.x request, parsed by Beast behind this header.
// Layer ws, no I/O. Bytes go in as they arrive; what lies behind the head stays with the caller.
// Source: RFC 9112.
#pragma once

#include <memory>
#include <string_view>

#include "flowersec/base/bytes.h"
#include "flowersec/ws/header_list.h"

namespace flowersec::ws {

struct request_head : header_list {
  std::string_view method;
  std::string_view target;  ///< as sent, query included
  unsigned version = 11;    ///< 10 or 11
  bool keep_alive = true;
  bool has_body = false;  ///< a body follows: Content-Length above 0 or a transfer coding

  /// The target without its query, and without scheme and authority when it has them (RFC 9112, 3.2.2).
  [[nodiscard]] std::string_view path() const noexcept;
  /// What follows the path: empty, or a query with its question mark.
  [[nodiscard]] std::string_view query() const noexcept;
};

/// Header block that every listener takes, and the slack above it. One more byte is answered with 431.
inline constexpr std::size_t max_request_head_bytes = 32 * 1024 + 4096;

enum class head_status { need_more, complete, invalid, too_large };

class request_head_parser {
 public:
  explicit request_head_parser(std::size_t max_bytes = max_request_head_bytes);
  ~request_head_parser();
  request_head_parser(request_head_parser&&) noexcept;
  request_head_parser& operator=(request_head_parser&&) noexcept;

  /// Takes bytes from the front of `input`. On complete, `input` is what follows the head. A peer can make it
  /// hold max_bytes. `invalid` is to be answered with 400, `too_large` with 431; both are final, as is complete.
  [[nodiscard]] head_status consume(byte_view& input);

  /// After complete; valid while the parser lives.
  [[nodiscard]] const request_head& head() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace flowersec::ws
