#include "defects.h"

#include <array>
#include <utility>

namespace flowersec::mux {
namespace {

constexpr std::uint8_t data = 0;
constexpr std::uint8_t update = 1;
constexpr std::uint8_t ping = 2;
constexpr std::uint16_t ack = 2;
constexpr std::uint16_t fin = 4;
constexpr std::uint16_t rst = 8;

struct raw_frame {
  frame_header header;
  byte_buffer bytes;  // the header too

  [[nodiscard]] bool is(std::uint8_t kind, std::uint16_t flags) const {
    return header.kind == kind && header.flags == flags;
  }
};

std::vector<raw_frame> frames_of(byte_view bytes) {
  std::vector<raw_frame> frames;
  for (std::size_t at = 0; at < bytes.size();) {
    frame_header header{};
    frame_cursor cursor;
    cursor.feed(
        bytes.subspan(at, 12), [&](const frame_header& each) { header = each; },
        [](const frame_header&, byte_view, bool) {});
    const auto size = 12 + (header.kind == data ? header.length : 0);
    frames.push_back({header, to_buffer(bytes.subspan(at, size))});
    at += size;
  }
  return frames;
}

class wrong_output {
 public:
  explicit wrong_output(defect which) : which_(which) {}

  byte_buffer operator()(byte_view bytes) {
    auto frames = frames_of(bytes);
    reorder(frames);
    byte_buffer out;
    for (auto& frame : frames) put(frame, out);
    return out;
  }

 private:
  void reorder(std::vector<raw_frame>& frames) const {
    for (std::size_t i = 1; i < frames.size(); ++i) {
      const bool same = frames[i].header.id == frames[i - 1].header.id && frames[i - 1].is(data, 0);
      const bool wrong = (which_ == defect::sends_fin_early && frames[i].is(update, fin)) ||
                         (which_ == defect::swaps_frames && frames[i].is(data, 0));
      if (same && wrong) std::swap(frames[i], frames[i - 1]);
    }
  }
  void put(raw_frame& frame, byte_buffer& out) const {
    const bool credit = frame.is(update, 0);
    if (which_ == defect::loses_credit && credit) return;
    if (which_ == defect::resets_in_silence && frame.is(update, rst)) return;
    if (which_ == defect::forgets_pings && frame.is(ping, ack)) return;
    if (which_ == defect::grants_too_much && credit) store_be(&frame.bytes[8], frame.header.length + 1);
    if (which_ == defect::damages_long_frames && frame.header.length > 1000 && frame.header.kind == data) {
      frame.bytes.back() ^= std::byte{1};
    }
    append(out, frame.bytes);
    if (which_ == defect::acknowledges_twice && frame.is(update, ack)) append(out, frame.bytes);
    if (which_ == defect::repeats_a_frame && frame.is(data, 0)) append(out, frame.bytes);
  }

  defect which_;
};

class wrong_peer : public peer {
 public:
  wrong_peer(defect which, side is, const yamux::yamux_limits& limits)
      : which_(which), output_(which), real_(make_session_peer(is, with_defect(which, limits))) {}

  answer operator()(const request& what) override {
    auto given = (*real_)(what);
    if (what.what == ask::take) given.bytes = output_(given.bytes);
    if (which_ == defect::loses_reads) {
      std::erase_if(given.notices, [](const notice& each) { return each.is == notice::kind::done; });
    }
    return given;
  }

 private:
  static yamux::yamux_limits with_defect(defect which, yamux::yamux_limits limits) {
    if (which == defect::lets_one_more_in) {
      ++limits.max_inbound_streams;
      limits.max_active_streams = std::max(limits.max_active_streams, limits.max_inbound_streams);
    }
    if (which == defect::opens_one_more) ++limits.max_active_streams;
    if (which == defect::queues_one_byte_more) ++limits.max_stream_write_queue_bytes;
    if (which == defect::holds_too_much)
      limits.max_session_receive_bytes = yamux::yamux_limits{}.max_session_receive_bytes;
    if (which == defect::larger_frames) ++limits.preferred_outbound_frame_bytes;
    return limits;
  }

  defect which_;
  wrong_output output_;
  std::unique_ptr<peer> real_;
};

constexpr std::array<const char*, defect_count> names{
    "loses_credit",     "grants_too_much", "sends_fin_early",      "resets_in_silence", "acknowledges_twice",
    "swaps_frames",     "repeats_a_frame", "damages_long_frames",  "loses_reads",       "forgets_pings",
    "lets_one_more_in", "opens_one_more",  "queues_one_byte_more", "holds_too_much",    "larger_frames"};

}  // namespace

std::string name_of(defect which) { return names.at(static_cast<std::size_t>(which)); }

peer_maker make_with(defect which) {
  return [which](side is, const yamux::yamux_limits& limits) -> std::unique_ptr<peer> {
    return std::make_unique<wrong_peer>(which, is, limits);
  };
}

}  // namespace flowersec::mux
