// A program of its own: the counter replaces operator new, which a sanitizer may own.
#include <gtest/gtest.h>

#include "support/allocation_counter.h"
#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

TEST(tunnel_allocations, a_message_costs_no_allocation_one_read_and_one_write) {
  tunnel_world world;
  auto client = world.attach("room", 1);
  auto server = world.attach("room", 2);
  byte_buffer batch;
  for (int i = 0; i < 100; ++i) append(batch, client_frame(op_binary, pattern(1000)));
  auto& from = client.raw();
  auto& to = server.raw();
  for (int round = 0; round < 3; ++round) {
    from.to_tunnel = batch;
    to.from_tunnel.clear();
    to.from_tunnel.reserve(2 * batch.size());
    from.reads = to.writes = 0;
    const allocation_counter allocations;
    from.watcher->on_ready({.readable = true, .writable = false});
    EXPECT_EQ(allocations.count(), 0u);
    EXPECT_EQ(from.reads, 1u);
    EXPECT_EQ(to.writes, 1u);
    EXPECT_EQ(server.frames().size(), 100u);
  }
}

}  // namespace
}  // namespace flowersec::testing
