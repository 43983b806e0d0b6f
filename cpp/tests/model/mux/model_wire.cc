// Frames, as one side sends them and as the other gets them.
#include "model.h"

#include <algorithm>

namespace flowersec::mux {
namespace {

using kind = notice::kind;

constexpr std::uint8_t data = 0;
constexpr std::uint8_t update = 1;
constexpr std::uint8_t ping = 2;
constexpr std::uint16_t syn = 1;
constexpr std::uint16_t ack = 2;
constexpr std::uint16_t fin = 4;
constexpr std::uint16_t rst = 8;

std::string named(std::uint32_t id) { return "stream " + std::to_string(id) + ": "; }

}  // namespace

frame_header frame_cursor::decode() const {
  const auto* const at = partial_.data();
  return {.kind = load_be<std::uint8_t>(at + 1),
          .flags = load_be<std::uint16_t>(at + 2),
          .id = load_be<std::uint32_t>(at + 4),
          .length = load_be<std::uint32_t>(at + 8)};
}

// ---- sent

void model::on_sent(side who, byte_view bytes) {
  require(bytes.empty() || !at(who).ended, who, "sends after its end");
  at(who).output.feed(
      bytes, [&](const frame_header& frame) { on_sent_header(who, frame); },
      [&](const frame_header& frame, byte_view slice, bool) { on_sent_body(who, frame, slice); });
}

void model::on_sent_header(side who, const frame_header& frame) {
  if (broken_) return;
  if (frame.kind == ping) return on_sent_ping(who, frame);
  require(frame.kind == data || frame.kind == update, who, "sent a frame of kind " + std::to_string(frame.kind));
  if (broken_) return;
  if ((frame.flags & rst) != 0) {
    require(frame.kind == update && frame.length == 0, who, named(frame.id) + "RST with something");
    return on_sent_reset(who, frame.id);
  }
  const auto found = at(who).streams.find(frame.id);
  const bool alive = found != at(who).streams.end() && found->second.is_open();
  require(alive, who, named(frame.id) + "a frame for a stream that is gone");
  if (!alive) return;
  auto& stream = found->second;
  require(!stream.fin_sent || (frame.kind == update && (frame.flags & fin) == 0), who,
          named(frame.id) + "a frame behind FIN");
  if (frame.kind == data) {
    require(frame.length <= stream.credit, who, named(frame.id) + "more than its credit");
    require(stream.sent + frame.length <= stream.accepted, who, named(frame.id) + "more than was written");
    require(frame.length <= at(who).limits.preferred_outbound_frame_bytes, who, named(frame.id) + "a frame too large");
    require(frame.length > 0 || frame.flags != 0, who, named(frame.id) + "a frame for nothing");
    if (broken_) return;
    stream.credit -= frame.length;
  } else {
    require(frame.length == 0 || frame.flags == 0, who, named(frame.id) + "credit together with flags");
    require(frame.length > 0 || frame.flags != 0, who, named(frame.id) + "credit of nothing");
    require(stream.granted + stream.unread() + frame.length <= options_.window, who,
            named(frame.id) + "granted more than the window");
    stream.granted += frame.length;
  }
  on_sent_flags(who, frame, stream);
}

void model::on_sent_flags(side who, const frame_header& frame, view& stream) {
  const bool has_syn = (frame.flags & syn) != 0;
  const bool has_ack = (frame.flags & ack) != 0;
  require(has_syn == stream.syn_due, who, named(frame.id) + (has_syn ? "SYN twice" : "a frame before SYN"));
  require(!has_ack || stream.ack_due, who, named(frame.id) + "ACK that is not due");
  stream.syn_due = false;
  if (has_ack) stream.ack_due = false;
  if ((frame.flags & fin) == 0) return;
  const auto with_it = stream.sent + (frame.kind == data ? frame.length : 0);
  require(stream.fin_wanted && with_it == stream.accepted, who, named(frame.id) + "FIN ahead of data");
  stream.fin_sent = true;
  if (frame.kind == update || frame.length == 0) finish_if_done(who, frame.id, stream);
}

void model::on_sent_reset(side who, std::uint32_t id) {
  auto& mine = at(who);
  const auto found = mine.streams.find(id);
  if (found != mine.streams.end() && found->second.rst_due) {
    found->second.rst_due = false;
    return;
  }
  const auto refusal = mine.refusals.find(id);
  require(refusal != mine.refusals.end(), who, named(id) + "RST that nobody asked for");
  if (refusal != mine.refusals.end()) mine.refusals.erase(refusal);
}

void model::on_sent_ping(side who, const frame_header& frame) {
  auto& mine = at(who);
  require(frame.id == 0, who, "a ping on a stream");
  if ((frame.flags & syn) != 0) {
    require(mine.ping_due, who, "a ping that nobody asked for");
    mine.ping_due = false;
    mine.ping_out = true;
    mine.ping_number = frame.length;
    return;
  }
  const auto found = std::ranges::find(mine.replies, frame.length);
  require(found != mine.replies.end(), who, "an answer to no ping");
  if (found != mine.replies.end()) mine.replies.erase(found);
}

void model::on_sent_body(side who, const frame_header& frame, byte_view slice) {
  if (broken_) return;
  auto& stream = at(who).streams.at(frame.id);
  for (std::size_t i = 0; i < slice.size(); ++i) {
    if (slice[i] == pattern_at(who, frame.id, stream.sent + i)) continue;
    return require(false, who, named(frame.id) + "sent wrong bytes at " + std::to_string(stream.sent + i));
  }
  stream.sent += slice.size();
  while (!stream.write_ends.empty() && stream.write_ends.front() <= stream.sent) {
    stream.write_begins.pop_front();
    stream.write_ends.pop_front();
  }
  if (stream.sent == stream.accepted) finish_if_done(who, frame.id, stream);
}

// ---- given

void model::on_given(side who, byte_view bytes) {
  at(who).input.feed(
      bytes, [&](const frame_header& frame) { on_given_header(who, frame); },
      [&](const frame_header& frame, byte_view slice, bool last) { on_given_body(who, frame, slice, last); });
}

void model::on_given_header(side who, const frame_header& frame) {
  auto& mine = at(who);
  if (broken_ || mine.ended) return;
  if (frame.kind == ping) return on_given_ping(who, frame);
  if ((frame.flags & syn) != 0) {
    const auto& limits = mine.limits;
    if (mine.inbound() >= limits.max_inbound_streams || mine.active() >= limits.max_active_streams) {
      mine.refusals.insert(frame.id);
      return;
    }
    mine.streams[frame.id] = {.ack_due = true, .credit = options_.window, .granted = options_.window};
    mine.fresh.insert(frame.id);
    mine.expected.insert({kind::opened, frame.id});
  }
  const auto found = mine.streams.find(frame.id);
  if (found == mine.streams.end() || !found->second.is_open()) return;
  auto& stream = found->second;
  if ((frame.flags & rst) != 0) {
    // What a read that stays got in this request is gone with the stream.
    std::erase_if(mine.expected, [&](const notice& each) { return each.is == kind::done && each.id == frame.id; });
    return fail(who, frame.id, stream);
  }
  if (frame.kind == update) stream.credit += frame.length;
  if ((frame.flags & fin) != 0 && (frame.kind == update || frame.length == 0)) on_given_fin(who, frame.id, stream);
}

void model::on_given_ping(side who, const frame_header& frame) {
  auto& mine = at(who);
  if ((frame.flags & syn) != 0) {
    mine.replies.push_back(frame.length);
    return;
  }
  if (!mine.ping_out || mine.ping_number != frame.length) return;
  mine.ping_out = false;
  mine.expected.insert({kind::pong});
}

void model::on_given_body(side who, const frame_header& frame, byte_view slice, bool last) {
  auto& mine = at(who);
  if (broken_ || mine.ended) return;
  const auto found = mine.streams.find(frame.id);
  if (found == mine.streams.end() || !found->second.is_open()) return;
  auto& stream = found->second;
  stream.arrived += slice.size();
  stream.granted -= slice.size();
  serve_wait(who, frame.id, stream);
  if (mine.unread() > mine.limits.max_session_receive_bytes) return end(who);
  if (last && (frame.flags & fin) != 0) on_given_fin(who, frame.id, stream);
}

void model::on_given_fin(side who, std::uint32_t id, view& stream) {
  stream.fin_arrived = true;
  serve_wait(who, id, stream);
  finish_if_done(who, id, stream);
}

}  // namespace flowersec::mux
