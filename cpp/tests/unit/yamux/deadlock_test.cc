// Two peers that echo everything through a pipe of 1 KiB come to an end: reading never waits for writing.
#include <gtest/gtest.h>

#include <deque>

#include "fixture.h"

namespace flowersec::yamux {
namespace {

constexpr std::size_t pipe_bytes = 1024;
constexpr std::size_t bytes_per_stream = 600000;
constexpr int streams_per_side = 3;

/// Sends a pattern on streams of its own and sends back whatever arrives on the peer's.
class echo_peer {
 public:
  explicit echo_peer(role is) : machine_(*session::create({.is = is})), sent_(pattern(bytes_per_stream)) {
    for (int i = 0; i < streams_per_side; ++i) {
      const auto id = *machine_.open();
      own_[static_cast<std::uint32_t>(id)] = 0;
      EXPECT_TRUE(machine_.write(id, sent_).has_value());
      EXPECT_TRUE(machine_.close_write(id).has_value());
    }
  }

  void send(byte_buffer& pipe) {
    while (pipe.size() < pipe_bytes) {
      const auto out = machine_.next_frame(pipe_bytes - pipe.size());
      if (!out) break;
      append(pipe, out->header);
      append(pipe, out->body);
    }
    on_events();
  }

  void receive(byte_buffer& pipe) {
    machine_.receive(pipe);
    pipe.clear();
    on_events();
    for (auto& own : own_) check_own(own.first, own.second);
    for (auto& echo : echoes_) send_back(echo.first, echo.second);
    on_events();
  }

  [[nodiscard]] bool done() const {
    return std::ranges::all_of(own_, [](const auto& own) { return own.second == bytes_per_stream; }) &&
           machine_.active_streams() == 0;
  }

 private:
  void check_own(std::uint32_t id, std::size_t& count) {
    read_all(id, [&](byte_view bytes) {
      EXPECT_TRUE(std::ranges::equal(bytes, byte_view{sent_}.subspan(count, bytes.size())));
      count += bytes.size();
    });
  }

  void send_back(std::uint32_t id, std::deque<byte_buffer>& blocks) {
    const bool over = read_all(id, [&](byte_view bytes) {
      blocks.push_back(to_buffer(bytes));
      EXPECT_TRUE(machine_.write(stream_id{id}, blocks.back()).has_value());
    });
    if (over) (void)machine_.close_write(stream_id{id});
  }

  template <class Use>
  bool read_all(std::uint32_t id, Use use) {
    byte_buffer into(5000);
    for (;;) {
      const auto got = machine_.read(stream_id{id}, into);
      if (!got) return got.error() == yamux_errc::end_of_stream;
      if (!*got) {
        (void)machine_.cancel_read(stream_id{id});
        return false;
      }
      use(byte_view{into}.first(**got));
    }
  }

  void on_events() {
    while (const auto e = machine_.poll_event()) {
      if (const auto* opened = std::get_if<stream_opened>(&*e)) echoes_[static_cast<std::uint32_t>(opened->id)];
      if (const auto* written = std::get_if<writes_done>(&*e)) {
        const auto echo = echoes_.find(static_cast<std::uint32_t>(written->id));
        for (std::size_t i = 0; echo != echoes_.end() && i < written->count; ++i) echo->second.pop_front();
      }
      EXPECT_FALSE(std::holds_alternative<stream_failed>(*e)) << text_of(*e);
    }
  }

  session machine_;
  byte_buffer sent_;
  std::map<std::uint32_t, std::size_t> own_;                 // bytes that came back
  std::map<std::uint32_t, std::deque<byte_buffer>> echoes_;  // blocks on their way back
};

TEST(yamux_deadlock, two_echoing_peers_finish_through_a_pipe_of_one_kibibyte) {
  echo_peer client{role::client};
  echo_peer server{role::server};
  byte_buffer to_server;
  byte_buffer to_client;
  while (!(client.done() && server.done())) {
    client.send(to_server);
    server.send(to_client);
    ASSERT_FALSE(to_server.empty() && to_client.empty()) << "both sides wait for each other";
    server.receive(to_server);
    client.receive(to_client);
  }
}

}  // namespace
}  // namespace flowersec::yamux
