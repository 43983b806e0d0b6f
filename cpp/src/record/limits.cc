#include "flowersec/record/limits.h"

#include "flowersec/record/errc.h"

namespace flowersec::record {
namespace {

constexpr std::size_t largest_record = std::size_t{16} << 20;
constexpr std::size_t largest_chunk = 65536;
constexpr std::size_t largest_buffer = std::size_t{1} << 30;

constexpr bool within(std::size_t value, std::size_t low, std::size_t high) { return low <= value && value <= high; }

}  // namespace

result<void> validate(const record_limits& limits) noexcept {
  const bool each = within(limits.max_record_bytes, sealed_bytes(1), largest_record) &&
                    within(limits.outbound_record_chunk_bytes, 1, largest_chunk) &&
                    within(limits.max_outbound_buffered_bytes, 1, largest_buffer);
  if (!each) return record_errc::bad_limits;
  // A chunk that does not fit a record could never be sent.
  if (limits.outbound_record_chunk_bytes > limits.max_plaintext_bytes()) return record_errc::bad_limits;
  return {};
}

}  // namespace flowersec::record
