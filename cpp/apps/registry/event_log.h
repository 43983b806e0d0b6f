// What a registry tells about itself, as lines of the log.
// Layer apps. One thread. Lines have the first 8 characters of keys, and never who calls whom.
#pragma once

#include "flowersec/rendezvous/registry_events.h"
#include "serving/refusal_lines.h"

namespace flowersec::apps {

class registry_log {
 public:
  void write(const rendezvous::registry_event& event);

 private:
  refusal_lines refusals_;
};

}  // namespace flowersec::apps
