// A channel over a session on loopback: what is told of the way of a message.
#include "rendezvous/contact_channel.h"

#include <boost/asio/read.hpp>

#include "flowersec/identity/identity.h"
#include "unit/endpoint/direct_fixture.h"

namespace flowersec::rendezvous {
namespace {

using namespace testing;

channel_message message_of(std::uint64_t id, std::size_t bytes) {
  return {.id = id, .content = '"' + std::string(bytes, 'x') + '"'};
}

/// The channel of a client, and the session at its other end.
class channel_at_work : public ::testing::Test {
 protected:
  awaitable<void> begin() {
    ends = co_await connect_both(listener);
    channel_listener ears{.frame = {},
                          .moved =
                              [this](std::uint64_t message) {
                                moved.push_back(message);
                                wake.cancel();
                              },
                          .used = {},
                          .lost = [](error_code why) { ADD_FAILURE() << why.message(); }};
    channel = std::make_shared<contact_channel>(client_strand{context.get_executor()}, ends.client, std::move(ears));
    channel->begin(identity::identity::generate(system_random()).value().key(), {});
  }
  awaitable<void> until_moved(std::size_t times) {
    while (moved.size() < times) co_await wake.async_wait(with_error);
  }

  asio::io_context context;
  endpoint::direct_listener listener = listen_on(context);
  both ends;
  std::shared_ptr<contact_channel> channel;
  asio::steady_timer wake{context, asio::steady_timer::time_point::max()};
  std::vector<std::uint64_t> moved;
};

TEST_F(channel_at_work, tells_of_each_part_of_a_message_that_has_left_and_of_no_other_frame) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    channel->send(channel_hello{});
    channel->send(message_of(1, 10));
    channel->send(channel_ack{1});
    channel->send(message_of(2, 150'000));
    co_await until_moved(4);
    EXPECT_EQ(moved, (std::vector<std::uint64_t>{1, 2, 2, 2}));
    channel->drop();
  };
  run(context, body());
}

TEST_F(channel_at_work, tells_of_the_last_part_when_the_other_side_made_room_for_it) {
  const auto body = [this]() -> awaitable<void> {
    co_await begin();
    channel->send(message_of(1, 1'000'000));
    auto incoming = co_await ends.server.async_accept_stream();
    while (incoming.kind != messages_stream_kind) incoming = co_await ends.server.async_accept_stream();
    // The first window, of which the hello of the stream has taken its part.
    co_await until_moved(3);
    EXPECT_EQ(moved.size(), 3U);
    std::vector<std::byte> all(1'000'000);
    co_await asio::async_read(incoming.stream, asio::buffer(all), asio::use_awaitable);
    co_await until_moved(16);
    EXPECT_EQ(moved.size(), 16U);
    channel->drop();
  };
  run(context, body());
}

}  // namespace
}  // namespace flowersec::rendezvous
