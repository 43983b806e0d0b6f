// The encrypted internal link of a gateway in this process.
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "flowersec/base/json_frame.h"
#include "flowersec/endpoint/connect.h"
#include "gateway_world.h"

namespace flowersec::ownwire {
namespace {

messages::direct::v1::direct_connect_info link_info(const gateway_world& world, const crypto::psk& key) {
  messages::direct::v1::direct_connect_info info;
  info.ws_url = world.internal_url("/e2ee");
  info.channel_id = "backend";
  info.e2ee_psk_b64u = messages::sensitive_text{key.to_base64url()};
  info.channel_init_expire_at_unix_s = count(to_unix_seconds(std::chrono::system_clock::now())) + 60;
  info.default_suite = messages::direct::v1::suite::x25519_hkdf_sha256_aes_256_gcm;
  return info;
}

awaitable<endpoint::session> dial_link(gateway_world& world, crypto::psk key) {
  endpoint::connect_options options{.origin = "http://127.0.0.1"};
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  auto [failed, session] = co_await endpoint::async_connect(co_await asio::this_coro::executor, link_info(world, key),
                                                            std::move(options), as_result);
  co_return std::move(session);
}

awaitable<void> use_link(gateway_world& world, crypto::psk key) {
  const std::string kind{internal_stream_kind};
  // Twice: the credential is good for ever.
  for (int round = 0; round < 2; ++round) {
    auto session = co_await dial_link(world, key.clone());
    EXPECT_TRUE(session);
    if (!session) co_return;
    auto link = co_await session.async_open_stream(kind, asio::use_awaitable);
    auto user = co_await test_user::open(world.public_url());
    const auto welcome = co_await user.join();
    co_await user.say(text(1, "hello"));
    EXPECT_EQ(co_await user.hear(), acked(1));
    const auto expected =
        encode_json_frame(encode_text(dialect::compatible, {.session_id = welcome.session_id}, 1, "hello"));
    byte_buffer arrived(expected.size());
    co_await asio::async_read(link, asio::buffer(arrived), as_result);
    EXPECT_EQ(arrived, expected);
    const auto reply = encode_json_frame(R"({"content":"hi","session_id":")" + welcome.session_id + R"("})");
    co_await asio::async_write(link, asio::buffer(reply), as_result);
    const gateway_frame heard = reply_frame{.seq = 1, .content = "hi"};
    EXPECT_EQ(co_await user.hear(), heard);
    co_await session.async_close(as_result);
  }
}

awaitable<void> use_wrong_key(gateway_world& world, crypto::psk key) {
  const auto session = co_await dial_link(world, std::move(key));
  EXPECT_FALSE(session);
}

TEST(internal_link, opens_to_its_key_as_often_as_it_likes) {
  testing::seeded_random random{3};
  const auto key = crypto::psk::generate(random).value();
  auto options = usual_options();
  options.internal_port.link = internal_link_credential{.channel_id = "backend", .psk = key.clone()};
  gateway_world world{std::move(options)};
  world.run(use_link(world, key.clone()));
  world.run(use_wrong_key(world, crypto::psk::generate(random).value()));
}

/// A link with texts that are acknowledged and that nobody has read; the gateway stops, and its users are gone.
struct stopped_link {
  endpoint::session session;
  flowersec::stream stream;
  byte_buffer expected;
  bool stopped = false;
};

awaitable<void> stop_before_it_reads(gateway_world& world, const crypto::psk& key, stopped_link& link) {
  link.session = co_await dial_link(world, key.clone());
  const std::string kind{internal_stream_kind};
  link.stream = co_await link.session.async_open_stream(kind, asio::use_awaitable);
  co_await until([&] { return world.gate.counts().internal_clients == 1; });
  auto user = co_await test_user::open(world.public_url());
  const auto welcome = co_await user.join();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    co_await user.say(text(id, "hello"));
    EXPECT_EQ(co_await user.hear(), acked(id));
    const auto frame = encode_text(dialect::compatible, {.session_id = welcome.session_id}, id, "hello");
    append(link.expected, encode_json_frame(frame));
  }
  world.gate.async_stop([&](error_code) { link.stopped = true; });
  co_await user.session.async_close(as_result);
  co_await until([&] { return world.gate.counts().sockets == 0; });
}

awaitable<void> read_after_the_stop(gateway_world& world, const crypto::psk& key) {
  stopped_link link;
  co_await stop_before_it_reads(world, key, link);
  co_await link.session.async_probe(as_result);  // behind what the gateway has said
  EXPECT_FALSE(link.stopped);
  byte_buffer arrived(link.expected.size());
  const auto [failed, bytes] = co_await asio::async_read(link.stream, asio::buffer(arrived), as_result);
  EXPECT_FALSE(failed) << failed.message();
  EXPECT_EQ(arrived, link.expected);
  std::byte more{};
  EXPECT_EQ(std::get<0>(co_await link.stream.async_read_some(asio::buffer(&more, 1), as_result)), asio::error::eof);
  co_await link.session.async_close(as_result);
  co_await until([&] { return link.stopped; });
}

gateway_options with_link(const crypto::psk& key) {
  auto options = usual_options();
  options.limits.stop_timeout = std::chrono::minutes{2};
  options.internal_port.link = internal_link_credential{.channel_id = "backend", .psk = key.clone()};
  return options;
}

TEST(internal_link, texts_that_were_acknowledged_are_there_when_it_reads_them_after_a_stop) {
  const auto key = crypto::psk::generate(system_random()).value();
  auto options = with_link(key);
  options.limits.fatal_linger = std::chrono::seconds{30};
  gateway_world world{std::move(options)};
  world.run(read_after_the_stop(world, key));
}

awaitable<void> stay_after_the_stop(gateway_world& world, const crypto::psk& key) {
  stopped_link link;
  co_await stop_before_it_reads(world, key, link);
  co_await link.session.async_wait_end(as_result);
  co_await until([&] { return link.stopped; });
}

TEST(internal_link, that_stays_after_a_stop_is_closed_when_its_time_is_over) {
  const auto key = crypto::psk::generate(system_random()).value();
  auto options = with_link(key);
  options.limits.fatal_linger = std::chrono::milliseconds{100};
  gateway_world world{std::move(options)};
  world.run(stay_after_the_stop(world, key));  // in a minute, of the two for the stop
}

}  // namespace
}  // namespace flowersec::ownwire
