// What the application asks of streams, what it is told, and how streams end.
#include <algorithm>
#include <limits>
#include <utility>

#include "core.h"

namespace flowersec::yamux {
namespace {

template <class Tag>
void link(stream_list<Tag>& list, stream_state& stream, bool wanted) {
  auto& hook = static_cast<list_hook<Tag>&>(stream);
  if (wanted == hook.is_linked()) return;
  if (wanted) {
    list.push_back(stream);
  } else {
    hook.unlink();
  }
}

// Every stream's first window is the ordinary budget's, what goes beyond it is the wide one's.
std::size_t unread_limit(const session_options& options) noexcept {
  const auto ordinary = options.limits.max_session_receive_bytes;
  const auto wide = options.wide_windows ? options.limits.wide_window_session_bytes : 0;
  return ordinary + std::min(wide, std::numeric_limits<std::size_t>::max() - ordinary);
}

}  // namespace

session::core::core(const session_options& options) noexcept
    : limits_(options.limits),
      role_(options.is),
      max_unread_bytes_(unread_limit(options)),
      next_id_(options.first_id ? static_cast<std::uint32_t>(*options.first_id) : (options.is == role::client ? 1 : 2)),
      windows_(options.wide_windows, options.limits.wide_window_session_bytes) {}

session::core::~core() = default;

// ---- the application's calls

result<stream_id> session::core::open() {
  if (ended_) return *ended_;
  if (active_ >= limits_.max_active_streams) return yamux_errc::resource_exhausted;
  if (next_id_ > std::numeric_limits<std::uint32_t>::max()) return yamux_errc::ids_exhausted;
  const stream_id id{static_cast<std::uint32_t>(next_id_)};
  next_id_ += 2;
  auto& stream = add(id, false);
  stream.syn_due = true;
  settle(stream);
  return id;
}

result<std::optional<std::size_t>> session::core::read(stream_id id, mutable_byte_view into) {
  auto* stream = find(id);
  if (stream != nullptr && stream->is == stream_state::phase::finished) return yamux_errc::end_of_stream;
  if (const auto open = find_open(id); !open) return open.error();
  if (!stream->reader.empty()) return yamux_errc::read_in_progress;
  if (into.empty()) return std::optional<std::size_t>{0};

  if (stream->unread.empty()) {
    if (stream->fin_received) return yamux_errc::end_of_stream;
    stream->reader = into;
    stream->reader_filled = 0;
    return std::optional<std::size_t>{};
  }
  const auto bytes = stream->unread.read(into);
  unread_bytes_ -= bytes;
  stream->readable_due = false;
  on_consumed(*stream, bytes);
  finish_if_done(*stream);
  settle(*stream);
  return std::optional<std::size_t>{bytes};
}

std::size_t session::core::cancel_read(stream_id id) noexcept {
  auto* stream = find(id);
  if (stream == nullptr || stream->reader.empty()) return 0;
  stream->reader = {};
  stream->read_done_due = false;
  stream->readable_due = !stream->unread.empty();
  const auto filled = std::exchange(stream->reader_filled, 0);
  finish_if_done(*stream);
  settle(*stream);
  return filled;
}

result<void> session::core::write(stream_id id, byte_view body) {
  const auto open = find_open(id);
  if (!open) return open.error();
  auto& stream = **open;
  if (stream.fin_wanted) return yamux_errc::write_closed;
  if (body.size() > limits_.max_stream_write_queue_bytes - stream.writes.size_bytes()) {
    return yamux_errc::resource_exhausted;
  }
  stream.writes.push(body);
  queued_write_bytes_ += body.size();
  stream.writes_done += stream.writes.retire();
  settle(stream);
  return {};
}

std::size_t session::core::cancel_writes(stream_id id) noexcept {
  auto* stream = find(id);
  if (stream == nullptr || !stream->is_open()) return 0;
  const bool incomplete = !stream->writes.empty();
  const auto sent = drop_writes(*stream);
  // FIN would tell the peer that it has everything.
  if (incomplete && stream->fin_wanted) fail(*stream, yamux_errc::reset_locally, true);
  settle(*stream);
  return sent;
}

result<void> session::core::close_write(stream_id id) {
  if (const auto* stream = find(id); stream != nullptr && stream->is == stream_state::phase::finished) return {};
  const auto open = find_open(id);
  if (!open) return open.error();
  (*open)->fin_wanted = true;
  settle(**open);
  return {};
}

void session::core::reset(stream_id id) {
  auto* stream = find(id);
  if (stream == nullptr || !stream->is_open()) return;
  fail(*stream, yamux_errc::reset_locally, true);
  settle(*stream);
}

result<std::uint32_t> session::core::probe() {
  if (ended_) return *ended_;
  // A ping that only the windows asked for is not joined: it may have left long ago.
  if (!probe_outstanding_ || !probe_wanted_) ask_peer(true);
  return last_probe_;
}

void session::core::ask_peer(bool for_application) {
  if (++last_probe_ == 0) ++last_probe_;
  probe_outstanding_ = true;
  probe_wanted_ = for_application;
  probe_due_ = true;
  probe_asked_ = now_;
}

std::size_t session::core::receive_memory_bytes() const noexcept {
  std::size_t sum = 0;
  for (const auto& [id, stream] : streams_) sum += stream->unread.memory_bytes();
  return sum;
}

std::size_t session::core::queued_write_bytes(stream_id id) const noexcept {
  const auto* stream = find(id);
  return stream == nullptr ? 0 : stream->writes.size_bytes();
}

// ---- events

std::optional<event> session::core::poll_event() {
  if (const auto answered = std::exchange(probe_answered_, std::nullopt)) return probe_answered{*answered};
  if (!events_.empty()) {
    auto& stream = events_.front();
    const auto taken = take_event(stream);
    settle(stream);
    return taken;
  }
  if (const auto refused = take_refusals()) return *refused;
  if (ended_ && !std::exchange(end_reported_, true)) return session_ended{*ended_};
  return std::nullopt;
}

std::optional<streams_refused> session::core::take_refusals() noexcept {
  for (const auto why : {refusal::wrong_parity, refusal::inbound_streams, refusal::active_streams}) {
    const auto count = std::exchange(refused_[static_cast<std::size_t>(why)], 0);
    if (count == 0) continue;
    if (why == refusal::wrong_parity) return streams_refused{why, count, std::nullopt};
    const bool inbound = why == refusal::inbound_streams;
    return streams_refused{why, count, inbound ? limits_.max_inbound_streams : limits_.max_active_streams};
  }
  return std::nullopt;
}

event session::core::take_event(stream_state& stream) {
  if (std::exchange(stream.opened_due, false)) return stream_opened{stream.id};
  if (std::exchange(stream.readable_due, false)) return stream_readable{stream.id};
  if (std::exchange(stream.read_done_due, false)) {
    stream.reader = {};
    return read_done{stream.id, std::exchange(stream.reader_filled, 0)};
  }
  if (std::exchange(stream.peer_closed_due, false)) return peer_closed{stream.id};
  if (stream.writes_done > 0) return writes_done{stream.id, std::exchange(stream.writes_done, 0)};
  stream.end_due = false;
  if (stream.is == stream_state::phase::finished) return stream_finished{stream.id};
  return stream_failed{stream.id, stream.why};
}

// ---- the life of a stream

stream_state* session::core::find(stream_id id) const noexcept {
  const auto found = streams_.find(static_cast<std::uint32_t>(id));
  return found == streams_.end() ? nullptr : found->second.get();
}

result<stream_state*> session::core::find_open(stream_id id) const noexcept {
  auto* stream = find(id);
  if (stream != nullptr && stream->is_open()) return stream;
  if (stream != nullptr && stream->is == stream_state::phase::failed) return stream->why;
  if (ended_) return *ended_;
  return stream != nullptr ? yamux_errc::write_closed : yamux_errc::unknown_stream;
}

stream_state& session::core::add(stream_id id, bool inbound) {
  const auto key = static_cast<std::uint32_t>(id);
  auto& stream =
      *streams_.emplace(key, std::make_unique<stream_state>(id, inbound, windows_.send_limit())).first->second;
  ++active_;
  if (inbound) ++inbound_;
  return stream;
}

// Whether a SYN is for a stream that lives must not depend on how far we are with telling of the one before: what is
// left of that, a RST and events, goes on without its id, and in front of whatever the new one has to say.
void session::core::give_up_id(stream_id id) {
  const auto found = streams_.find(static_cast<std::uint32_t>(id));
  if (found == streams_.end()) return;
  departed_.push_back(std::move(found->second));
  streams_.erase(found);
}

void session::core::fail(stream_state& stream, yamux_errc why, bool tell_peer) {
  // A peer that has not seen the SYN, or has seen both FINs, has nothing to forget; and a runner that never heard of
  // the stream has nobody to tell.
  stream.rst_due = tell_peer && !stream.syn_due && !(stream.fin_sent && stream.fin_received);
  stream.end_due = !stream.opened_due;
  stream.is = stream_state::phase::failed;
  stream.why = why;

  unread_bytes_ -= stream.unread.size();
  stream.unread.clear();
  windows_.give_back(stream.receiving, 0);
  stream.reader = {};
  stream.reader_filled = 0;
  (void)drop_writes(stream);
  stream.syn_due = stream.ack_due = stream.credit_due = false;
  stream.opened_due = stream.readable_due = stream.read_done_due = stream.peer_closed_due = false;
  if (!stream.end_due) stream.writes_done = 0;
}

std::size_t session::core::drop_writes(stream_state& stream) noexcept {
  queued_write_bytes_ -= stream.writes.size_bytes();
  return stream.writes.clear();
}

void session::core::finish_if_done(stream_state& stream) {
  if (!stream.is_open() || !stream.fin_received || !stream.fin_sent || !stream.unread.empty()) return;
  stream.is = stream_state::phase::finished;
  stream.end_due = true;
}

void session::core::on_consumed(stream_state& stream, std::size_t bytes) {
  if (stream.fin_received) return windows_.give_back(stream.receiving, stream.unread.size());
  stream.credit_due = windows_.consume(stream.receiving, bytes, stream.unread.size(), now_);
  if (windows_.take_question() && !probe_outstanding_) ask_peer(false);
}

void session::core::settle(stream_state& stream) {
  link(control_, stream, stream.control_is_due());
  link(data_, stream, stream.data_is_due());
  link(events_, stream, stream.event_is_due());

  if (stream.counted && !stream.is_alive()) {
    stream.counted = false;
    --active_;
    if (stream.inbound) --inbound_;
  }
  if (stream.is_open() || stream.rst_due || stream.event_is_due()) return;
  if (body_target_ == &stream) body_target_ = nullptr;
  const auto found = streams_.find(static_cast<std::uint32_t>(stream.id));
  if (found != streams_.end() && found->second.get() == &stream) {
    streams_.erase(found);
  } else {
    std::erase_if(departed_, [&stream](const auto& each) { return each.get() == &stream; });
  }
}

}  // namespace flowersec::yamux
