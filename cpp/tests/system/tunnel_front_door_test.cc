// Visitors that mean no good, at the front door of flowersec-tunnel: each gets the answer it deserves, while a calm
// pair keeps talking, and nothing of them is left afterwards.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <thread>

#include "support/standstill.h"
#include "tunnel_program.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using steady = std::chrono::steady_clock;

/// What a frame begins with, and what is wrong about it.
struct bad_frame {
  const char* name;
  byte_buffer bytes;
  std::uint16_t code;
};

byte_buffer bytes_of(std::initializer_list<int> values) {
  byte_buffer all;
  for (const int value : values) all.push_back(static_cast<std::byte>(value));
  return all;
}

std::vector<bad_frame> bad_frames() {
  return {
      {"unmasked", bytes_of({0x82, 0x01, 'x'}), 1002},
      {"reserved bit 1", bytes_of({0xc2, 0x80, 0, 0, 0, 0}), 1002},
      {"reserved bit 2", bytes_of({0xa2, 0x80, 0, 0, 0, 0}), 1002},
      {"reserved bit 3", bytes_of({0x92, 0x80, 0, 0, 0, 0}), 1002},
      {"unknown data frame", bytes_of({0x83, 0x80, 0, 0, 0, 0}), 1002},
      {"unknown control frame", bytes_of({0x8b, 0x80, 0, 0, 0, 0}), 1002},
      {"a continuation of nothing", bytes_of({0x80, 0x80, 0, 0, 0, 0}), 1002},
      {"a new message inside another", bytes_of({0x02, 0x80, 0, 0, 0, 0, 0x82, 0x80, 0, 0, 0, 0}), 1002},
      {"a fragmented ping", bytes_of({0x09, 0x80, 0, 0, 0, 0}), 1002},
      {"a ping of 126 bytes", client_frame_header(op_ping, 126), 1002},
      {"a close of one byte", bytes_of({0x88, 0x81, 0, 0, 0, 0, 3}), 1002},
      {"a close code that never travels", client_close(1005), 1002},
      {"a close reason that is not UTF-8", client_close(1000, "\xff"), 1002},
      {"a length of 2^63-1", client_frame_header(op_binary, 0x7fffffffffffffff), 1009},
      {"a length of 2^63-1 in pieces", client_frame_header(op_binary, 0x7fffffffffffffff, false), 1009},
  };
}

/// Connections that only wait for their end, watched all together.
class crowd {
 public:
  crowd(const tunnel_program& tunnel, std::size_t count) : watch_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (std::size_t i = 0; i < count; ++i) {
      tunnel_client::options how;
      how.from = "127.0.0." + std::to_string(2 + i % 8);
      members_.emplace_back(tunnel.address(), how);
      epoll_event wanted{.events = EPOLLIN | EPOLLRDHUP, .data = {.u64 = i}};
      ::epoll_ctl(watch_, EPOLL_CTL_ADD, members_.back().descriptor(), &wanted);
    }
    left_ = count;
  }
  ~crowd() { ::close(watch_); }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;

  /// Sees who has been shown out within the next moment. Whoever was told something is in told().
  void look(std::chrono::milliseconds moment) {
    std::array<epoll_event, 512> events;
    const auto count = ::epoll_wait(watch_, events.data(), events.size(), static_cast<int>(moment.count()));
    for (int i = 0; i < count; ++i) {
      auto& member = members_[events[static_cast<std::size_t>(i)].data.u64];
      if (!member.read_to_end().empty()) ++told_;
      member.close();
      --left_;
    }
  }
  /// Each sends a little more.
  void dribble(std::string_view text) {
    for (auto& member : members_) (void)member.send_some(as_bytes(text));
  }
  [[nodiscard]] std::size_t left() const noexcept { return left_; }
  [[nodiscard]] std::size_t told() const noexcept { return told_; }

 private:
  int watch_;
  std::vector<tunnel_client> members_;
  std::size_t left_ = 0;
  std::size_t told_ = 0;
};

class front_door : public ::testing::Test {
 protected:
  front_door() {
    tunnel.enable_metrics();
    calm.echo("before");
    settled = tunnel.process.open_descriptors();
  }

  /// The calm pair lives, nobody else is left, and no descriptor either.
  void TearDown() override {
    calm.echo("after");
    EXPECT_TRUE(tunnel_program::eventually([&] { return tunnel.metric("flowersec_tunnel_connections") == 2; }));
    EXPECT_TRUE(tunnel_program::eventually([&] { return tunnel.process.open_descriptors() <= settled; }))
        << tunnel.process.open_descriptors() << " descriptors, " << settled << " at the start";
  }
  /// An end that the tunnel explains: a close frame, then nothing.
  static void expect_shown_out(tunnel_client& visitor, std::uint16_t code, const char* why) {
    const auto frame = visitor.frame();
    ASSERT_TRUE(frame) << why;
    EXPECT_EQ(frame->op, op_close) << why;
    EXPECT_EQ(frame->close_code(), code) << why;
    EXPECT_TRUE(visitor.ended()) << why;
  }
  /// What a message of the calm pair takes, without what the machine takes of it.
  steady::duration calm_echo() {
    static_cast<void>(machine.take());
    const auto took = calm.echo("meanwhile");
    return took - machine.take();
  }

  standstill_watch machine;
  tunnel_program tunnel{{"--write-timeout", "1s"}};
  attached_pair calm{tunnel, "calm"};
  std::size_t settled = 0;
};

TEST_F(front_door, thousands_that_are_slow_or_silent_are_shown_out_in_time) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const auto room = std::min<std::size_t>(files.rlim_max, 20'000) - 1000;
  const auto slow_count = std::min<std::size_t>(2000, room / 6);
  crowd silent{tunnel, slow_count * 5};
  crowd slow{tunnel, slow_count};
  slow.dribble("GET /ws HTTP/1.1\r\nHost: t\r\nX-Slow: ");
  undisturbed_time since_all_are_there;
  steady::duration slowest{};
  while (silent.left() + slow.left() != 0 && since_all_are_there.elapsed() < 15s) {
    slow.dribble("x");
    silent.look(20ms);
    slow.look(20ms);
    slowest = std::max(slowest, calm_echo());
  }
  EXPECT_EQ(silent.left(), 0u);
  EXPECT_EQ(slow.left(), 0u);
  EXPECT_EQ(silent.told() + slow.told(), 0u) << "who has not asked is not answered";
  EXPECT_LT(slowest, 2s);
}

TEST_F(front_door, a_head_that_is_too_large_is_431_wherever_it_is_large) {
  const std::string big(37'000, 'x');
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "a: b\r\nc: d\r\n";
  for (const auto& head : {"GET /" + big + " HTTP/1.1\r\n", "GET /ws HTTP/1.1\r\n" + big + ": 1\r\n",
                           "GET /ws HTTP/1.1\r\nX: " + big + "\r\n", "GET /ws HTTP/1.1\r\n" + many}) {
    tunnel_client visitor{tunnel.address()};
    visitor.send_text(head);
    EXPECT_THAT(visitor.read_http_head(), StartsWith("HTTP/1.1 431 ")) << head.substr(0, 30);
    EXPECT_EQ(visitor.read_until("\n"), "431 Request Header Fields Too Large\n");
    EXPECT_TRUE(visitor.ended());
  }
}

TEST_F(front_door, a_head_as_large_as_it_may_be_passes_byte_by_byte_too) {
  tunnel_client large{tunnel.address()};
  large.send_text("GET /healthz HTTP/1.1\r\nHost: t\r\nX: " + std::string(32'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(large.read_http_head(), StartsWith("HTTP/1.1 200 "));
  tunnel_client piecemeal{tunnel.address()};
  for (const char c : std::string{"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"}) piecemeal.send_text({&c, 1});
  EXPECT_THAT(piecemeal.read_http_head(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(front_door, wrong_upgrades_have_their_status_and_the_connection_goes_on) {
  struct row {
    const char* name;
    const char* first_line;
    std::string headers;
    unsigned status;
  };
  const std::string connection = "Connection: Upgrade\r\n";
  const std::string kind = "Upgrade: websocket\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const std::string key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
  const std::string origin = "Origin: https://app.example\r\n";
  const char* const get = "GET /ws HTTP/1.1\r\n";
  const std::vector<row> rows{
      {"no Connection", get, kind + version + key + origin, 400},
      {"Connection: close, keep-alive", get, "Connection: keep-alive\r\n" + kind + version + key + origin, 400},
      {"no Upgrade", get, connection + version + key + origin, 400},
      {"another Upgrade", get, connection + "Upgrade: h2c\r\n" + version + key + origin, 400},
      {"POST", "POST /ws HTTP/1.1\r\n", connection + kind + version + key + origin, 405},
      {"version 12", get, connection + kind + "Sec-WebSocket-Version: 12\r\n" + key + origin, 400},
      {"no version", get, connection + kind + key + origin, 400},
      {"a foreign origin", get, connection + kind + version + key + "Origin: https://evil.example\r\n", 403},
      {"no origin", get, connection + kind + version + key, 403},
      {"no key", get, connection + kind + version + origin, 400},
      {"a key of 15 bytes", get, connection + kind + version + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA\r\n" + origin,
       400},
      {"a foreign origin before a bad key", get,
       connection + kind + version + "Sec-WebSocket-Key: A\r\nOrigin: https://evil.example\r\n", 403},
      {"another path", "GET /wss HTTP/1.1\r\n", connection + kind + version + key + origin, 404},
  };
  tunnel_client visitor{tunnel.address()};
  std::size_t counted = 0;
  for (const auto& [name, first_line, headers, status] : rows) {
    visitor.send_text(std::string{first_line} + "Host: t\r\n" + headers + "\r\n");
    EXPECT_THAT(visitor.read_http_head(), StartsWith("HTTP/1.1 " + std::to_string(status) + ' ')) << name;
    (void)visitor.read_until("\n");
    counted += status == 404 ? 0 : 1;
  }
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_attach_total{reason=\"upgrade_error\",result=\"fail\"}"), counted);
  visitor.upgrade({});
}

TEST_F(front_door, what_is_no_http_is_400_and_ends) {
  for (const auto* text : {"\x16\x03\x01\x02\x01\x01", "HELLO\r\n\r\n", "GET\r\n\r\n", "GET /ws HTTP/9.9\r\n\r\n",
                           "GET /ws HTTP/1.1\r\nno colon\r\n\r\n"}) {
    tunnel_client visitor{tunnel.address()};
    visitor.send_text(std::string{text} + "\r\n\r\n");
    EXPECT_THAT(visitor.read_http_head(), StartsWith("HTTP/1.1 400 ")) << text;
    (void)visitor.read_until("\n");
    EXPECT_TRUE(visitor.ended()) << text;
  }
}

TEST_F(front_door, a_bad_frame_before_the_attach_is_named) {
  for (const auto& [name, bytes, code] : bad_frames()) {
    auto visitor = tunnel.connect();
    visitor.send(bytes);
    expect_shown_out(visitor, code, name);
    calm.echo(name);
  }
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_attach_total{reason=\"expected_attach\",result=\"fail\"}"),
            bad_frames().size());
}

TEST_F(front_door, a_bad_frame_in_a_pair_ends_the_pair_and_what_came_before_arrives) {
  for (const auto& [name, bytes, code] : bad_frames()) {
    attached_pair bad{tunnel, name};
    bad.client.binary("before");
    bad.client.send(bytes);
    expect_shown_out(bad.client, code, name);
    EXPECT_EQ(bad.server.message(), "before") << name;
    EXPECT_TRUE(bad.server.ended()) << name;
    calm.echo(name);
  }
}

TEST_F(front_door, fragments_of_one_byte_are_put_together) {
  const auto send_in_bytes = [](tunnel_client& to, std::uint8_t op, byte_view whole) {
    byte_buffer frames;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      append(frames,
             client_frame(i == 0 ? op : std::uint8_t{op_continuation}, whole.subspan(i, 1), i + 1 == whole.size()));
    }
    to.send(frames);
  };
  auto client = tunnel.connect();
  send_in_bytes(client, op_text, as_bytes(tunnel.mint.attach_text("bytes", 1)));
  attached_pair pair{std::move(client), tunnel.attach("bytes", 2)};
  pair.echo("attached");
  send_in_bytes(pair.client, op_binary, pattern(50'000));
  EXPECT_EQ(pair.server.frame()->payload, pattern(50'000));
  calm.echo("meanwhile");
  // The sum counts: one byte too many in the last fragment.
  auto longer = tunnel.connect();
  longer.send(client_frame(op_text, std::string(8192, ' '), false));
  longer.send(client_frame(op_continuation, " "));
  expect_shown_out(longer, 1009, "an attach of 8193 bytes");
}

TEST_F(front_door, ping_floods_are_answered_in_part_and_hold_nobody_up) {
  attached_pair pair{tunnel, "pings"};
  byte_buffer pings;
  for (int i = 0; i < 5000; ++i) append(pings, client_frame(op_ping, "0123456789"));
  const auto before = tunnel.process.resident_bytes();
  std::atomic<bool> enough{false};
  std::thread flood{[&] {
    // Pongs are never read: when the socket takes no more, neither does the tunnel give more.
    for (std::size_t sent = 0; !enough; sent %= pings.size())
      sent += pair.client.send_some(byte_view{pings}.subspan(sent));
  }};
  steady::duration slowest{};
  for (int i = 0; i < 300; ++i) slowest = std::max(slowest, calm_echo());
  pair.server.binary("through");
  enough = true;
  flood.join();
  EXPECT_LT(slowest, 1s);
  EXPECT_LT(tunnel.process.resident_bytes(), before + 16 * 1024 * 1024);
  std::optional<server_frame> frame;
  do {
    frame = pair.client.frame();
    ASSERT_TRUE(frame);
  } while (frame->op == op_pong && as_text(frame->payload) == "0123456789");
  EXPECT_EQ(as_text(frame->payload), "through");
}

TEST_F(front_door, half_closed_peers_are_treated_as_gone) {
  tunnel_client before_head{tunnel.address()};
  before_head.finish_sending();
  EXPECT_TRUE(before_head.ended()) << "nobody asked anything";
  tunnel_client inside_head{tunnel.address()};
  inside_head.send_text("GET /ws HTTP/1.1\r\n");
  inside_head.finish_sending();
  EXPECT_TRUE(inside_head.ended()) << "no request is complete";
  tunnel_client behind_request{tunnel.address()};
  behind_request.send_text("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  behind_request.finish_sending();
  EXPECT_THAT(behind_request.read_http_head(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(behind_request.read_until("ok"), "ok");
  EXPECT_TRUE(behind_request.ended());
  auto unattached = tunnel.connect();
  unattached.finish_sending();
  expect_shown_out(unattached, 1002, "before the attach");
  auto inside_attach = tunnel.connect();
  inside_attach.send(client_frame_header(op_text, 600));
  inside_attach.finish_sending();
  expect_shown_out(inside_attach, 1002, "inside the attach");
  auto alone = tunnel.attach("alone", 1);
  alone.finish_sending();
  EXPECT_TRUE(alone.ended()) << "attached, without a peer";
  attached_pair pair{tunnel, "halves"};
  pair.client.binary("last words");
  pair.client.finish_sending();
  EXPECT_EQ(pair.server.message(), "last words");
  EXPECT_TRUE(pair.server.ended());
  EXPECT_TRUE(pair.client.ended());
}

TEST_F(front_door, peers_that_never_read_stop_their_own_source_and_nobody_else) {
  constexpr int count = 8;
  tunnel_client::options narrow;
  narrow.receive_buffer_bytes = 4096;
  std::vector<tunnel_client> deaf;
  std::vector<std::thread> sources;
  for (int i = 0; i < count; ++i) {
    const auto room = "deaf-" + std::to_string(i);
    deaf.push_back(tunnel.attach(room, 2, narrow));
    sources.emplace_back([client = tunnel.attach(room, 1)]() mutable {
      try {
        for (;;) client.binary(pattern(100'000));
      } catch (const std::runtime_error&) {
        // The time of the deaf peer is over.
      }
    });
  }
  const auto write_errors = [&] { return tunnel.metric("flowersec_tunnel_close_total{reason=\"write_error\"}"); };
  steady::duration slowest{};
  EXPECT_TRUE(tunnel_program::eventually([&] {
    slowest = std::max(slowest, calm_echo());
    return write_errors() >= count;
  }));
  for (auto& source : sources) source.join();
  EXPECT_LT(slowest, 1s);
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_queued_bytes"), 0);
}

}  // namespace
}  // namespace flowersec::testing
