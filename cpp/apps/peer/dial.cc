#include "peer/dial.h"

namespace flowersec::apps {

void set_limits(const dial_command& command, endpoint::session_options& session) {
  if (command.record_bytes > 0) {
    session.record.outbound_record_chunk_bytes = static_cast<std::size_t>(command.record_bytes);
  }
  session.yamux.wide_window_session_bytes = static_cast<std::size_t>(command.wide_window_session_bytes);
}

endpoint::connect_options connect_options_of(const dial_command& command) {
  endpoint::connect_options options;
  options.origin = command.origin;
  if (!command.ca.empty()) options.trust.ca_file = command.ca;
  if (command.insecure_loopback) options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  set_limits(command, options.common.session);
  return options;
}

}  // namespace flowersec::apps
