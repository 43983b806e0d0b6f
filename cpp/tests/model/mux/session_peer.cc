#include <deque>
#include <map>
#include <utility>
#include <variant>

#include "flowersec/yamux/session.h"
#include "peer.h"

namespace flowersec::mux {
namespace {

using result = answer::result;
using kind = notice::kind;

class session_peer : public peer {
 public:
  session_peer(side is, const yamux::yamux_limits& limits) : is_(is), session_(make(is, limits)) {}

  answer operator()(const request& what) override {
    auto given = answer_to(what);
    while (const auto e = session_.poll_event()) {
      std::visit([&](const auto& each) { note(each, given.notices); }, *e);
    }
    return given;
  }

 private:
  struct stream {
    std::size_t written = 0;
    std::deque<byte_buffer> writes;  // stay here until the session is done with them
    byte_buffer waiting;
  };

  static yamux::session make(side is, const yamux::yamux_limits& limits) {
    const auto role = is == side::client ? yamux::role::client : yamux::role::server;
    return yamux::session::create({.is = role, .limits = limits}).value();
  }

  [[nodiscard]] answer answer_to(const request& what) {
    const yamux::stream_id id{what.id};
    switch (what.what) {
      case ask::open: {
        const auto opened = session_.open();
        return opened ? answer{.id = static_cast<std::uint32_t>(*opened)} : answer{.is = result::no};
      }
      case ask::write:
        return write(what);
      case ask::read:
      case ask::wait:
        return read(what);
      case ask::close:
        return {.is = session_.close_write(id) ? result::ok : result::no};
      case ask::reset:
        session_.reset(id);
        return {};
      case ask::ping:
        return {.is = session_.probe() ? result::ok : result::no};
      case ask::take:
        return take(what.amount);
      case ask::give:
        // In an allocation of exact size, so that a sanitizer sees one byte too many.
        session_.receive(byte_buffer(what.bytes));
        return {};
      case ask::state:
        if (session_.ended()) return {.is = result::ended};
        return {.amount = session_.active_streams(), .unread = session_.unread_bytes()};
    }
    return {.is = result::no};
  }
  [[nodiscard]] answer write(const request& what) {
    auto& mine = streams_[what.id];
    mine.writes.push_back(pattern(is_, what.id, mine.written, what.amount));
    if (!session_.write(yamux::stream_id{what.id}, mine.writes.back())) {
      mine.writes.pop_back();
      return {.is = result::no};
    }
    mine.written += what.amount;
    return {};
  }
  [[nodiscard]] answer read(const request& what) {
    const yamux::stream_id id{what.id};
    auto& waiting = streams_[what.id].waiting;
    if (!waiting.empty()) return {.is = result::no};
    byte_buffer into(what.amount);
    const auto got = session_.read(id, into);
    if (!got) {
      return {.is = got.error() == make_error_code(yamux::yamux_errc::end_of_stream) ? result::end : result::no};
    }
    if (*got) return {.amount = **got, .digest = digest_of(byte_view{into}.first(**got))};
    if (what.what == ask::wait) {
      waiting = std::move(into);
    } else {
      static_cast<void>(session_.cancel_read(id));
    }
    return {.is = result::none};
  }
  [[nodiscard]] answer take(std::size_t most) {
    answer given;
    while (const auto frame = session_.next_frame(most - given.bytes.size())) {
      append(given.bytes, frame->header);
      append(given.bytes, frame->body);
    }
    return given;
  }

  static std::uint32_t number(yamux::stream_id id) { return static_cast<std::uint32_t>(id); }

  void note(const yamux::stream_opened& e, std::vector<notice>& to) { to.push_back({kind::opened, number(e.id)}); }
  void note(const yamux::stream_readable&, std::vector<notice>&) {}
  void note(const yamux::peer_closed&, std::vector<notice>&) {}
  void note(const yamux::streams_refused&, std::vector<notice>&) {}
  void note(const yamux::read_done& e, std::vector<notice>& to) {
    const auto bytes = std::exchange(streams_[number(e.id)].waiting, {});
    to.push_back({kind::done, number(e.id), e.bytes, digest_of(byte_view{bytes}.first(e.bytes))});
  }
  void note(const yamux::writes_done& e, std::vector<notice>&) {
    auto& writes = streams_.at(number(e.id)).writes;
    writes.erase(writes.begin(), writes.begin() + static_cast<std::ptrdiff_t>(e.count));
  }
  void note(const yamux::stream_finished& e, std::vector<notice>& to) {
    streams_.erase(number(e.id));
    to.push_back({kind::finished, number(e.id)});
  }
  void note(const yamux::stream_failed& e, std::vector<notice>& to) {
    streams_.erase(number(e.id));
    to.push_back({kind::failed, number(e.id)});
  }
  void note(const yamux::probe_answered&, std::vector<notice>& to) { to.push_back({kind::pong}); }
  void note(const yamux::session_ended&, std::vector<notice>& to) { to.push_back({kind::ended}); }

  side is_;
  yamux::session session_;
  std::map<std::uint32_t, stream> streams_;
};

}  // namespace

byte_buffer pattern(side writer, std::uint32_t id, std::size_t from, std::size_t count) {
  byte_buffer bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = pattern_at(writer, id, from + i);
  return bytes;
}

namespace {

constexpr std::uint32_t fnv_basis = 2166136261;
constexpr std::uint32_t fnv_step(std::uint32_t hash, std::byte value) noexcept {
  return (hash ^ static_cast<std::uint32_t>(value)) * 16777619;
}

}  // namespace

std::uint32_t digest_of(byte_view bytes) noexcept {
  auto hash = fnv_basis;
  for (const auto value : bytes) hash = fnv_step(hash, value);
  return hash;
}

std::uint32_t digest_of_pattern(side writer, std::uint32_t id, std::size_t from, std::size_t count) noexcept {
  auto hash = fnv_basis;
  for (std::size_t i = 0; i < count; ++i) hash = fnv_step(hash, pattern_at(writer, id, from + i));
  return hash;
}

std::unique_ptr<peer> make_session_peer(side is, const yamux::yamux_limits& limits) {
  return std::make_unique<session_peer>(is, limits);
}

}  // namespace flowersec::mux
