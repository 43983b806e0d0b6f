#include "flowersec/ownwire/limits.h"

#include <gtest/gtest.h>

#include <functional>

namespace flowersec::ownwire {
namespace {

using namespace std::chrono_literals;

TEST(gateway_limits, the_defaults_are_valid) { EXPECT_TRUE(gateway_limits{}.validate()); }

TEST(gateway_limits, each_edge) {
  struct row {
    const char* name;
    std::function<void(gateway_limits&)> at, past;
  };
  const std::vector<row> rows{
      {"keep_detached", [](auto& l) { l.keep_detached = 1s; }, [](auto& l) { l.keep_detached = 0s; }},
      {"longest", [](auto& l) { l.keep_detached = 86'400s; }, [](auto& l) { l.keep_detached = 86'401s; }},
      {"kept", [](auto& l) { l.max_kept_replies = 1; }, [](auto& l) { l.max_kept_replies = 0; }},
      {"kept bytes", [](auto& l) { l.max_kept_reply_bytes = 69'632; },
       [](auto& l) { l.max_kept_reply_bytes = 69'631; }},
      {"sessions", [](auto& l) { l.max_sessions = 1; }, [](auto& l) { l.max_sessions = 0; }},
      {"per address", [](auto& l) { l.max_sessions_per_address = 1; }, [](auto& l) { l.max_sessions_per_address = 0; }},
      {"burst", [](auto& l) { l.message_burst = 1; }, [](auto& l) { l.message_burst = 0; }},
      {"rate", [](auto& l) { l.messages_per_second = 1; }, [](auto& l) { l.messages_per_second = 0; }},
      {"visit burst", [](auto& l) { l.visit_burst = 1; }, [](auto& l) { l.visit_burst = 0; }},
      {"visits", [](auto& l) { l.visits_per_second = 1; }, [](auto& l) { l.visits_per_second = 0; }},
      {"visitors", [](auto& l) { l.max_visitors = 1; }, [](auto& l) { l.max_visitors = 0; }},
      {"waiting", [](auto& l) { l.max_waiting_texts = 1; }, [](auto& l) { l.max_waiting_texts = 0; }},
      {"waiting bytes", [](auto& l) { l.max_waiting_bytes = 65'536; }, [](auto& l) { l.max_waiting_bytes = 65'535; }},
      {"queue", [](auto& l) { l.max_internal_queue_bytes = 1'048'576; },
       [](auto& l) { l.max_internal_queue_bytes = 1'048'575; }},
      {"user queue", [](auto& l) { l.max_user_queue_bytes = 524'288; },
       [](auto& l) { l.max_user_queue_bytes = 524'287; }},
      {"clients", [](auto& l) { l.max_internal_clients = 1; }, [](auto& l) { l.max_internal_clients = 0; }},
      {"refused", [](auto& l) { l.max_refused_ids = 1; }, [](auto& l) { l.max_refused_ids = 0; }},
      {"gaps", [](auto& l) { l.max_id_gaps = 1; }, [](auto& l) { l.max_id_gaps = 0; }},
      {"hello", [](auto& l) { l.hello_timeout = 1ms; }, [](auto& l) { l.hello_timeout = 0ms; }},
      {"ping", [](auto& l) { l.ping_after = 59'999ms; }, [](auto& l) { l.ping_after = 60'000ms; }},
  };
  for (const auto& row : rows) {
    gateway_limits at;
    row.at(at);
    EXPECT_TRUE(at.validate()) << row.name;
    gateway_limits past;
    row.past(past);
    EXPECT_FALSE(past.validate()) << row.name;
  }
}

}  // namespace
}  // namespace flowersec::ownwire
