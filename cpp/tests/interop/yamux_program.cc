#include "interop/yamux_program.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace flowersec::interop {
namespace {

using yamux::yamux_errc;

constexpr std::size_t room_bytes = 65536;

/// What stands at a place of a stream.
std::byte pattern(yamux::stream_id id, std::size_t at) {
  return static_cast<std::byte>(at * 31 + (at >> 8) * 7 + static_cast<std::size_t>(id) * 13);
}

std::string word(error_code why) {
  static constexpr std::array names{"resource_exhausted",
                                    "ids_exhausted",
                                    "unknown_stream",
                                    "write_closed",
                                    "read_in_progress",
                                    "end_of_stream",
                                    "invalid_limits",
                                    "reset_by_peer",
                                    "reset_locally",
                                    "window_exceeded",
                                    "data_after_fin",
                                    "closed",
                                    "transport_closed",
                                    "truncated_frame",
                                    "go_away",
                                    "bad_version",
                                    "bad_type",
                                    "stream_zero",
                                    "stream_already_open",
                                    "frame_too_large",
                                    "credit_overflow",
                                    "session_memory_exceeded",
                                    "reply_queue_overflow"};
  return names.at(static_cast<std::size_t>(why.value()) - 1);
}

std::string number_of(yamux::stream_id id) { return std::to_string(static_cast<std::uint32_t>(id)); }

}  // namespace

void yamux_program::start(yamux::session session) {
  streams_.clear();
  names_.clear();
  arrived_.clear();
  accepting_.clear();
  pinging_.clear();
  waiting_for_end_.clear();
  serving_ = stalled_ = false;
  session_.emplace(std::move(session));
}

void yamux_program::obey(const std::string& number, const std::vector<std::string>& words) {
  const auto& verb = words.at(0);
  const auto named = [&]() -> stream& { return streams_.at(names_.at(words.at(1))); };
  if (verb == "open") {
    const auto id = session_->open();
    if (!id) return refuse(number, id.error());
    add(*id);
    names_[words.at(1)] = *id;
    answer(number, "id " + number_of(*id));
  } else if (verb == "accept") {
    accepting_.emplace_back(number, words.at(1));
    hand_out();
  } else if (verb == "serve") {
    serving_ = true;
    answer(number, "ok");
    hand_out();
  } else if (verb == "write") {
    auto& to = named();
    std::vector<std::byte> bytes(std::stoul(words.at(2)));
    for (auto& each : bytes) each = pattern(to.id, to.write_at++);
    write(to, {number, std::move(bytes)});
  } else if (verb == "read" || verb == "echo") {
    auto& from = named();
    read_job job{number, std::nullopt, verb == "echo"};
    if (verb == "read" && words.at(2) != "all") job.left = std::stoul(words.at(2));
    from.reading = std::move(job);
    go_on_reading(from);
  } else if (verb == "close") {
    const auto closed = session_->close_write(named().id);
    if (!closed) return refuse(number, closed.error());
    answer(number, "ok");
  } else if (verb == "reset") {
    session_->reset(named().id);
    answer(number, "ok");
  } else if (verb == "ping") {
    const auto sent = session_->probe();
    if (!sent) return refuse(number, sent.error());
    pinging_.push_back(number);
  } else if (verb == "streams") {
    answer(number, "count " + std::to_string(session_->active_streams()));
  } else if (verb == "unread") {
    answer(number, "count " + std::to_string(session_->unread_bytes()));
  } else if (verb == "stall") {
    stalled_ = true;
    answer(number, "ok");
  } else if (verb == "ended") {
    if (const auto why = session_->ended()) return answer(number, "why " + word(*why));
    waiting_for_end_.push_back(number);
  } else if (verb == "finish") {
    session_->end();
    answer(number, "ok");
  } else {
    answer(number, "unknown " + verb);
    std::exit(2);
  }
  take_events();
}

void yamux_program::receive(byte_view bytes) {
  session_->receive(bytes);
  take_events();
}

void yamux_program::end_of_input() {
  session_->end_of_input();
  take_events();
}

void yamux_program::output_to(std::vector<std::byte>& out, std::size_t most) {
  if (!session_) return;
  while (out.size() < most) {
    const auto frame = session_->next_frame(most);
    if (!frame) break;
    out.insert(out.end(), frame->header.begin(), frame->header.end());
    out.insert(out.end(), frame->body.begin(), frame->body.end());
  }
  take_events();
}

/// Nobody asked for what has no number: it is part of an echo.
void yamux_program::refuse(const std::string& number, error_code why) {
  if (!number.empty()) answer(number, "error " + word(why));
}

yamux_program::stream& yamux_program::add(yamux::stream_id id) {
  streams_.erase(id);
  auto& made = streams_.emplace(id, stream{id}).first->second;
  made.room.resize(room_bytes);
  return made;
}

/// Gives the streams of the peer to whoever asked for one.
void yamux_program::hand_out() {
  while (!arrived_.empty() && (serving_ || !accepting_.empty())) {
    const auto id = arrived_.front();
    arrived_.pop_front();
    if (serving_) {
      auto& from = streams_.at(id);
      from.reading = read_job{"", std::nullopt, true};
      go_on_reading(from);
    } else {
      const auto [number, name] = accepting_.front();
      accepting_.pop_front();
      names_[name] = id;
      answer(number, "id " + number_of(id));
    }
  }
}

void yamux_program::write(stream& to, write_job job) {
  to.writes.push_back(std::move(job));
  const auto taken = session_->write(to.id, to.writes.back().bytes);
  if (taken) return;
  const auto number = to.writes.back().number;
  to.writes.pop_back();
  refuse(number, to.failed.value_or(taken.error()));
}

void yamux_program::go_on_reading(stream& from) {
  while (from.reading) {
    if (from.reading->echo && !from.writes.empty()) return;  // first what is there already
    if (from.failed) {
      refuse(from.reading->number, *from.failed);
      return from.reading.reset();
    }
    if (from.finished) return end_of_reading(from);
    const auto most = std::min(room_bytes, from.reading->left.value_or(room_bytes));
    const auto bytes = session_->read(from.id, mutable_byte_view{from.room}.first(most));
    if (!bytes && bytes.error() == yamux_errc::end_of_stream) return end_of_reading(from);
    if (!bytes || !*bytes) return;  // an event follows
    got(from, **bytes);
  }
}

void yamux_program::got(stream& from, std::size_t bytes) {
  auto& job = *from.reading;
  job.count += bytes;
  if (job.echo) return write(from, {"", {from.room.begin(), from.room.begin() + static_cast<std::ptrdiff_t>(bytes)}});
  for (std::size_t i = 0; i < bytes; i++, from.read_at++) {
    if (from.room[i] == pattern(from.id, from.read_at)) continue;
    answer(job.number, "differs " + std::to_string(from.read_at));
    return from.reading.reset();
  }
  if (!job.left || (*job.left -= bytes) > 0) return;
  answer(job.number, "ok");
  from.reading.reset();
}

void yamux_program::end_of_reading(stream& from) {
  const auto job = *std::exchange(from.reading, std::nullopt);
  if (job.echo) (void)session_->close_write(from.id);
  if (!job.number.empty()) answer(job.number, "end " + std::to_string(job.count));
}

void yamux_program::take_events() {
  while (session_) {
    const auto next = session_->poll_event();
    if (!next) return;
    on(*next);
  }
}

void yamux_program::on(const yamux::event& what) {
  const auto at = [&](yamux::stream_id id) -> stream& { return streams_.at(id); };
  if (const auto* opened = std::get_if<yamux::stream_opened>(&what)) {
    add(opened->id);
    arrived_.push_back(opened->id);
    hand_out();
  } else if (const auto* readable = std::get_if<yamux::stream_readable>(&what)) {
    go_on_reading(at(readable->id));
  } else if (const auto* done = std::get_if<yamux::read_done>(&what)) {
    auto& from = at(done->id);
    if (done->bytes == 0) return end_of_reading(from);
    got(from, done->bytes);
    go_on_reading(from);
  } else if (const auto* closed = std::get_if<yamux::peer_closed>(&what)) {
    go_on_reading(at(closed->id));
  } else if (const auto* written = std::get_if<yamux::writes_done>(&what)) {
    auto& to = at(written->id);
    for (std::size_t i = 0; i < written->count; i++) {
      if (!to.writes.front().number.empty()) answer(to.writes.front().number, "ok");
      to.writes.pop_front();
    }
    if (to.reading && to.reading->echo) go_on_reading(to);
  } else if (const auto* finished = std::get_if<yamux::stream_finished>(&what)) {
    at(finished->id).finished = true;
    go_on_reading(at(finished->id));
  } else if (const auto* failed = std::get_if<yamux::stream_failed>(&what)) {
    fail(at(failed->id), failed->why);
  } else if (std::holds_alternative<yamux::probe_answered>(what)) {
    for (const auto& number : std::exchange(pinging_, {})) answer(number, "ok");
  } else if (const auto* ended = std::get_if<yamux::session_ended>(&what)) {
    for (const auto& number : std::exchange(pinging_, {})) refuse(number, ended->why);
    for (const auto& number : std::exchange(waiting_for_end_, {})) answer(number, "why " + word(ended->why));
  }
}

void yamux_program::fail(stream& failed, yamux_errc why) {
  failed.failed = why;
  for (const auto& job : std::exchange(failed.writes, {})) refuse(job.number, why);
  if (!failed.reading) return;
  refuse(failed.reading->number, why);
  failed.reading.reset();
}

}  // namespace flowersec::interop
