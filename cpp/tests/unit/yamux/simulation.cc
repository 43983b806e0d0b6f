#include "simulation.h"

#include <variant>

namespace flowersec::yamux {
namespace {

constexpr std::size_t max_stream_bytes = 700000;  // more than two windows
constexpr std::size_t max_offset = 1U << 20U;

const byte_buffer& all_bytes() {
  static const auto bytes = pattern(max_offset + max_stream_bytes);
  return bytes;
}

}  // namespace

void wire_checker::on_frames(int sender, byte_view bytes) {
  for (const auto& f : wire::frames_in(bytes)) {
    if (f.kind != wire::data && f.kind != wire::window_update) continue;
    auto& mine = halves_[sender][f.id];
    auto& theirs = halves_[1 - sender][f.id];
    EXPECT_FALSE(mine.reset) << "a frame behind RST on " << f.id;
    if (f.kind == wire::data) {
      EXPECT_EQ(mine.fins, 0) << "data behind FIN on " << f.id;
      EXPECT_GT(f.length, 0U);
      mine.credit -= f.length;
      EXPECT_GE(mine.credit, 0) << "more than the window on " << f.id;
    } else if (f.flags == wire::none) {
      theirs.credit += f.length;
      EXPECT_GE(f.length, 131072U);
      EXPECT_LE(theirs.credit, widest_) << "more than the window granted on " << f.id;
      widest_seen_ = std::max(widest_seen_, theirs.credit);
      check_budget(1 - sender);
    } else {
      EXPECT_EQ(f.length, 0U) << "flags " << f.flags << " on " << f.id;
    }
    if ((f.flags & wire::syn) != 0) ++mine.syns;
    if ((f.flags & wire::ack) != 0) ++mine.acks;
    if ((f.flags & wire::fin) != 0) ++mine.fins;
    if ((f.flags & wire::rst) != 0) mine.reset = true;
    const bool opener = (f.id % 2 == 1) == (sender == 0);
    EXPECT_EQ(mine.syns, opener ? 1 : 0) << f.id;
    EXPECT_LE(mine.acks, opener ? 0 : 1) << f.id;
    EXPECT_LE(mine.fins, 1) << f.id;
  }
}

void wire_checker::check_budget(int sender) const {
  std::int64_t excess = 0;
  for (const auto& [id, one] : halves_[sender]) {
    // Of an ended stream nothing is left to be used.
    const auto& other = halves_[1 - sender].find(id);
    const bool dead = one.reset || one.fins > 0 || (other != halves_[1 - sender].end() && other->second.reset);
    if (!dead) excess += std::max<std::int64_t>(one.credit - 262144, 0);
  }
  EXPECT_LE(excess, budgets_[static_cast<std::size_t>(sender)]);
}

sim_peer::sim_peer(const session_options& options, std::uint64_t seed, bool with_resets)
    : machine_(*session::create(options)),
      is_client_(options.is == role::client),
      random_(seed),
      with_resets_(with_resets) {}

std::size_t sim_peer::offset_of(std::uint32_t id, bool from_client) {
  return (id * std::size_t{7919} + (from_client ? 104729 : 0)) % max_offset;
}

byte_view sim_peer::outgoing_bytes(std::uint32_t id, std::size_t from, std::size_t count) const {
  return byte_view{all_bytes()}.subspan(offset_of(id, is_client_) + from, count);
}

void sim_peer::random_step() {
  if (streams_.empty() || below(20) == 0) return try_open();
  auto at = streams_.begin();
  std::advance(at, below(streams_.size()));
  auto& [id, stream] = *at;
  switch (below(8)) {
    case 0:
    case 1:
    case 2:
      return try_write(id, stream);
    case 3:
    case 4:
    case 5:
      return try_read(id, stream);
    case 6:
      (void)machine_.probe();
      return;
    default:
      if (with_resets_ && below(4) == 0) return machine_.reset(stream_id{id});
      if (below(4) == 0 && !stream.closed) {
        stream.closed = true;
        // A stream that was reset a moment ago refuses it.
        EXPECT_TRUE(machine_.close_write(stream_id{id}).has_value() || with_resets_);
      }
  }
}

void sim_peer::wind_down() {
  for (auto& [id, stream] : streams_) {
    if (!stream.closed) {
      stream.closed = true;
      (void)machine_.close_write(stream_id{id});
    }
    try_read(id, stream);
  }
}

void sim_peer::try_open() {
  if (const auto id = machine_.open()) {
    streams_[static_cast<std::uint32_t>(*id)] = {};
  } else {
    EXPECT_EQ(id.error(), yamux_errc::resource_exhausted);
  }
}

void sim_peer::try_write(std::uint32_t id, sim_stream& stream) {
  if (stream.closed) return;
  const auto bytes = std::min(below(100000), max_stream_bytes - stream.queued);
  const auto queued = machine_.write(stream_id{id}, outgoing_bytes(id, stream.queued, bytes));
  if (queued) {
    stream.queued += bytes;
  } else {
    EXPECT_TRUE(queued.error() == yamux_errc::resource_exhausted || queued.error() == yamux_errc::reset_by_peer ||
                queued.error() == yamux_errc::reset_locally)
        << queued.error().message();
  }
}

void sim_peer::try_read(std::uint32_t id, sim_stream& stream) {
  if (stream.reading || stream.peer_done) return;
  stream.reader.resize(1 + below(50000));
  const auto got = machine_.read(stream_id{id}, stream.reader);
  if (!got) {
    stream.peer_done = got.error() == yamux_errc::end_of_stream;
  } else if (!*got) {
    stream.reading = true;
  } else {
    check(id, stream, byte_view{stream.reader}.first(**got));
  }
}

void sim_peer::check(std::uint32_t id, sim_stream& stream, byte_view bytes) {
  const auto expected = byte_view{all_bytes()}.subspan(offset_of(id, !is_client_) + stream.read, bytes.size());
  EXPECT_TRUE(std::ranges::equal(bytes, expected)) << "stream " << id << " at " << stream.read;
  stream.read += bytes.size();
  bytes_read_ += bytes.size();
}

void sim_peer::on_events() {
  while (const auto e = machine_.poll_event()) {
    std::visit([this](const auto& what) { on(what); }, *e);
  }
}

void sim_peer::on(const stream_opened& e) { streams_[static_cast<std::uint32_t>(e.id)] = {}; }

void sim_peer::on(const read_done& e) {
  const auto id = static_cast<std::uint32_t>(e.id);
  auto& stream = streams_.at(id);
  EXPECT_TRUE(stream.reading);
  stream.reading = false;
  stream.peer_done = e.bytes == 0;
  check(id, stream, byte_view{stream.reader}.first(e.bytes));
}

void sim_peer::on(const stream_finished& e) {
  ++finished_;
  streams_.erase(static_cast<std::uint32_t>(e.id));
}

void sim_peer::on(const stream_failed& e) {
  EXPECT_TRUE(with_resets_ || e.why == yamux_errc::reset_by_peer) << describe(e.why);
  ++failed_;
  streams_.erase(static_cast<std::uint32_t>(e.id));
}

void sim_peer::on(const session_ended& e) { ADD_FAILURE() << describe(e.why); }

bool sim_peer::is_quiet() const { return streams_.empty(); }

void sim_peer::send(byte_buffer& pipe, std::size_t max_bytes, wire_checker& checker) {
  const auto before = pipe.size();
  while (const auto out = machine_.next_frame(max_bytes - (pipe.size() - before))) {
    append(pipe, out->header);
    append(pipe, out->body);
    if (pipe.size() - before >= max_bytes) break;
  }
  checker.on_frames(is_client_ ? 0 : 1, byte_view{pipe}.subspan(before));
}

}  // namespace flowersec::yamux
