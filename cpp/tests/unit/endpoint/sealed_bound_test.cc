// What a server in public-key mode holds for clients that have shown no key: one open message, and not a byte more.
#include "sealed_fixture.h"

namespace flowersec::testing {
namespace {

using endpoint::endpoint_errc;
using endpoint::stage;
using namespace asio::experimental::awaitable_operators;

constexpr unsigned whole_text = 0x81;
constexpr unsigned whole_binary = 0x82;
constexpr unsigned first_text = 0x01;
constexpr unsigned last_fragment = 0x80;

/// A frame as a client sends it, under a mask of zeros; of a payload that is announced and never comes, the header.
byte_buffer frame_header(unsigned first_byte, std::uint64_t payload_bytes) {
  byte_buffer frame{std::byte(first_byte), std::byte{0xFF}};
  for (int shift = 56; shift >= 0; shift -= 8) {
    frame.push_back(std::byte((payload_bytes >> static_cast<unsigned>(shift)) & 0xFFU));
  }
  if (payload_bytes < 65'536) {
    const bool short_one = payload_bytes < 126;
    frame.erase(frame.begin() + 2, frame.end() - (short_one ? 0 : 2));
    frame[1] = short_one ? std::byte(0x80U | static_cast<unsigned>(payload_bytes)) : std::byte{0xFE};
  }
  frame.resize(frame.size() + 4);
  return frame;
}

byte_buffer frame_of(unsigned first_byte, std::string_view payload) {
  auto frame = frame_header(first_byte, payload.size());
  append(frame, as_bytes(payload));
  return frame;
}

struct outcome {
  error_code server;
  last_words heard;
};

outcome after(std::vector<byte_buffer> frames) {
  asio::io_context context;
  auto listener = sealed_listener(context);
  outcome seen;
  const auto client = [&]() -> awaitable<void> {
    auto socket = co_await raw_client(listener.url());
    for (const auto& frame : frames) {
      const byte_view piece{frame};
      const std::span<const byte_view> pieces{&piece, 1};
      co_await socket.async_write_frames(pieces, ws_result);
    }
    seen.heard = co_await listen_to_the_end(socket);
  };
  const auto whole = [&]() -> awaitable<void> {
    attempt_of_both met;
    co_await (client() && accept_into(listener, met));
    seen.server = met.server_error;
  };
  run(context, whole());
  return seen;
}

void expect_invalid_open(const outcome& seen) {
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
    expect_invalid_open(after({frame_header(whole_text, size)}));
    expect_invalid_open(after({frame_header(whole_binary, size)}));
  }
}

TEST(sealed_bound, fragments_count_together) {
  const std::string most(sealed::max_open_bytes - 1, ' ');
  expect_invalid_open(after({frame_of(first_text, most), frame_header(last_fragment, 2)}));
}

TEST(sealed_bound, an_open_message_may_have_all_of_its_bytes) {
  auto open = encode(good_open());
  open.resize(sealed::max_open_bytes, ' ');
  // What comes behind it is no INIT: that is where it fails.
  const auto seen = after({frame_of(whole_text, open), frame_of(whole_binary, "no INIT")});
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
