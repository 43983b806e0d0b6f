#include "fixture.h"

#include <variant>

namespace flowersec::yamux {
namespace {

std::string id_text(stream_id id) { return std::to_string(static_cast<std::uint32_t>(id)); }

struct event_printer {
  std::string operator()(const stream_opened& e) const { return "opened " + id_text(e.id); }
  std::string operator()(const stream_readable& e) const { return "readable " + id_text(e.id); }
  std::string operator()(const read_done& e) const { return "read " + id_text(e.id) + " " + std::to_string(e.bytes); }
  std::string operator()(const peer_closed& e) const { return "peer_closed " + id_text(e.id); }
  std::string operator()(const writes_done& e) const {
    return "written " + id_text(e.id) + " " + std::to_string(e.count);
  }
  std::string operator()(const stream_finished& e) const { return "finished " + id_text(e.id); }
  std::string operator()(const stream_failed& e) const { return "failed " + id_text(e.id) + ": " + describe(e.why); }
  std::string operator()(const streams_refused& e) const {
    static constexpr const char* reasons[] = {"parity", "inbound", "active"};
    std::string text = "refused " + std::to_string(e.count) + ": " + reasons[static_cast<std::size_t>(e.why)];
    return e.limit ? text + " " + std::to_string(*e.limit) : text;
  }
  std::string operator()(const probe_answered& e) const { return "probed " + std::to_string(e.opaque); }
  std::string operator()(const session_ended& e) const { return std::string{"ended: "} + describe(e.why); }
};

std::string text_of(const frame& f) {
  return "{kind " + std::to_string(f.kind) + " flags " + std::to_string(f.flags) + " id " + std::to_string(f.id) +
         " length " + std::to_string(f.length) + "}";
}

std::string text_of(const std::vector<frame>& frames) {
  std::string text;
  for (const auto& f : frames) text += text_of(f) + " ";
  return text;
}

}  // namespace

std::string text_of(const event& what) { return std::visit(event_printer{}, what); }

byte_buffer pattern(std::size_t bytes, std::size_t from) {
  byte_buffer out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    const auto at = from + i;
    out[i] = static_cast<std::byte>((at ^ (at >> 8U) ^ (at >> 16U)) & 0xffU);
  }
  return out;
}

void drain_output(session& from, byte_buffer& into, std::size_t max_frame) {
  while (const auto out = from.next_frame(max_frame)) {
    append(into, out->header);
    append(into, out->body);
  }
}

std::vector<std::string> drain_events(session& from) {
  std::vector<std::string> events;
  while (const auto e = from.poll_event()) events.push_back(text_of(*e));
  return events;
}

fixture& fixture::expect_frames(const std::vector<frame>& expected) {
  byte_buffer sent;
  drain_output(session_, sent);
  const auto frames = wire::frames_in(sent);
  EXPECT_EQ(frames, expected) << "sent " << text_of(frames) << "\nexpected " << text_of(expected);
  EXPECT_FALSE(session_.has_output());
  return *this;
}

fixture& fixture::expect_events(const std::vector<std::string>& expected) {
  EXPECT_EQ(drain_events(session_), expected);
  return *this;
}

fixture& fixture::expect_ended(yamux_errc why) {
  EXPECT_TRUE(session_.ended().has_value()) << "expected: " << describe(why);
  if (session_.ended()) {
    EXPECT_EQ(*session_.ended(), why) << describe(*session_.ended());
  }
  const auto events = drain_events(session_);
  EXPECT_FALSE(events.empty());
  if (!events.empty()) {
    EXPECT_EQ(events.back(), std::string{"ended: "} + describe(why));
  }
  EXPECT_FALSE(session_.next_frame(1U << 20U).has_value()) << "a session that ended must not send";
  EXPECT_EQ(session_.active_streams(), 0U);
  EXPECT_EQ(session_.receive_memory_bytes(), 0U);
  return *this;
}

fixture& fixture::expect_alive() {
  EXPECT_FALSE(session_.ended().has_value()) << describe(*session_.ended());
  return *this;
}

stream_id fixture::opened() {
  const auto id = session_.open();
  EXPECT_TRUE(id.has_value());
  forget();
  return *id;
}

stream_id fixture::accepted(std::uint32_t id) {
  peer(wire::open_of(id));
  expect_alive();
  forget();
  return stream_id{id};
}

void fixture::forget() {
  byte_buffer sent;
  drain_output(session_, sent);
  (void)drain_events(session_);
}

result<byte_buffer> fixture::read(stream_id id, std::size_t max_bytes) {
  byte_buffer into(max_bytes);
  const auto got = session_.read(id, into);
  if (!got) return got.error();
  if (!*got) {
    EXPECT_EQ(session_.cancel_read(id), 0U);
    return byte_buffer{};
  }
  into.resize(**got);
  return into;
}

}  // namespace flowersec::yamux
