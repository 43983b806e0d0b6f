// What a gateway tells, as lines of the log and as metrics.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <set>

#include "ownwire/metrics.h"
#include "ownwire_edge/metrics.h"
#include "ownwire_front/event_log.h"

namespace flowersec::apps {
namespace {

using ownwire::gateway_event;
using ownwire::gateway_event_kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(ownwire_event_log, a_refused_origin_is_a_warning_with_the_origin_and_the_flag) {
  const auto line = line_of({.kind = gateway_event_kind::origin_refused, .detail = "https://evil.example"});
  EXPECT_EQ(line.level, log_level::warning);
  EXPECT_THAT(line.message, HasSubstr("--allow-origin"));
  EXPECT_THAT(line.fields, ElementsAre(Pair("origin", "https://evil.example")));
  EXPECT_TRUE(line.is_refusal);
}

TEST(ownwire_event_log, a_missing_origin_names_its_own_flag) {
  const auto line = line_of({.kind = gateway_event_kind::origin_refused, .detail = "none"});
  EXPECT_THAT(line.message, HasSubstr("--allow-no-origin"));
  EXPECT_THAT(line.fields, ElementsAre());
}

TEST(ownwire_event_log, other_events_are_their_name_and_their_facts) {
  const auto line = line_of({.kind = gateway_event_kind::text_taken,
                             .session_id = "a-session",
                             .remote_addr = "192.0.2.1",
                             .detail = "",
                             .bytes = 12});
  EXPECT_EQ(line.level, log_level::debug);
  EXPECT_EQ(line.message, "text taken");
  EXPECT_THAT(line.fields,
              ElementsAre(Pair("session_id", "a-session"), Pair("address", "192.0.2.1"), Pair("bytes", "12")));
  EXPECT_FALSE(line.is_refusal);
}

TEST(ownwire_event_log, what_a_visitor_can_cause_at_will_is_written_so_often_only) {
  for (const auto kind :
       {gateway_event_kind::origin_refused, gateway_event_kind::visitor_refused, gateway_event_kind::open_failed,
        gateway_event_kind::client_refused, gateway_event_kind::frame_refused}) {
    EXPECT_TRUE(line_of({.kind = kind}).is_refusal) << to_string(kind);
  }
  event_log log;
  testing::internal::CaptureStderr();
  for (int i = 0; i < 10'000; ++i) log.write({.kind = gateway_event_kind::frame_refused, .detail = "rate_limited"});
  const auto written = testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr("frame refused"));
  // Some seconds may pass meanwhile.
  EXPECT_LT(std::ranges::count(written, '\n'), 1'000);
}

TEST(ownwire_event_log, what_a_stranger_chose_is_cut) {
  const auto line = line_of({.kind = gateway_event_kind::origin_refused, .detail = std::string(300, 'a')});
  EXPECT_EQ(line.fields.at(0).second, std::string(256, 'a') + "...");
}

/// Counts, which have nothing but numbers, all different: each must be in a family of its own.
template <class Counts, class Families>
void expect_a_family_each(Families families_of) {
  constexpr auto size = sizeof(Counts) / sizeof(std::uint64_t);
  std::array<std::uint64_t, size> numbers;
  std::iota(numbers.begin(), numbers.end(), 1);
  const auto counts = std::bit_cast<Counts>(numbers);
  std::set<std::string> names;
  std::set<double> values;
  for (const auto& family : families_of(counts)) {
    names.insert(family.name);
    EXPECT_EQ(family.counts, family.name.ends_with("_total")) << family.name;
    ASSERT_EQ(family.samples.size(), 1U);
    values.insert(family.samples[0].value);
  }
  EXPECT_EQ(names.size(), size);
  EXPECT_EQ(values.size(), size);
}

TEST(ownwire_metrics, every_count_has_a_family_of_its_own) {
  expect_a_family_each<ownwire::gateway_counts>(gateway_families);
  expect_a_family_each<ownwire::edge_counts>(edge_families);
}

}  // namespace
}  // namespace flowersec::apps
