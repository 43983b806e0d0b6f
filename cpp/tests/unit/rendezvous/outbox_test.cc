// What waits for a registry or a contact that does not read: each bound at its edge and one past it.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "rendezvous/contact_channel.h"
#include "rendezvous/registry_connection.h"

namespace flowersec::rendezvous {
namespace {

namespace asio = boost::asio;

/// A registry that takes nothing.
class deaf_connection final : public registry_connection {
 public:
  deaf_connection(client_strand serial, error_code& lost)
      : registry_connection(std::move(serial),
                            {.opened = {}, .frame = {}, .lost = [&lost](error_code why, bool) { lost = why; }}) {}
  void dial() override { on_opened(); }

  std::size_t written = 0;

 protected:
  void write(byte_view text) override { written += text.size(); }
  void end() override {}
  void close(std::function<void()> gone) override { gone(); }
  void lose_carrier(error_code why) override { lose(why); }
};

TEST(registry_outbox, holds_its_bytes_and_not_one_more) {
  const client_frame ping = ping_frame{.t = 100'000'000'000};
  const auto one = encode(ping).size();
  ASSERT_EQ(max_registry_outbox_bytes % one, 0U) << "as many of them as fit exactly";
  asio::io_context context;
  error_code lost;
  const auto connection = std::make_shared<deaf_connection>(client_strand{context.get_executor()}, lost);
  connection->dial();
  // The first is with the network, the others wait.
  for (std::size_t i = 0; i < 1 + max_registry_outbox_bytes / one; ++i) connection->send(ping);
  EXPECT_EQ(lost, error_code{});
  EXPECT_EQ(connection->written, one);
  connection->send(ping);
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::connection_lost));
}

TEST(channel_outbox, holds_its_frames_and_not_one_more) {
  asio::io_context context;
  error_code lost;
  channel_listener listener{.frame = {}, .moved = {}, .used = {}, .lost = [&lost](error_code why) { lost = why; }};
  // There is no stream yet.
  const auto channel = std::make_shared<contact_channel>(client_strand{context.get_executor()}, endpoint::session{},
                                                         std::move(listener));
  for (std::size_t i = 0; i < max_channel_outbox_frames; ++i) channel->send(channel_ack{.id = i + 1});
  EXPECT_EQ(lost, error_code{});
  channel->send(channel_ack{.id = 1});
  EXPECT_EQ(lost, make_error_code(rendezvous_errc::channel_failed));
}

}  // namespace
}  // namespace flowersec::rendezvous
