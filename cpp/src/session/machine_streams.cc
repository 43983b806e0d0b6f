// The machine's streams: opening with a hello, reading the peer's hello, lingering after the application let go.
#include <algorithm>
#include <array>
#include <type_traits>

#include "flowersec/base/json_frame.h"
#include "flowersec/messages/rpc_v1.h"
#include "flowersec/record/errc.h"
#include "flowersec/session/machine.h"

namespace flowersec::session {
namespace {

using messages::rpc::v1::decode_stream_hello;
using messages::rpc::v1::stream_hello;

constexpr std::uint32_t hello_version = 1;

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

}  // namespace

result<stream_id> machine::open(std::string_view kind, moment now) {
  if (kind.empty()) return make_error_code(session_errc::missing_kind);
  auto* mux_alive = mux();
  if (mux_alive == nullptr) return make_error_code(session_errc::streams_gone);
  const auto text = encode(stream_hello{.kind = std::string{kind}, .v = hello_version});
  if (text.size() > max_stream_hello_bytes) return make_error_code(session_errc::open_failed);
  const auto id = mux_alive->open();
  if (!id) {
    const bool full = id.error() == make_error_code(yamux::yamux_errc::resource_exhausted);
    return make_error_code(full ? session_errc::open_limit : session_errc::open_failed);
  }
  auto& state = streams_[*id];
  state.hello = encode_json_frame(text);
  state.own_hello_queued = true;
  // A write of its own makes a Data frame of its own: some peers lose what shares the hello's frame.
  if (auto ok = mux_alive->write(*id, state.hello); !ok) {
    mux_alive->reset(*id);
    forget(*id);
    return make_error_code(session_errc::open_failed);
  }
  pump(now);
  return *id;
}

result<std::optional<std::size_t>> machine::read(stream_id id, mutable_byte_view into, moment now) {
  auto* mux_alive = mux();
  if (mux_alive == nullptr || !in_use(id)) return make_error_code(yamux::yamux_errc::unknown_stream);
  mux_alive->advance(now.mono);
  auto got = mux_alive->read(id, into);
  pump(now);
  return got;
}

std::size_t machine::cancel_read(stream_id id) noexcept {
  auto* mux_alive = mux();
  return mux_alive != nullptr && in_use(id) ? mux_alive->cancel_read(id) : 0;
}

result<void> machine::write(stream_id id, byte_view body, moment now) {
  if (body.size() > outbound_room()) return make_error_code(record::record_errc::outbound_overflow);
  return write_rpc(id, body, now);
}

result<void> machine::write_rpc(stream_id id, byte_view body, moment now) {
  auto* mux_alive = mux();
  if (mux_alive == nullptr || !in_use(id)) return make_error_code(yamux::yamux_errc::unknown_stream);
  auto queued = mux_alive->write(id, body);
  pump(now);
  return queued;
}

std::size_t machine::receive_memory_bytes() const noexcept {
  const auto* mux_alive = mux();
  return mux_alive == nullptr ? 0 : mux_alive->receive_memory_bytes();
}

std::size_t machine::outbound_room() const noexcept {
  const auto limit = options_.session.record.max_outbound_buffered_bytes;
  const auto* mux_alive = mux();
  return mux_alive == nullptr ? limit : limit - std::min(limit, mux_alive->queued_write_bytes());
}

std::size_t machine::outbound_room(stream_id id) const noexcept {
  const auto limit = options_.session.yamux.max_stream_write_queue_bytes;
  const auto* mux_alive = mux();
  return mux_alive == nullptr ? limit : limit - std::min(limit, mux_alive->queued_write_bytes(id));
}

std::size_t machine::cancel_writes(stream_id id) noexcept {
  auto* mux_alive = mux();
  if (mux_alive == nullptr || !in_use(id)) return 0;
  auto& state = streams_.find(id)->second;
  const auto sent = mux_alive->cancel_writes(id);
  if (!state.own_hello_queued) return sent;
  // The hello stood first in the same queue and must stay: without it the peer cannot use the stream.
  static_cast<void>(mux_alive->write(id, byte_view{state.hello}.subspan(sent)));
  return 0;
}

result<void> machine::close_write(stream_id id, moment now) {
  auto* mux_alive = mux();
  if (mux_alive == nullptr || !in_use(id)) return make_error_code(yamux::yamux_errc::unknown_stream);
  auto closed = mux_alive->close_write(id);
  if (closed) streams_.find(id)->second.write_closed = true;
  pump(now);
  return closed;
}

void machine::reset(stream_id id, moment now) {
  auto* mux_alive = mux();
  if (mux_alive == nullptr || !streams_.contains(id)) return;
  mux_alive->reset(id);
  pump(now);
}

void machine::abandon(stream_id id, moment now) {
  const auto found = streams_.find(id);
  auto* mux_alive = mux();
  if (mux_alive == nullptr || found == streams_.end()) return;
  auto& state = found->second;
  if (!state.write_closed) {
    mux_alive->reset(id);
    forget(id);
    return pump(now);
  }
  static_cast<void>(mux_alive->cancel_read(id));
  state.is = stream_state::phase::lingering;
  state.deadline = now.mono + options_.session.linger_timeout;
  discard_input(id);
  pump(now);
}

void machine::pump(moment now) {
  // An event can cause others (a rejected hello resets its stream), so this goes on until none is left.
  for (auto* mux_alive = mux(); mux_alive != nullptr; mux_alive = mux()) {
    const auto happened = mux_alive->poll_event();
    if (!happened) return;
    if (const auto* over = std::get_if<yamux::session_ended>(&*happened)) return end(make_error_code(over->why), now);
    on_mux_event(*happened, now);
  }
}

void machine::on_mux_event(const yamux::event& happened, moment now) {
  const auto forward_or_continue = [this](auto event) {
    const auto found = streams_.find(event.id);
    if (found == streams_.end()) return;
    auto& state = found->second;
    if (state.is == stream_state::phase::in_use) {
      events_.push_back(event);
      return;
    }
    if (state.is == stream_state::phase::lingering) return discard_input(event.id);
    if constexpr (std::is_same_v<decltype(event), yamux::read_done>) {
      if (event.bytes == 0) return reject(event.id, session_errc::hello_invalid);
      state.hello_read += event.bytes;
    }
    read_hello(event.id, state);
  };
  const auto last_word = [this](auto event) {
    const bool tell = in_use(event.id);
    forget(event.id);
    if (tell) events_.push_back(event);
  };
  std::visit(overloaded{
                 [&](const yamux::stream_opened& opened) {
                   auto& state = streams_[opened.id];
                   state.is = stream_state::phase::reading_hello;
                   state.deadline = now.mono + options_.session.hello_timeout;
                   read_hello(opened.id, state);
                 },
                 [&](const yamux::stream_readable& event) {
                   // While a hello is read a read is always under way, so this is news only for others.
                   const auto found = streams_.find(event.id);
                   if (found != streams_.end() && found->second.is != stream_state::phase::reading_hello) {
                     forward_or_continue(event);
                   }
                 },
                 [&](const yamux::read_done& event) { forward_or_continue(event); },
                 [&](const yamux::peer_closed& event) {
                   if (in_use(event.id)) events_.push_back(event);
                 },
                 [&](yamux::writes_done event) {
                   const auto found = streams_.find(event.id);
                   if (found == streams_.end()) return;
                   if (found->second.own_hello_queued) {
                     found->second.own_hello_queued = false;
                     byte_buffer{}.swap(found->second.hello);
                     --event.count;
                   }
                   if (event.count > 0 && found->second.is == stream_state::phase::in_use) events_.push_back(event);
                 },
                 [&](const yamux::stream_finished& event) { last_word(event); },
                 [&](const yamux::stream_failed& event) { last_word(event); },
                 [&](const yamux::streams_refused& event) { events_.push_back(event); },
                 [&](const yamux::probe_answered&) { on_probe_answered(now); },
                 [&](const yamux::session_ended&) {},
             },
             happened);
}

// Reads exactly the hello: what follows in the same Data frame belongs to the application. Its memory doubles with what
// has arrived, whatever length it announces.
void machine::read_hello(stream_id id, stream_state& state) {
  constexpr std::size_t first_bytes = 64;
  for (;;) {
    if (state.hello_read == state.hello.size()) {
      std::size_t whole = json_frame_header_bytes;
      if (state.hello_read >= json_frame_header_bytes) {
        const std::size_t length = load_be<std::uint32_t>(state.hello.data());
        if (length == 0 || length > max_stream_hello_bytes) return reject(id, session_errc::hello_invalid);
        whole += length;
      }
      if (state.hello_read == whole) return finish_hello(id, state);
      state.hello.resize(std::min(whole, state.hello_read + std::max(first_bytes, state.hello_read)));
    }
    const auto got = mux()->read(id, mutable_byte_view{state.hello}.subspan(state.hello_read));
    if (!got) return reject(id, session_errc::hello_invalid);
    if (!*got) return;  // read_done follows
    state.hello_read += **got;
  }
}

void machine::finish_hello(stream_id id, stream_state& state) {
  const auto hello = decode_stream_hello(as_text(byte_view{state.hello}.subspan(json_frame_header_bytes)));
  if (!hello || hello->v != hello_version || hello->kind.empty()) return reject(id, session_errc::hello_invalid);
  state.is = stream_state::phase::in_use;
  byte_buffer{}.swap(state.hello);
  events_.push_back(stream_arrived{.id = id, .kind = hello->kind});
}

void machine::reject(stream_id id, session_errc why) {
  if (auto* mux_alive = mux()) mux_alive->reset(id);
  forget(id);
  events_.push_back(stream_rejected{.id = id, .why = why});
}

void machine::discard_input(stream_id id) {
  std::array<std::byte, 4096> nowhere;
  for (;;) {
    const auto got = mux()->read(id, nowhere);
    if (!got) return;
    if (!*got) {
      static_cast<void>(mux()->cancel_read(id));
      return;
    }
  }
}

void machine::forget(stream_id id) { streams_.erase(id); }

bool machine::in_use(stream_id id) const {
  const auto found = streams_.find(id);
  return found != streams_.end() && found->second.is == stream_state::phase::in_use;
}

}  // namespace flowersec::session
