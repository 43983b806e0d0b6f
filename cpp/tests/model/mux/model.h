// What two multiplexers must do, by counting: a queue per direction, a state per stream and side. No bytes are kept.
// Test support. It is told every request, every byte that a side gives out or gets, and says what is against the rules.
// Written from PROTOCOL, "Yamux", without the library under test, except for the numbers in yamux_limits.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "peer.h"

namespace flowersec::mux {

struct frame_header {
  std::uint8_t kind;
  std::uint16_t flags;
  std::uint32_t id;
  std::uint32_t length;
};

/// Where a byte stream of frames stands.
class frame_cursor {
 public:
  /// Calls on_header(header) when one is complete, and on_body(header, slice) for what follows.
  template <class OnHeader, class OnBody>
  void feed(byte_view bytes, OnHeader on_header, OnBody on_body) {
    while (!bytes.empty()) {
      if (left_ > 0) {
        const auto slice = bytes.first(std::min(bytes.size(), left_));
        bytes = bytes.subspan(slice.size());
        left_ -= slice.size();
        on_body(current_, slice, left_ == 0);
        continue;
      }
      partial_.push_back(bytes.front());
      bytes = bytes.subspan(1);
      if (partial_.size() < 12) continue;
      current_ = decode();
      partial_.clear();
      left_ = current_.kind == 0 ? current_.length : 0;
      on_header(current_);
    }
  }
  [[nodiscard]] bool between_frames() const noexcept { return left_ == 0 && partial_.empty(); }

 private:
  [[nodiscard]] frame_header decode() const;

  byte_buffer partial_;
  frame_header current_{};
  std::size_t left_ = 0;
};

struct model_options {
  /// Of a stream in each direction.
  std::size_t window = yamux::window_bytes;
  /// False for a multiplexer that counts whole writes until they are done and may give less than is there to a read.
  bool exact = true;
};

class model {
 public:
  model(const program& what, const model_options& options);

  /// Whether the side knows the stream by now, alive or gone.
  [[nodiscard]] bool knows(side who, std::uint32_t id) const;
  /// Whether the next read of the side has to find something, and whether it has closed.
  [[nodiscard]] std::size_t readable(side who, std::uint32_t id) const;
  [[nodiscard]] bool wants_to_close(side who, std::uint32_t id) const;
  [[nodiscard]] bool is_waiting(side who, std::uint32_t id) const;
  [[nodiscard]] std::vector<std::uint32_t> open_streams(side who) const;
  [[nodiscard]] bool ended(side who) const { return at(who).ended; }

  /// What `who` answered.
  void on_answer(side who, const request& asked, const answer& given);
  /// Everything was moved, both ways: nothing may be left that is due.
  void expect_quiet();

  /// The first rule that was broken.
  [[nodiscard]] const std::optional<std::string>& broken() const noexcept { return broken_; }

 private:
  enum class phase : std::uint8_t { open, finished, failed };

  /// One stream, seen from one side.
  struct view {
    bool own = false;  // opened here
    phase is = phase::open;
    bool syn_due = false, ack_due = false, rst_due = false;
    std::size_t accepted = 0, sent = 0, credit = 0;
    std::deque<std::size_t> write_ends{}, write_begins{};  // of the unfinished ones
    bool fin_wanted = false, fin_sent = false;
    std::size_t arrived = 0, read = 0, granted = 0;
    bool fin_arrived = false;
    std::size_t wait = 0, waited_from = 0;  // a read that stays, if not 0
    [[nodiscard]] bool is_open() const { return is == phase::open; }
    [[nodiscard]] bool counts() const { return is_open() || rst_due; }
    [[nodiscard]] std::size_t unread() const { return arrived - read; }
  };
  struct state {
    yamux::yamux_limits limits;
    std::map<std::uint32_t, view> streams;
    std::multiset<std::uint32_t> refusals;  // RST that are due for streams that were not let in
    std::deque<std::uint32_t> replies;      // to pings
    bool ping_due = false, ping_out = false;
    std::optional<std::uint32_t> ping_number;
    bool ended = false;
    frame_cursor output, input;
    std::multiset<notice> expected;  // of the request under way
    std::set<std::uint32_t> fresh;   // opened by the peer in it
    [[nodiscard]] std::size_t active() const;
    [[nodiscard]] std::size_t inbound() const;
    [[nodiscard]] std::size_t unread() const;
  };

  [[nodiscard]] state& at(side who) { return states_.at(static_cast<std::size_t>(who)); }
  [[nodiscard]] const state& at(side who) const { return states_.at(static_cast<std::size_t>(who)); }
  [[nodiscard]] const view* find(side who, std::uint32_t id) const;

  void on_open(side who, const answer& given);
  void on_write(side who, const request& asked, const answer& given);
  void on_read(side who, const request& asked, const answer& given);
  void on_close(side who, std::uint32_t id, const answer& given);
  void on_reset(side who, std::uint32_t id);
  void on_ping(side who, const answer& given);
  void on_state(side who, const answer& given);

  // Frames that a side sends (model_wire.cc).
  void on_sent(side who, byte_view bytes);
  void on_sent_header(side who, const frame_header& frame);
  void on_sent_flags(side who, const frame_header& frame, view& stream);
  void on_sent_reset(side who, std::uint32_t id);
  void on_sent_ping(side who, const frame_header& frame);
  void on_sent_body(side who, const frame_header& frame, byte_view slice);
  // Frames that a side gets (model_wire.cc).
  void on_given(side who, byte_view bytes);
  void on_given_header(side who, const frame_header& frame);
  void on_given_ping(side who, const frame_header& frame);
  void on_given_body(side who, const frame_header& frame, byte_view slice, bool last);
  void on_given_fin(side who, std::uint32_t id, view& stream);

  // Streams, notices, rest (model_life.cc).
  void fail(side who, std::uint32_t id, view& stream);
  void finish_if_done(side who, std::uint32_t id, view& stream);
  void serve_wait(side who, std::uint32_t id, view& stream);
  void end(side who);
  void compare_notices(side who, const std::vector<notice>& told);
  void expect_quiet(side who);
  void expect_same(side who, std::uint32_t id, const view& mine);
  void require(bool holds, side who, const std::string& rule);

  model_options options_;
  std::array<state, 2> states_;
  std::optional<std::string> broken_;
};

}  // namespace flowersec::mux
