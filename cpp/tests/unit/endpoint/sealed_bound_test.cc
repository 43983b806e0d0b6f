// What a server in public-key mode holds for clients that have shown no key: one open message, and not a byte more.
#include "sealed_fixture.h"
#include "support/client_frames.h"

namespace flowersec::testing {
namespace {

using endpoint::endpoint_errc;
using endpoint::stage;

/// The header of a frame whose payload never comes.
byte_buffer announced(ws_op op, std::uint64_t payload_bytes) { return client_frame_header(op, payload_bytes); }

refusal after(const std::vector<byte_buffer>& frames) {
  return refusal_of([&frames](ws::message_socket& socket) -> awaitable<void> {
    for (const auto& frame : frames) {
      const byte_view piece{frame};
      const std::span<const byte_view> pieces{&piece, 1};
      co_await socket.async_write_frames(pieces, ws_result);
    }
  });
}

void expect_invalid_open(const refusal& seen) {
  EXPECT_EQ(seen.server, endpoint_errc::invalid_open) << seen.server.message();
  EXPECT_EQ(seen.server, stage::handshake);
  ASSERT_TRUE(seen.heard.close);
  EXPECT_EQ(seen.heard.close->code, 1008);
  EXPECT_EQ(seen.heard.close->reason, "invalid_open");
}

TEST(sealed_bound, a_first_message_that_is_too_long_is_refused_when_it_is_announced) {
  const std::vector<std::uint64_t> sizes{sealed::max_open_bytes + 1, 1'048'576, 2'097'152, std::uint64_t{1} << 40U};
  for (const auto size : sizes) {
    SCOPED_TRACE(size);
    expect_invalid_open(after({announced(op_text, size)}));
    expect_invalid_open(after({announced(op_binary, size)}));
  }
}

TEST(sealed_bound, fragments_count_together) {
  const std::string most(sealed::max_open_bytes - 1, ' ');
  expect_invalid_open(after({client_frame(op_text, most, false), announced(op_continuation, 2)}));
}

TEST(sealed_bound, an_open_message_may_have_all_of_its_bytes) {
  auto open = encode(good_open());
  open.resize(sealed::max_open_bytes, ' ');
  // What comes behind it is no INIT: that is where it fails.
  const auto seen = after({client_frame(op_text, open), client_frame(op_binary, "no INIT")});
  EXPECT_EQ(seen.server, stage::handshake);
  EXPECT_NE(seen.server, endpoint_errc::invalid_open);
  EXPECT_TRUE(!seen.heard.close || seen.heard.close->reason.empty());
}

TEST(sealed_bound, what_follows_the_open_message_may_be_longer) {
  asio::io_context context;
  auto listener = sealed_listener(context);
  const auto whole = [&]() -> awaitable<void> {
    auto info = sealed_info(listener.url());
    auto met = co_await meet_sealed(listener, std::move(info));
    EXPECT_FALSE(met.server_error) << met.server_error.message();
    const std::string text(100'000, 'x');
    EXPECT_EQ(co_await send_through(met.client, met.server, text), text);
  };
  run(context, whole());
}

}  // namespace
}  // namespace flowersec::testing
