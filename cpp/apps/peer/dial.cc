#include "peer/dial.h"

namespace flowersec::apps {

endpoint::connect_options connect_options_of(const dial_command& command) {
  endpoint::connect_options options;
  options.origin = command.origin;
  if (!command.ca.empty()) options.trust.ca_file = command.ca;
  if (command.insecure_loopback) options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  return options;
}

}  // namespace flowersec::apps
