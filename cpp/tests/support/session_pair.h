// Two session machines joined by an in-memory pipe of messages, on a virtual clock.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flowersec/session/machine.h"

namespace flowersec::testing {

using session::machine;
using session::machine_event;
using session::machine_options;
using session::moment;
using session::stream_id;

/// The time of a test: starts at a fixed point and moves only when told.
struct virtual_time {
  mono_time mono{std::chrono::hours{1}};
  std::int64_t unix_s = 1'700'000'000;

  [[nodiscard]] moment now() const { return {.mono = mono, .wall = unix_seconds{unix_s}}; }
  void pass(std::chrono::milliseconds by) {
    mono += by;
    rest_ += by;
    unix_s += rest_ / std::chrono::seconds{1};
    rest_ %= std::chrono::seconds{1};
  }

 private:
  std::chrono::milliseconds rest_{0};
};

inline crypto::psk test_psk(unsigned char fill = 7) {
  std::array<std::byte, 32> bytes;
  bytes.fill(std::byte{fill});
  return crypto::psk{crypto::secret_bytes<32>{bytes}};
}

inline machine_options client_options_of(crypto::suite suite = crypto::suite::x25519) {
  handshake::client_options side{
      .channel_id = "channel", .suite = suite, .psk = test_psk(), .features = 0, .limits = {}};
  return {.side = std::move(side)};
}

inline machine_options server_options_of(crypto::suite suite = crypto::suite::x25519,
                                         unix_seconds init_exp = unix_seconds{1'700'000'120}) {
  session::server_side side{.options = {.channel_id = "channel",
                                        .suite = suite,
                                        .psk = test_psk(),
                                        .init_exp = init_exp,
                                        .clock_skew = std::chrono::seconds{30},
                                        .features = 0,
                                        .limits = {}}};
  return {.side = std::move(side)};
}

/// One end: a machine, what it said, and what it wants to send.
class end_point {
 public:
  end_point(machine_options options, virtual_time& time)
      : time_(time), machine_(machine::create(std::move(options), system_random(), time.now()).value()) {}

  [[nodiscard]] machine& core() { return machine_; }
  [[nodiscard]] moment now() const { return time_.now(); }

  /// Takes everything that is due; one element per message.
  std::vector<byte_buffer> take_messages() {
    std::vector<byte_buffer> out;
    while (machine_.has_output()) {
      session::outbox batch{session::no_prefix};
      machine_.fill(batch, now());
      if (batch.empty()) break;
      ++batches;
      for (const auto& message : batch.messages()) out.push_back(to_buffer(batch.payload(message)));
    }
    collect();
    return out;
  }

  void give(byte_view message, session::message_kind kind = session::message_kind::binary) {
    byte_buffer exact = to_buffer(message);
    machine_.receive(kind, exact, now());
    collect();
  }

  void collect() {
    while (auto event = machine_.poll_event()) events.push_back(std::move(*event));
  }

  template <class Event>
  [[nodiscard]] const Event* last() {
    collect();
    for (auto at = events.rbegin(); at != events.rend(); ++at) {
      if (const auto* found = std::get_if<Event>(&*at)) return found;
    }
    return nullptr;
  }
  template <class Event>
  [[nodiscard]] std::size_t count() {
    collect();
    std::size_t n = 0;
    for (const auto& event : events) n += std::holds_alternative<Event>(event) ? 1 : 0;
    return n;
  }
  [[nodiscard]] error_code over_because() {
    const auto* over = last<session::session_over>();
    return over != nullptr ? over->why : error_code{};
  }

  void write(stream_id id, std::string_view text) {
    kept_.push_back(text.empty() ? std::string{} : std::string{text});
    ASSERT_TRUE(machine_.write(id, as_bytes(kept_.back()), now())) << "write refused";
  }
  /// What can be read at once.
  std::string read(stream_id id) {
    std::string all;
    std::array<std::byte, 4096> block;
    for (;;) {
      const auto got = machine_.read(id, block, now());
      if (!got) break;
      if (!*got) {
        static_cast<void>(machine_.cancel_read(id));
        break;
      }
      all += as_text(byte_view{block}.first(**got));
    }
    collect();
    return all;
  }

  std::vector<machine_event> events;
  std::size_t batches = 0;

 private:
  virtual_time& time_;
  machine machine_;
  std::deque<std::string> kept_;  // writes stay in the caller's memory
};

/// A client and a server that talk without delay.
class session_pair {
 public:
  explicit session_pair(machine_options client_side = client_options_of(),
                        machine_options server_side = server_options_of())
      : client(std::move(client_side), time), server(std::move(server_side), time) {}

  /// Carries messages until nobody has anything to say.
  void settle() {
    for (bool moved = true; moved;) {
      moved = carry(client, server);
      moved = carry(server, client) || moved;
    }
  }
  static bool carry(end_point& from, end_point& to) {
    const auto messages = from.take_messages();
    for (const auto& message : messages) to.give(message);
    return !messages.empty();
  }

  void pass(std::chrono::milliseconds by) {
    time.pass(by);
    client.core().advance(time.now());
    server.core().advance(time.now());
    client.collect();
    server.collect();
  }

  virtual_time time;
  end_point client;
  end_point server;
};

}  // namespace flowersec::testing
