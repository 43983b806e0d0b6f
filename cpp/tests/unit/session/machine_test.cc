// A session's life: handshake, streams, hellos, probes, ends.
#include <gtest/gtest.h>

#include "support/session_pair.h"

namespace flowersec {
namespace {

using testing::session_pair;

TEST(machine, connects_and_opens_the_rpc_stream) {
  session_pair pair;
  pair.settle();
  ASSERT_NE(pair.client.last<session::connected>(), nullptr);
  ASSERT_NE(pair.server.last<session::connected>(), nullptr);
  ASSERT_NE(pair.server.last<session::stream_arrived>(), nullptr);
  EXPECT_EQ(pair.server.last<session::stream_arrived>()->kind, "rpc");
}

}  // namespace
}  // namespace flowersec
