// The link's streams: reads, writes, half-close, reset, cancellation.
#include <algorithm>
#include <boost/asio/error.hpp>

#include "flowersec/record/errc.h"
#include "link_impl.h"
#include "rpc_calling.h"

namespace flowersec::session {
namespace {

namespace net_error = boost::asio::error;

// One write takes at most this much, so that cancelling and reporting stay prompt; the caller's next one follows.
constexpr std::size_t max_write_some_bytes = 262144;
// And at most this part of what is left of the session's budget, so that no number of slow streams uses it up.
constexpr std::size_t budget_share = 16;

}  // namespace

void link::read(stream_id id, mutable_byte_view into, completion<error_code, std::size_t> done) {
  const auto serial = cancellable(done, [id](link& self, std::uint64_t mine) {
    auto* entry = self.find(id);
    if (entry != nullptr && entry->reading && entry->reading->serial == mine) self.cancel_read(id, *entry);
  });
  on_strand([id, into, op = read_op{serial, std::move(done)}](link& self) mutable {
    self.start_read(id, into, std::move(op));
  });
}

void link::start_read(stream_id id, mutable_byte_view into, read_op op) {
  auto* entry = find(id);
  if (entry == nullptr) return op.done.complete(net_error::connection_reset, 0);
  if (entry->reading) return op.done.complete(net_error::already_started, 0);
  if (into.empty()) return op.done.complete({}, 0);
  if (entry->ended) return op.done.complete(entry->ended, 0);
  const auto got = machine_.read(id, into, now());
  if (!got) {
    const bool at_end = got.error() == make_error_code(yamux::yamux_errc::end_of_stream);
    op.done.complete(at_end ? error_code{net_error::eof} : error_code{net_error::connection_reset}, 0);
  } else if (*got) {
    op.done.complete({}, **got);
  } else {
    entry->reading = std::move(op);
    return;  // nothing changed that the peer must learn
  }
  kick();
}

void link::on_stream_event(const yamux::read_done& event) {
  auto* entry = find(event.id);
  if (entry == nullptr) return;
  if (entry->channel) return entry->channel->on_readable();
  finish_read(*entry, event.bytes == 0 ? error_code{net_error::eof} : error_code{}, event.bytes);
}

void link::finish_read(stream_entry& entry, error_code failed, std::size_t bytes) {
  if (!entry.reading) return;
  auto done = std::move(entry.reading->done);
  entry.reading.reset();
  done.complete(failed, bytes);
}

void link::cancel_read(stream_id id, stream_entry& entry) {
  if (!entry.reading) return;
  const auto bytes = machine_.cancel_read(id);
  finish_read(entry, bytes > 0 ? error_code{} : error_code{net_error::operation_aborted}, bytes);
  kick();
}

void link::write(stream_id id, const write_buffers& from, completion<error_code, std::size_t> done) {
  const auto serial = cancellable(done, [id](link& self, std::uint64_t mine) {
    auto* entry = self.find(id);
    if (entry != nullptr && entry->writing && entry->writing->serial == mine) self.cancel_write(id, *entry);
  });
  on_strand([id, from, op = write_op{.serial = serial, .done = std::move(done)}](link& self) mutable {
    self.start_write(id, from, std::move(op));
  });
}

void link::start_write(stream_id id, const write_buffers& from, write_op op) {
  auto* entry = find(id);
  if (entry == nullptr) return op.done.complete(net_error::connection_reset, 0);
  if (entry->writing) return op.done.complete(net_error::already_started, 0);
  if (entry->send_closed) return op.done.complete(net_error::shut_down, 0);
  if (entry->ended) return op.done.complete(net_error::connection_reset, 0);
  if (from.count == 0) return op.done.complete({}, 0);
  static_cast<void>(begin_write(id, *entry, from, std::move(op)));
  kick();
}

// Takes what fits, so that no limit makes a healthy stream fail. Whether anything was taken.
bool link::begin_write(stream_id id, stream_entry& entry, const write_buffers& from, write_op op) {
  const auto session_room = machine_.outbound_room();
  const auto stream_room = machine_.outbound_room(id);
  if (session_room == 0) {
    op.done.complete(named(make_error_code(record::record_errc::outbound_overflow)), 0);
    return false;
  }
  if (stream_room == 0) {  // the hello is in the way
    op.waiting = std::make_unique<write_buffers>(from);
    entry.writing = std::move(op);
    waiting_writers_.push_back(id);
    return false;
  }
  auto room = std::min({max_write_some_bytes, stream_room, (session_room + budget_share - 1) / budget_share});
  for (std::size_t i = 0; i < from.count && room > 0; ++i) {
    const auto piece = from.pieces[i].first(std::min(from.pieces[i].size(), room));
    if (!machine_.write(id, piece, now())) break;
    op.piece_bytes[op.pieces++] = piece.size();
    room -= piece.size();
  }
  if (op.pieces == 0) {
    op.done.complete(net_error::connection_reset, 0);
    return false;
  }
  entry.writing = std::move(op);
  return true;
}

bool link::resume_writes() {
  bool any = false;
  for (const auto id : std::exchange(waiting_writers_, {})) {
    auto* entry = find(id);
    if (entry == nullptr || !entry->writing || !entry->writing->waiting) continue;
    auto op = std::move(*entry->writing);
    entry->writing.reset();
    const auto from = std::exchange(op.waiting, nullptr);
    const bool begun = begin_write(id, *entry, *from, std::move(op));
    any = any || begun;
    // Closing had to wait for it.
    if (begun && entry->send_closed) static_cast<void>(machine_.close_write(id, now()));
    if (!entry->writing && entry->send_closed) machine_.reset(id, now());
  }
  return any;
}

void link::on_stream_event(const yamux::writes_done& event) {
  auto* entry = find(event.id);
  if (entry == nullptr) return;
  if (entry->channel) return entry->channel->on_written(event.count);
  if (!entry->writing) return;
  entry->writing->pieces_done += event.count;
  if (entry->writing->pieces_done >= entry->writing->pieces) finish_write(*entry, {});
}

void link::finish_write(stream_entry& entry, error_code failed) {
  if (!entry.writing) return;
  auto op = std::move(*entry.writing);
  entry.writing.reset();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < op.pieces_done; ++i) bytes += op.piece_bytes[i];
  op.done.complete(failed, bytes);
}

void link::cancel_write(stream_id id, stream_entry& entry) {
  if (!entry.writing) return;
  auto& op = *entry.writing;
  const bool waits = op.waiting != nullptr;
  // What is out already must be reported: the caller continues behind it.
  const auto part = waits ? 0 : machine_.cancel_writes(id);
  if (op.pieces_done < op.pieces && part > 0) op.piece_bytes[op.pieces_done++] = part;
  finish_write(entry, op.pieces_done > 0 ? error_code{} : error_code{net_error::operation_aborted});
  if (waits && entry.send_closed) machine_.reset(id, now());  // as machine_ does with what it had taken
  kick();
}

void link::shutdown_send(stream_id id, completion<error_code> done) {
  on_strand([id, done = std::move(done)](link& self) mutable {
    auto* entry = self.find(id);
    if (entry == nullptr || (entry->ended && !entry->send_closed)) return done.complete(net_error::connection_reset);
    const bool waits = entry->writing && entry->writing->waiting;
    if (!entry->send_closed && !waits && !self.machine_.close_write(id, self.now())) {
      return done.complete(net_error::connection_reset);
    }
    entry->send_closed = true;
    done.complete({});
    self.kick();
  });
}

void link::cancel(stream_id id) {
  on_strand([id](link& self) {
    auto* entry = self.find(id);
    if (entry == nullptr) return;
    self.cancel_read(id, *entry);
    self.cancel_write(id, *entry);
  });
}

void link::reset(stream_id id) {
  on_strand([id](link& self) {
    const auto* entry = self.find(id);
    if (entry == nullptr || entry->ended) return;
    self.machine_.reset(id, self.now());
    self.kick();
  });
}

void link::abandon(stream_id id) {
  on_strand([id](link& self) {
    auto* entry = self.find(id);
    if (entry == nullptr) return;
    const bool cut = entry->writing.has_value();
    self.cancel_read(id, *entry);
    self.cancel_write(id, *entry);
    if (entry->handled && !cut) {
      entry->let_go = true;
      return;
    }
    if (!entry->ended) self.machine_.abandon(id, self.now());
    self.forget(id);
    self.kick();
  });
}

void link::handler_begins(stream_id id) {
  on_strand([id](link& self) {
    if (auto* entry = self.find(id)) entry->handled = true;
  });
}

void link::handler_ended(stream_id id, bool in_order) {
  on_strand([id, in_order](link& self) {
    auto* entry = self.find(id);
    if (entry == nullptr) return;
    entry->handled = false;
    if (!entry->let_go) return;
    if (!entry->ended) {
      if (in_order) static_cast<void>(self.machine_.close_write(id, self.now()));
      self.machine_.abandon(id, self.now());
    }
    self.forget(id);
    self.kick();
  });
}

void link::on_stream_event(const yamux::stream_readable& event) {
  auto* entry = find(event.id);
  if (entry != nullptr && entry->channel) entry->channel->on_readable();
}

void link::on_stream_event(const yamux::peer_closed& event) {
  auto* entry = find(event.id);
  if (entry != nullptr && entry->channel) entry->channel->on_readable();
}

void link::on_stream_event(const yamux::stream_finished& event) { end_stream(event.id, net_error::eof); }

void link::on_stream_event(const yamux::stream_failed& event) { end_stream(event.id, net_error::connection_reset); }

void link::end_stream(stream_id id, error_code why) {
  auto* entry = find(id);
  if (entry == nullptr || entry->ended) {
    // Arrived, and gone before anybody accepted it.
    std::erase_if(arrived_, [id](const stream_arrived& waiting) { return waiting.id == id; });
    return;
  }
  entry->ended = why;
  finish_read(*entry, why, 0);
  finish_write(*entry, net_error::connection_reset);
  if (const auto channel = std::exchange(entry->channel, nullptr)) {
    std::erase(channels_, channel);
    const bool was_calling = calling_.get() == channel.get();
    const bool missed = was_calling && calling_->heard();
    if (was_calling) calling_.reset();
    forget(id);
    channel->on_gone();
    if (missed) on_calling_gone();
  }
}

link::stream_entry* link::find(stream_id id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

stream link::make_stream(stream_id id) {
  streams_.try_emplace(id);
  return stream{shared_from_this(), static_cast<std::uint32_t>(id)};
}

}  // namespace flowersec::session
