// What is told of the bytes of each channel, while it is open and for a while after.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using ::testing::IsEmpty;
using tunnel::channel_report;
using tunnel::reported_channels;

std::vector<channel_report> reports(tunnel_world& world, reported_channels which = reported_channels::open_and_closed) {
  std::vector<channel_report> all;
  world.core->report(which, all);
  return all;
}

void expect_bytes(const channel_report& report, std::uint64_t to_client, std::uint64_t to_server) {
  EXPECT_EQ(report.bytes.to_client, to_client);
  EXPECT_EQ(report.bytes.to_server, to_server);
}

TEST(bandwidth, counts_payload_written_to_each_role) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  c.binary("12345");
  auto all = reports(world);
  ASSERT_EQ(all.size(), 1u);
  expect_bytes(all[0], 0, 0);
  auto s = world.attach("room", 2);
  s.binary("123").binary("");
  all = reports(world);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].audience, "aud");
  EXPECT_EQ(all[0].issuer, "iss");
  EXPECT_EQ(all[0].channel_id, "room");
  EXPECT_EQ(all[0].closed_at, std::nullopt);
  expect_bytes(all[0], 3, 5);
}

TEST(bandwidth, counts_nothing_that_a_stuck_reader_did_not_take) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto s = world.attach("room", 2);
  s.set_room(0);
  c.binary("12345");
  expect_bytes(reports(world).at(0), 0, 0);
  s.set_room(SIZE_MAX);
  expect_bytes(reports(world).at(0), 0, 5);
}

TEST(bandwidth, of_a_closed_channel_is_kept_for_two_minutes) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto s = world.attach("room", 2);
  c.binary("12345");
  c.end();
  const auto closed_at = world.clock.wall;
  ASSERT_EQ(world.shared->channels.value(), 0u);
  world.pass(milliseconds{119990});
  auto all = reports(world);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].closed_at, closed_at);
  expect_bytes(all[0], 0, 5);
  EXPECT_THAT(reports(world, reported_channels::open), IsEmpty());
  world.pass(milliseconds{510});
  EXPECT_THAT(reports(world), IsEmpty());
  EXPECT_EQ(world.shared->closed_reports.value(), 0u);
}

TEST(bandwidth, goes_on_when_the_channel_comes_again) {
  tunnel_world world;
  auto p = world.mint.draft("room", 1);
  auto c = world.attach(p);
  auto s = world.attach("room", 2);
  c.binary("12345");
  c.end();
  auto c2 = world.attach("room", 1);
  auto all = reports(world);
  ASSERT_EQ(all.size(), 1u) << "one row, and it is open";
  EXPECT_EQ(all[0].closed_at, std::nullopt);
  expect_bytes(all[0], 0, 5);
  auto s2 = world.attach("room", 2);
  c2.binary("12");
  s2.binary("1");
  expect_bytes(reports(world).at(0), 1, 7);
  c2.end();
  all = reports(world);
  ASSERT_EQ(all.size(), 1u);
  expect_bytes(all[0], 1, 7);
}

TEST(bandwidth, begins_anew_when_the_channel_comes_too_late) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto s = world.attach("room", 2);
  c.binary("12345");
  c.end();
  world.pass(milliseconds{120500});
  world.mint.now += 121;
  auto again = world.attach("room", 1);
  const auto all = reports(world);
  ASSERT_EQ(all.size(), 1u);
  expect_bytes(all[0], 0, 0);
}

TEST(bandwidth, survives_a_replacement) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  auto s = world.attach("room", 2);
  c.binary("12345");
  auto c2 = world.attach("room", 1);
  const auto all = reports(world);
  ASSERT_EQ(all.size(), 1u) << "replacement closes nothing";
  EXPECT_EQ(all[0].closed_at, std::nullopt);
  expect_bytes(all[0], 0, 5);
  auto s2 = world.attach("room", 2);
  c2.binary("1");
  expect_bytes(reports(world).at(0), 0, 6);
}

TEST(bandwidth, is_told_apart_by_scope) {
  tunnel_world world;
  world.shared->set_verifier(world.mint.open_verifier());
  auto p = world.mint.draft("room", 1);
  auto q = world.mint.draft("room", 2);
  q.iss = "another";
  auto a = world.attach(p);
  auto b = world.attach(q);
  EXPECT_EQ(reports(world).size(), 2u);
  a.end();
  b.end();
  EXPECT_EQ(reports(world).size(), 2u);
}

TEST(bandwidth, of_a_refused_attach_leaves_nothing) {
  tunnel::tunnel_limits limits;
  limits.max_channels = 1;
  tunnel_world world{limits};
  auto a = world.attach("one", 1);
  auto b = world.attach("two", 1);
  EXPECT_EQ(world.attach_count("too_many_connections"), 1);
  const auto all = reports(world);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].channel_id, "one");
}

TEST(bandwidth, keeps_as_many_closed_channels_as_it_may_and_the_latest_ones) {
  tunnel::tunnel_limits limits;
  limits.max_closed_reports = 2;
  tunnel_world world{limits};
  const auto names = [&] {
    std::vector<std::string> ids;
    for (const auto& one : reports(world)) ids.push_back(one.channel_id);
    return ids;
  };
  for (const auto* id : {"a", "b"}) world.attach(id, 1).end();
  EXPECT_THAT(names(), ::testing::ElementsAre("a", "b"));
  world.attach("c", 1).end();
  EXPECT_THAT(names(), ::testing::ElementsAre("b", "c"));
  EXPECT_EQ(world.shared->closed_reports.value(), 2u);
}

TEST(bandwidth, may_keep_nothing_at_all) {
  tunnel::tunnel_limits limits;
  limits.max_closed_reports = 0;
  tunnel_world world{limits};
  world.attach("a", 1).end();
  EXPECT_THAT(reports(world), IsEmpty());
}

}  // namespace
}  // namespace flowersec::testing
