// What an idle chat and an idle link leave of their largest frames.
#include "flowersec/endpoint/connect.h"
#include "gateway_world.h"
#include "support/allocation_counter.h"

namespace flowersec::ownwire {
namespace {

constexpr const char* link_id = "link";
constexpr std::ptrdiff_t most_held = 512 * 1024;

/// Bytes of white space behind the frame, so that it is as large as may be.
byte_buffer padded(std::string frame, std::size_t size) {
  frame.resize(size, ' ');
  return encode_json_frame(frame);
}

awaitable<endpoint::session> open_link(gateway_world& world, const crypto::psk& psk) {
  endpoint::direct_connect_info info{.ws_url = world.internal_url("/e2ee"), .channel_id = link_id};
  info.e2ee_psk_b64u = messages::sensitive_text{psk.to_base64url()};
  info.channel_init_expire_at_unix_s = count(to_unix_seconds(system_clocks().wall_now())) + 60;
  info.default_suite = static_cast<messages::direct::v1::suite>(crypto::suite::x25519);
  endpoint::connect_options options{.origin = "http://backend.example"};
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  co_return co_await endpoint::async_connect(co_await asio::this_coro::executor, std::move(info), std::move(options),
                                             asio::use_awaitable);
}

awaitable<void> say_much_and_wait(gateway_world& world, const crypto::psk& psk) {
  constexpr std::size_t people = 8;
  auto session = co_await open_link(world, psk);
  const std::string kind{internal_stream_kind};
  auto link = co_await session.async_open_stream(kind, asio::use_awaitable);
  co_await until([&] { return world.gate.counts().internal_clients == 1; });
  std::vector<test_user> users;
  std::string session_id;
  for (std::size_t i = 0; i < people; ++i) {
    users.push_back(co_await test_user::open(world.public_url()));
    session_id = (co_await users.back().join()).session_id;
  }
  const testing::allocation_counter taken;
  for (auto& user : users) {
    const auto large = padded(encode(text(1, "hello")), max_chat_frame_bytes);
    co_await asio::async_write(user.chat, asio::buffer(large), as_result);
    EXPECT_EQ(co_await user.hear(), acked(1));
  }
  EXPECT_LT(taken.held(), most_held) << "of the chats";
  std::string reply;
  json_object_writer{reply}.field("session_id", session_id).field("content", "hi").end();
  const auto large = padded(std::move(reply), max_internal_frame_bytes);
  co_await asio::async_write(link, asio::buffer(large), as_result);
  EXPECT_TRUE(co_await users.back().hear());
  EXPECT_LT(taken.held(), most_held + static_cast<std::ptrdiff_t>(large.size())) << "of the link";
}

TEST(gateway_memory, idle_chats_and_links_hold_nothing_of_their_last_large_frame) {
  if (!testing::allocation_counter::counts()) GTEST_SKIP() << "nobody counts";
  const auto psk = crypto::psk::generate(system_random()).value();
  auto options = usual_options();
  options.internal_port.link = internal_link_credential{link_id, psk.clone()};
  gateway_world world{std::move(options)};
  world.run(say_much_and_wait(world, psk));
}

}  // namespace
}  // namespace flowersec::ownwire
