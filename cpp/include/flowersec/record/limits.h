// The three numbers an application may tune in the record layer.
// Layer record. Source: PROTOCOL, "Sending records" and "Record buffers".
#pragma once

#include <cstddef>

#include "flowersec/base/error.h"
#include "flowersec/record/frame.h"

namespace flowersec::record {

struct record_limits {
  /// Largest frame accepted or sent, header and tag included. Range 35..16 MiB.
  /// A peer can make the transport hold one message of this size.
  std::size_t max_record_bytes = 1048576;
  /// Most plaintext in one app record. Range 1..65536, and it must fit a record.
  /// 16 KiB costs the same per byte when records are gathered, at a quarter of the latency.
  std::size_t outbound_record_chunk_bytes = 65536;
  /// Sum of the application writes accepted and not yet sealed. Range 1..1 GiB. One byte more refuses the write and
  /// nothing else. Received plaintext needs no such bound: it goes to its streams at once.
  std::size_t max_outbound_buffered_bytes = 4194304;

  [[nodiscard]] constexpr std::size_t max_plaintext_bytes() const noexcept { return max_record_bytes - overhead_bytes; }
};

/// Errors   record_errc::bad_limits.
[[nodiscard]] result<void> validate(const record_limits& limits) noexcept;

}  // namespace flowersec::record
