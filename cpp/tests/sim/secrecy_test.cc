// What the tunnel must not be able to do: read, change, drop, repeat or reorder what it forwards.
#include "flowersec/base/base64url.h"
#include "flowersec/record/errc.h"
#include "world.h"

namespace flowersec::sim {
namespace {

using record::record_errc;

/// Few records, every byte of which can be tried.
const side_options short_talk{.plan = {.streams = 1, .up_bytes = 300, .down_bytes = 300, .calls = 1}};

/// Many records each way.
side_options long_talk() {
  side_options options{.plan = {.streams = 1, .up_bytes = 30'000, .down_bytes = 30'000, .calls = 2}};
  options.session.record.outbound_record_chunk_bytes = 1024;
  return options;
}

struct pair_under_attack {
  explicit pair_under_attack(const side_options& options)
      : client(all.add_client(options)), server(all.add_server(options)) {}

  [[nodiscard]] side& end(side::role which) { return which == side::role::client ? client : server; }

  world all{41, {.longest_delay = 1ms}};
  side& client;
  side& server;
};

bool is_record(byte_view message) { return as_text(message).starts_with("FSEC"); }

/// What reaches one end when nobody interferes.
message_list messages_to(side::role which, const side_options& options) {
  pair_under_attack run{options};
  EXPECT_TRUE(run.all.run_until_done(run.client, run.server));
  return run.end(which).received();
}

void expect_refused_record(side& victim, std::size_t bytes_read_before) {
  const error_code any_record_error = record_errc::bad_sequence;
  EXPECT_EQ(&victim.over_because().category(), &any_record_error.category()) << victim.over_because().message();
  EXPECT_EQ(victim.app.bytes_read(), bytes_read_before);
}

/// Changes one byte of one message on its way to `which`.
void flip(side::role which, std::size_t index, std::size_t at) {
  SCOPED_TRACE("message " + std::to_string(index) + " byte " + std::to_string(at));
  pair_under_attack run{short_talk};
  auto& victim = run.end(which);
  std::optional<std::size_t> read_before;
  bool record = false;
  victim.meddle = [&](std::size_t i, byte_buffer message) {
    if (i != index) return message_list{message};
    record = is_record(message);
    // Everything of earlier records is read first, so that a byte read later would come from this one.
    victim.app.pump(victim.core(), victim.now());
    read_before = victim.app.bytes_read();
    message[at] ^= static_cast<std::byte>(1u << (at % 8));
    return message_list{message};
  };
  run.all.run(11s);
  ASSERT_TRUE(read_before.has_value());
  if (record) expect_refused_record(victim, *read_before);
  expect_typed_end(run.client);
  expect_typed_end(run.server);
  run.all.run(5s);
  run.all.expect_empty_tunnel();
}

TEST(blind_tunnel, a_byte_changed_in_any_record_ends_the_session_and_shows_nothing_of_it) {
  for (const auto which : {side::role::client, side::role::server}) {
    const auto messages = messages_to(which, short_talk);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (!is_record(messages[i])) continue;
      const auto size = messages[i].size();
      for (std::size_t at = 0; at < size; at += at < record::header_bytes ? 1 : 3) flip(which, i, at);
      flip(which, i, size - 1);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(blind_tunnel, a_byte_changed_in_the_handshake_ends_it) {
  for (const auto which : {side::role::client, side::role::server}) {
    const auto messages = messages_to(which, short_talk);
    for (std::size_t i = 0; i < messages.size() && !is_record(messages[i]); ++i) {
      for (std::size_t at = 0; at < messages[i].size(); at += at < 16 ? 1 : 7) flip(which, i, at);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

/// What a tunnel puts in the place of the fourth and the fifth record.
using forgery = std::function<message_list(const byte_buffer& fourth, const byte_buffer& fifth)>;

void expect_bad_sequence(const forgery& forge) {
  for (const auto which : {side::role::client, side::role::server}) {
    const auto messages = messages_to(which, long_talk());
    const auto first = static_cast<std::size_t>(std::ranges::find_if(messages, is_record) - messages.begin());
    ASSERT_GT(messages.size(), first + 5);
    pair_under_attack run{long_talk()};
    byte_buffer fourth;
    run.end(which).meddle = [&](std::size_t i, const byte_buffer& message) {
      if (i == first + 3) fourth = message;
      if (i == first + 3) return message_list{};
      return i == first + 4 ? forge(fourth, message) : message_list{message};
    };
    run.all.run(11s);
    EXPECT_EQ(run.end(which).over_because(), record_errc::bad_sequence);
    expect_typed_end(run.client);
    expect_typed_end(run.server);
    EXPECT_FALSE(run.end(which).app.done());
  }
}

TEST(blind_tunnel, a_dropped_record_ends_the_session_at_the_next_one) {
  expect_bad_sequence([](const byte_buffer&, const byte_buffer& fifth) { return message_list{fifth}; });
}

TEST(blind_tunnel, a_repeated_record_ends_the_session) {
  expect_bad_sequence([](const byte_buffer& fourth, const byte_buffer& fifth) {
    return message_list{fourth, fourth, fifth};
  });
}

TEST(blind_tunnel, two_records_that_change_places_end_the_session) {
  expect_bad_sequence([](const byte_buffer& fourth, const byte_buffer& fifth) { return message_list{fifth, fourth}; });
}

std::string hex(byte_view bytes) {
  std::string out;
  for (const auto byte : bytes) {
    for (const auto digit : {std::to_integer<int>(byte) >> 4, std::to_integer<int>(byte) & 15}) {
      out += "0123456789abcdef"[digit];
    }
  }
  return out;
}

TEST(blind_tunnel, nothing_that_it_forwards_contains_content_kinds_calls_or_the_key) {
  world all{42, {.longest_delay = 1ms}};
  const side_options options{.plan = {.streams = 2, .up_bytes = 5000, .down_bytes = 5000, .calls = 3}};
  auto& client = all.add_client(options);
  auto& server = all.add_server(options);
  ASSERT_TRUE(all.run_until_done(client, server));
  ASSERT_EQ(client.sent(), server.received());
  ASSERT_EQ(server.sent(), client.received());

  std::string seen = client.attach_text() + server.attach_text();
  for (const auto* one : {&client, &server}) {
    for (const auto& message : one->sent()) seen += as_text(message);
  }
  const auto shows = [&seen](std::string_view what) { return seen.find(what) != std::string::npos; };
  // The search finds what is there: the channel id travels in the open, and so does the shape of a record.
  EXPECT_TRUE(shows(channel_id));
  EXPECT_TRUE(shows("FSEC"));
  EXPECT_GT(seen.size(), 20'000u);

  const auto key = channel_psk();
  EXPECT_FALSE(shows(as_text(byte_view{key}.first(8))));
  EXPECT_FALSE(shows(encode_base64url(key)));
  EXPECT_FALSE(shows(hex(key)));
  EXPECT_FALSE(shows(secret_kind));
  EXPECT_FALSE(shows(secret_call));
  EXPECT_FALSE(shows(secret_answer));
  EXPECT_FALSE(shows("\"kind\""));
  EXPECT_FALSE(shows("request_id"));
  for (std::size_t stream = 0; stream < options.plan.streams; ++stream) {
    for (const auto& content : {content_up(options.plan, stream), content_down(options.plan, stream)}) {
      for (std::size_t at = 0; at + 8 <= content.size(); at += 101) {
        EXPECT_FALSE(shows(as_text(byte_view{content}.subspan(at, 8))));
      }
    }
  }
}

}  // namespace
}  // namespace flowersec::sim
