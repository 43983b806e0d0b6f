#include "path.h"

#include <algorithm>

namespace flowersec::yamux {
namespace {

constexpr std::size_t frame_room = 16384 + header_bytes;  // what a record carries
// A sender hands over so much ahead of the line, as a socket takes it.
constexpr auto ahead = std::chrono::microseconds{500};

session make(role is, const path_options& options) {
  return *session::create({.is = is, .limits = options.limits, .wide_windows = options.wide_windows});
}

}  // namespace

path::path(const path_options& options)
    : options_(options), client_(make(role::client, options)), server_(make(role::server, options)) {}

std::uint32_t path::upload(std::uint64_t bytes) {
  const auto id = static_cast<std::uint32_t>(*client_.open());
  uploads_[id] = {.to_write = bytes, .to_read = bytes};
  ++unfinished_;
  return id;
}

void path::run(mono_time until) {
  while (unfinished_ > 0) {
    feed();
    send(client_, up_);
    send(server_, down_);
    const auto next = next_time();
    ASSERT_NE(next, mono_time::max()) << "nothing moves any more";
    if (next > until) break;
    now_ = next;
    client_.advance(now_);
    server_.advance(now_);
    deliver(up_, server_);
    deliver(down_, client_);
    drain();
  }
}

mono_time path::next_time() const {
  auto next = mono_time::max();
  for (const auto* over : {&up_, &down_}) {
    if (!over->packets.empty()) next = std::min(next, over->packets.front().arrives);
  }
  if (client_.has_output()) next = std::min(next, up_.busy_until - ahead);
  if (server_.has_output()) next = std::min(next, down_.busy_until - ahead);
  return next;
}

void path::send(session& from, way& over) {
  while (over.busy_until - ahead <= now_) {
    const auto frame = from.next_frame(frame_room);
    if (!frame) return;
    watch(*frame, &from == &server_);
    const std::chrono::duration<double> takes{static_cast<double>(frame->size()) / options_.bytes_per_second};
    over.busy_until = std::max(over.busy_until, now_) + std::chrono::duration_cast<std::chrono::nanoseconds>(takes);
    over.packets.push_back({over.busy_until + options_.one_way_delay, frame->header, frame->body});
  }
}

// Looks at the server's grants and at what the client has left of them.
void path::watch(const outgoing_frame& frame, bool from_server) {
  const auto decoded = decode_header(frame.header);
  if (const auto* data = std::get_if<data_frame>(&*decoded); data != nullptr && !from_server) {
    uploads_.at(static_cast<std::uint32_t>(data->id)).credit -= data->length;
  }
  if (!from_server) return;
  if (std::holds_alternative<ping_frame>(*decoded)) ++pings_;
  if (const auto* update = std::get_if<window_update_frame>(&*decoded)) {
    auto& credit = uploads_.at(static_cast<std::uint32_t>(update->id)).credit;
    credit += update->credit;
    std::uint64_t excess = 0;
    for (const auto& [id, one] : uploads_) {
      excess += static_cast<std::uint64_t>(std::max<std::int64_t>(one.credit - window_bytes, 0));
    }
    most_excess_ = std::max(most_excess_, excess);
  }
}

void path::deliver(way& from, session& to) {
  for (; !from.packets.empty() && from.packets.front().arrives <= now_; from.packets.pop_front()) {
    const auto& first = from.packets.front();
    const auto decoded = decode_header(first.header);
    const auto* ping = std::get_if<ping_frame>(&*decoded);
    if (ping != nullptr && !options_.answers_pings) continue;
    to.receive(first.header);
    to.receive(first.body);
  }
}

// The client writes as long as something may be queued.
void path::feed() {
  for (auto& [id, one] : uploads_) {
    while (one.to_write > 0 && client_.queued_write_bytes(stream_id{id}) < block_.size()) {
      const auto piece = std::min<std::uint64_t>(one.to_write, block_.size());
      ASSERT_TRUE(client_.write(stream_id{id}, byte_view{block_}.first(piece)).has_value());
      one.to_write -= piece;
      if (one.to_write == 0) {
        ASSERT_TRUE(client_.close_write(stream_id{id}).has_value());
      }
    }
  }
  while (client_.poll_event()) {
  }
}

// The server reads what is there.
void path::drain() {
  while (server_.poll_event()) {
  }
  for (auto& [id, one] : uploads_) {
    if (one.to_read == 0) continue;
    for (auto got = server_.read(stream_id{id}, sink_); got; got = server_.read(stream_id{id}, sink_)) {
      if (!*got) {
        ASSERT_EQ(server_.cancel_read(stream_id{id}), 0U);
        break;
      }
      one.read += **got;
      one.to_read -= **got;
      if (one.to_read > 0) continue;
      one.finished = now_;
      --unfinished_;
    }
  }
}

}  // namespace flowersec::yamux
