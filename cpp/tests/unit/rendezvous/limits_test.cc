#include "flowersec/rendezvous/limits.h"

#include <gtest/gtest.h>

#include "flowersec/identity/registration.h"

namespace flowersec::rendezvous {
namespace {

using namespace std::chrono_literals;

TEST(registry_limits, defaults_are_the_documented_ones) {
  const registry_limits limits;
  EXPECT_TRUE(limits.validate());
  EXPECT_EQ(limits.registration_burst, 4U);
  EXPECT_EQ(limits.registrations_per_second, 4U);
  EXPECT_EQ(limits.max_unregistered_per_address, 8U);
  EXPECT_EQ(limits.max_unregistered, 4'096U);
  EXPECT_EQ(limits.max_keys, 100'000U);
  EXPECT_EQ(limits.calls_per_minute, 20U);
  EXPECT_EQ(limits.max_open_calls, 8U);
  EXPECT_EQ(limits.work_bits, 16U);
  EXPECT_EQ(limits.unavailable_after, 20s);
  EXPECT_EQ(limits.silence, 60s);
}

template <class Limits, class Field>
void expect_edges(Field Limits::*field, Field good, Field bad) {
  Limits limits;
  limits.*field = good;
  EXPECT_TRUE(limits.validate());
  limits.*field = bad;
  EXPECT_FALSE(limits.validate());
}

TEST(registry_limits, each_at_its_edge_and_one_past) {
  using limits = registry_limits;
  expect_edges(&limits::registration_burst, 1U, 0U);
  expect_edges(&limits::registrations_per_second, 1U, 0U);
  expect_edges(&limits::calls_per_minute, 1U, 0U);
  for (const auto field : {&limits::max_addresses, &limits::max_unregistered_per_address, &limits::max_unregistered,
                           &limits::max_keys, &limits::max_open_calls, &limits::max_ringing_calls}) {
    expect_edges<limits, std::size_t>(field, 1, 0);
  }
  expect_edges(&limits::work_bits, 1U, 0U);
  expect_edges(&limits::work_bits, identity::max_work_bits, identity::max_work_bits + 1);
  for (const auto field : {&limits::unavailable_after, &limits::fatal_linger, &limits::stop_timeout}) {
    expect_edges<limits, std::chrono::milliseconds>(field, 1ms, 0ms);
    expect_edges<limits, std::chrono::milliseconds>(field, 24h, 24h + 1ms);
  }
  expect_edges<limits, std::chrono::milliseconds>(&limits::silence, 25'001ms, 25s);
  expect_edges<limits, std::chrono::milliseconds>(&limits::silence, 24h, 24h + 1ms);
  expect_edges<limits, std::size_t>(&limits::max_queue_bytes, 65'536, 65'535);
}

TEST(client_limits, each_at_its_edge_and_one_past) {
  using limits = client_limits;
  EXPECT_TRUE(limits{}.validate());
  expect_edges<limits, std::size_t>(&limits::max_queue, 1, 0);
  expect_edges<limits, std::size_t>(&limits::max_queue_bytes, 1, 0);
  for (const auto field : {&limits::channel_idle, &limits::registration_timeout}) {
    expect_edges<limits, std::chrono::milliseconds>(field, 1ms, 0ms);
    expect_edges<limits, std::chrono::milliseconds>(field, 24h, 24h + 1ms);
  }
}

}  // namespace
}  // namespace flowersec::rendezvous
