// The head of an HTTP/1.x response, for the client's half of the upgrade. See request_head.
#pragma once

#include <memory>

#include "flowersec/base/bytes.h"
#include "flowersec/ws/request_head.h"

namespace flowersec::ws {

struct response_head : header_list {
  unsigned status = 0;
};

class response_head_parser {
 public:
  explicit response_head_parser(std::size_t max_bytes = max_request_head_bytes);
  ~response_head_parser();

  /// As request_head_parser::consume().
  [[nodiscard]] head_status consume(byte_view& input);
  [[nodiscard]] const response_head& head() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace flowersec::ws
