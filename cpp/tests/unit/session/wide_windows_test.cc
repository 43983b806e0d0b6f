// Wide windows in a session: agreed in the handshake, and not used with peers that did not agree.
#include <gtest/gtest.h>

#include <utility>

#include "support/raw_peer.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using handshake::wide_windows_feature;
using yamux::yamux_errc;

constexpr std::uint32_t step = yamux::window_bytes / 2;
constexpr std::string_view hello = R"({"kind":"x","v":1})";
constexpr std::uint32_t hello_bytes = 4 + hello.size();  // read, and granted again, like any others

machine_options client_with(std::uint32_t features) {
  auto options = client_options_of();
  std::get<handshake::client_options>(options.side).features = features;
  return options;
}
machine_options server_with(std::uint32_t features) {
  auto options = server_options_of();
  std::get<session::server_side>(options.side).options.features = features;
  return options;
}

/// Features of the session under test and of its peer.
using offers = std::pair<std::uint32_t, std::uint32_t>;
constexpr offers not_agreed[] = {
    {0, 0}, {wide_windows_feature, 0}, {0, wide_windows_feature}, {0xfffeffff, 0xffffffff}};
constexpr offers agreed[] = {{wide_windows_feature, wide_windows_feature}, {wide_windows_feature, 0xffffffff}};

TEST(wide_windows, four_mib_of_credit_are_taken_by_both_roles_when_both_agreed) {
  const auto credit = yamux::encode_credit(stream_id{1}, yamux::wide_window_bytes - yamux::window_bytes);
  for (const auto& [own, other] : agreed) {
    virtual_time time;
    end_point server{server_with(own), time};
    auto client = raw_peer::client_of(server, other);
    client.open_stream(1, hello);
    client.send(credit);
    EXPECT_FALSE(server.core().over());
    client.send(yamux::encode_credit(stream_id{1}, 1));
    EXPECT_EQ(server.over_because(), make_error_code(yamux_errc::credit_overflow));
  }
  for (const auto& [own, other] : agreed) {
    virtual_time time;
    end_point client{client_with(own), time};
    auto server = raw_peer::server_of(client, other);
    static_cast<void>(server.take_plain());  // the rpc stream and its hello of 24 bytes
    server.send(credit);
    server.send(yamux::encode_credit(stream_id{1}, 24));
    EXPECT_FALSE(client.core().over());
    server.send(yamux::encode_credit(stream_id{1}, 1));
    EXPECT_EQ(client.over_because(), make_error_code(yamux_errc::credit_overflow));
  }
}

TEST(wide_windows, one_byte_above_the_first_window_ends_the_session_when_only_one_side_agreed) {
  for (const auto& [own, other] : not_agreed) {
    virtual_time time;
    end_point server{server_with(own), time};
    auto client = raw_peer::client_of(server, other);
    client.open_stream(1, hello);
    client.send(yamux::encode_credit(stream_id{1}, 1));
    EXPECT_EQ(server.over_because(), make_error_code(yamux_errc::credit_overflow)) << own << " " << other;
  }
}

/// Sends half a window on stream 1, which the server's application reads.
void carry_half_a_window(raw_peer& client, end_point& server) {
  const byte_buffer body(16384);
  byte_buffer into(body.size());
  for (std::uint32_t sent = 0; sent < step; sent += 16384) {
    client.send(yamux::encode_data(stream_id{1}, 16384), body);
    EXPECT_EQ(server.core().read(stream_id{1}, into, server.now()).value(), body.size());
  }
}

std::uint32_t credit_in(const raw_peer::received_frame& frame) {
  const auto* update = std::get_if<yamux::window_update_frame>(&frame.header);
  return update == nullptr ? 0 : update->credit;
}

TEST(wide_windows, a_fast_stream_is_measured_and_widened) {
  virtual_time time;
  end_point server{server_with(wide_windows_feature), time};
  auto client = raw_peer::client_of(server, wide_windows_feature);
  client.open_stream(1, hello);
  static_cast<void>(client.take_frames());

  carry_half_a_window(client, server);
  auto said = client.take_frames();
  ASSERT_EQ(said.size(), 2u);
  const auto* ping = std::get_if<yamux::ping_frame>(&said[0].header);
  ASSERT_NE(ping, nullptr);
  EXPECT_EQ(credit_in(said[1]), hello_bytes + step);
  time.pass(100ms);
  client.send(yamux::encode_ping_reply(ping->opaque));
  EXPECT_EQ(server.count<session::probe_finished>(), 0u);
  carry_half_a_window(client, server);
  said = client.take_frames();
  EXPECT_EQ(credit_in(said.at(0)), step);
  time.pass(100ms);
  carry_half_a_window(client, server);
  said = client.take_frames();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(credit_in(said[0]), step + yamux::window_bytes);
}

TEST(wide_windows, peers_that_did_not_agree_get_the_same_bytes_as_ever) {
  for (const auto& [own, other] : not_agreed) {
    virtual_time time;
    end_point server{server_with(own), time};
    auto client = raw_peer::client_of(server, other);
    client.open_stream(1, hello);
    static_cast<void>(client.take_plain());
    for (int i = 0; i < 8; ++i) {
      carry_half_a_window(client, server);
      EXPECT_EQ(client.take_plain(), to_buffer(yamux::encode_credit(stream_id{1}, step + (i == 0 ? hello_bytes : 0))));
    }
  }
}

TEST(wide_windows, a_probe_tells_its_own_round_trip_while_the_path_is_measured) {
  virtual_time time;
  end_point server{server_with(wide_windows_feature), time};
  auto client = raw_peer::client_of(server, wide_windows_feature);
  client.open_stream(1, hello);
  carry_half_a_window(client, server);
  static_cast<void>(client.take_frames());
  time.pass(70ms);
  ASSERT_TRUE(server.core().probe(1s, server.now()));
  const auto said = client.take_frames();
  ASSERT_EQ(said.size(), 1u);
  time.pass(30ms);
  client.send(yamux::encode_ping_reply(std::get<yamux::ping_frame>(said[0].header).opaque));
  ASSERT_NE(server.last<session::probe_finished>(), nullptr);
  EXPECT_EQ(server.last<session::probe_finished>()->round_trip, 30ms);
}

}  // namespace
}  // namespace flowersec::testing
