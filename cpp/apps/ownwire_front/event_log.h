// What a gateway tells about itself, as lines of the log.
// Layer apps. One thread. Lines have sizes, session ids and addresses, never contents, metadata or tokens.
#pragma once

#include <string>

#include "flowersec/ownwire/events.h"
#include "serving/log.h"
#include "serving/refusal_lines.h"

namespace flowersec::apps {

struct event_line {
  log_level level = log_level::info;
  std::string message;
  log_fields fields;
  bool is_refusal = false;  ///< a stranger can cause as many as he likes
};

/// A refused origin is said with the flag that would allow it.
[[nodiscard]] event_line line_of(const ownwire::gateway_event& event);

class event_log {
 public:
  void write(const ownwire::gateway_event& event) {
    const auto line = line_of(event);
    if (!line.is_refusal) return log_line(line.level, line.message, line.fields);
    if (logs(line.level)) refusals_.write(line.message, line.fields, line.level);
  }

 private:
  refusal_lines refusals_;
};

}  // namespace flowersec::apps
