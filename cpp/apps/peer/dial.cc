#include "peer/dial.h"

namespace flowersec::apps {

endpoint::connect_options connect_options_of(const dial_command& command) {
  endpoint::connect_options options;
  options.origin = command.origin;
  if (!command.ca.empty()) options.trust.ca_file = command.ca;
  if (command.insecure_loopback) options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  if (command.record_bytes > 0) {
    options.common.session.record.outbound_record_chunk_bytes = static_cast<std::size_t>(command.record_bytes);
  }
  return options;
}

}  // namespace flowersec::apps
