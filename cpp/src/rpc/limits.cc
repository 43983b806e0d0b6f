#include "flowersec/rpc/limits.h"

#include "flowersec/rpc/error.h"

namespace flowersec::rpc {
namespace {

[[nodiscard]] bool is_frame_limit(std::size_t bytes) noexcept { return bytes >= 1 && bytes <= json_frame_max_bytes; }

}  // namespace

result<void> server_limits::validate() const noexcept {
  const bool valid = is_frame_limit(max_frame_bytes) && max_running_requests >= 1 && max_queued_refusals >= 1 &&
                     max_held_payload_bytes >= max_frame_bytes && max_output_bytes >= max_frame_bytes;
  if (!valid) return rpc_errc::invalid_limits;
  return {};
}

result<void> client_limits::validate() const noexcept {
  const bool valid =
      is_frame_limit(max_frame_bytes) && max_calls_in_flight != 0U && max_output_bytes >= max_frame_bytes;
  if (!valid) return rpc_errc::invalid_limits;
  return {};
}

}  // namespace flowersec::rpc
