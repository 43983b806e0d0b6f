#include "flowersec/session/options.h"

#include <algorithm>

#include "flowersec/session/error.h"

namespace flowersec::session {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::optional<liveness> default_liveness(seconds idle_timeout) noexcept {
  if (idle_timeout <= seconds{0}) return std::nullopt;
  const milliseconds idle = idle_timeout;
  auto interval = std::max(idle / 2, milliseconds{500});
  if (interval >= idle) interval = idle / 2;
  return liveness{.interval = interval, .timeout = std::min<milliseconds>(seconds{10}, interval)};
}

result<void> session_options::validate() const noexcept {
  const auto times = {hello_timeout, probe_timeout, linger_timeout, send_timeout, close_timeout};
  // A day bounds every sum of times far away from the clock's range.
  const auto in_range = [](milliseconds time) { return time > milliseconds{0} && time <= std::chrono::hours{24}; };
  if (!std::ranges::all_of(times, in_range)) return make_error_code(session_errc::invalid_options);
  if (handshake_timeout != milliseconds{0} && !in_range(handshake_timeout)) {
    return make_error_code(session_errc::invalid_options);
  }
  if (auto ok = flowersec::handshake::validate(handshake); !ok) return ok;
  if (auto ok = flowersec::record::validate(record); !ok) return ok;
  // A record must hold a frame with at least one byte, or nothing would ever leave.
  if (record.outbound_record_chunk_bytes <= yamux::header_bytes) return make_error_code(session_errc::invalid_options);
  if (auto ok = yamux.validate(); !ok) return ok;
  if (auto ok = rpc_client.validate(); !ok) return ok;
  return rpc_server.validate();
}

}  // namespace flowersec::session
