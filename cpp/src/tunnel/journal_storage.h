// What a replay journal asks of its file. A file on disk, or in tests a model of one that fails when told.
// Layer tunnel. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"

namespace flowersec::tunnel {

class journal_storage {
 public:
  /// Puts the next piece into the empty buffer; false, and no piece, after the last.
  using source = std::function<bool(byte_buffer&)>;

  virtual ~journal_storage() = default;
  /// Adds to the end. After a failure some of it may be there.
  [[nodiscard]] virtual error_code append(byte_view bytes) = 0;
  /// Makes durable what was appended, or put in place by replace(). After a failure nobody can say how much of it is,
  /// even when a second try succeeds.
  [[nodiscard]] virtual error_code sync() = 0;
  /// Takes away what is behind `length`.
  [[nodiscard]] virtual error_code cut(std::uint64_t length) = 0;
  /// Puts other contents in place of all, at once: a crash leaves the old or the new, whole. After a failure the old
  /// ones are there.
  [[nodiscard]] virtual error_code replace(const source& contents) = 0;
};

}  // namespace flowersec::tunnel
