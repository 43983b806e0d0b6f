// Which limits are accepted: defaults, every field at its edge and one past, and the rules across fields.
#include "flowersec/yamux/limits.h"

#include <gtest/gtest.h>

#include "flowersec/yamux/session.h"

namespace flowersec::yamux {
namespace {

struct row {
  const char* name;
  bool valid;
  yamux_limits limits;
};

TEST(yamux_limits, defaults_are_those_of_the_protocol) {
  const yamux_limits limits;
  EXPECT_TRUE(limits.validate().has_value());
  EXPECT_EQ(limits.max_active_streams, 64U);
  EXPECT_EQ(limits.max_inbound_streams, 32U);
  EXPECT_EQ(limits.max_frame_bytes, 262144U);
  EXPECT_EQ(limits.preferred_outbound_frame_bytes, 65536U);
  EXPECT_EQ(limits.max_stream_write_queue_bytes, 4194304U);
  EXPECT_EQ(limits.max_stream_receive_bytes, 262144U);
  EXPECT_EQ(limits.max_session_receive_bytes, 16777216U);
  EXPECT_EQ(limits.wide_window_session_bytes, 16777216U);
  EXPECT_EQ(window_bytes, 262144U);
  EXPECT_EQ(wide_window_bytes, 4194304U);
}

TEST(yamux_limits, edges_are_accepted_and_one_past_is_refused) {
  const row rows[] = {
      {"no streams", false, {.max_active_streams = 0, .max_inbound_streams = 0}},
      {"one stream", true, {.max_active_streams = 1, .max_inbound_streams = 1}},
      {"no inbound streams", false, {.max_inbound_streams = 0}},
      {"as many inbound as active", true, {.max_active_streams = 5, .max_inbound_streams = 5}},
      {"more inbound than active", false, {.max_active_streams = 5, .max_inbound_streams = 6}},
      {"preferred frame of 1024", true, {.preferred_outbound_frame_bytes = 1024}},
      {"preferred frame of 1023", false, {.preferred_outbound_frame_bytes = 1023}},
      {"frame of 1024", true, {.max_frame_bytes = 1024, .preferred_outbound_frame_bytes = 1024}},
      {"frame of 1023", false, {.max_frame_bytes = 1023, .preferred_outbound_frame_bytes = 1023}},
      {"preferred equals accepted", true, {.max_frame_bytes = 4096, .preferred_outbound_frame_bytes = 4096}},
      {"preferred above accepted", false, {.max_frame_bytes = 4096, .preferred_outbound_frame_bytes = 4097}},
      {"frame equals stream memory", true, {.max_frame_bytes = 300000, .max_stream_receive_bytes = 300000}},
      {"frame above stream memory", false, {.max_frame_bytes = 262145}},
      {"write queue of one byte", true, {.max_stream_write_queue_bytes = 1}},
      {"no write queue", false, {.max_stream_write_queue_bytes = 0}},
      {"stream memory below the window", false, {.max_stream_receive_bytes = 262143}},
      {"stream memory equals session memory",
       true,
       {.max_stream_receive_bytes = 262144, .max_session_receive_bytes = 262144}},
      {"stream memory above session memory",
       false,
       {.max_stream_receive_bytes = 262145, .max_session_receive_bytes = 262144}},
      {"no wide windows", true, {.wide_window_session_bytes = 0}},
      {"a gibibyte of wide windows", true, {.wide_window_session_bytes = 1073741824}},
      {"more than a gibibyte of wide windows", false, {.wide_window_session_bytes = 1073741825}},
  };
  for (const auto& [name, valid, limits] : rows) {
    EXPECT_EQ(limits.validate().has_value(), valid) << name;
    const auto made = session::create({.limits = limits});
    EXPECT_EQ(made.has_value(), valid) << name;
    if (!valid) {
      EXPECT_EQ(made.error(), yamux_errc::invalid_limits) << name;
    }
  }
}

TEST(yamux_limits, the_first_id_must_fit_the_role) {
  const struct {
    role is;
    std::uint32_t first;
    bool valid;
  } rows[] = {{role::client, 1, true}, {role::client, 2, false}, {role::client, 0, false},
              {role::server, 2, true}, {role::server, 1, false}, {role::server, 0, false}};
  for (const auto& row : rows) {
    EXPECT_EQ(session::create({.is = row.is, .first_id = stream_id{row.first}}).has_value(), row.valid) << row.first;
  }
}

TEST(yamux_errors, every_value_has_its_own_text) {
  std::vector<std::string> texts;
  for (int value = 1; value <= static_cast<int>(yamux_errc::reply_queue_overflow); ++value) {
    const error_code code = static_cast<yamux_errc>(value);
    EXPECT_STREQ(code.category().name(), "flowersec.yamux");
    EXPECT_EQ(std::count(texts.begin(), texts.end(), code.message()), 0) << code.message();
    EXPECT_NE(code.message(), "unknown multiplexer error") << value;
    texts.push_back(code.message());
  }
}

}  // namespace
}  // namespace flowersec::yamux
