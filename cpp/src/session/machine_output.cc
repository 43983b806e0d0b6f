// The machine's output: handshake frames, then records gathered from what the multiplexer has ready.
#include <array>

#include "flowersec/session/machine.h"

namespace flowersec::session {
namespace {

// One record carries at most this many frames; a chunk of small frames beyond it goes into the next record.
constexpr std::size_t max_frames_per_record = 32;
// A data frame is not started in less room than this, so that the end of a record does not cut frames to crumbs.
constexpr std::size_t least_frame_room = 512;

}  // namespace

bool machine::has_output() const noexcept {
  if (!frames_.empty()) return true;
  const auto* live = std::get_if<running>(&state_);
  return live != nullptr && (!controls_.empty() || (live->mux && live->mux->has_output()));
}

void machine::fill(outbox& batch, moment now) {
  for (const auto& frame : frames_) batch.add_copy(frame);
  frames_.clear();
  while (batch.size() < gather_bytes) {
    auto* live = std::get_if<running>(&state_);
    if (live == nullptr || !fill_one(*live, batch, now)) break;
  }
  if (mux() != nullptr) pump(now);
}

bool machine::fill_one(running& live, outbox& batch, moment now) {
  if (!controls_.empty()) return seal_control(live, batch, now);
  return live.mux && seal_frames(live, batch, now);
}

bool machine::seal_control(running& live, outbox& batch, moment now) {
  const auto kind = controls_.front();
  controls_.pop_front();
  const auto room = batch.add(record::overhead_bytes);
  const auto sealed = kind == record::record_kind::ping ? live.sealer.seal_ping(room) : live.sealer.seal_rekey(room);
  if (sealed) return true;
  batch.take_back_last();
  end(sealed.error(), now);
  return false;
}

// Joins ready frames into one record. Their bodies lie in the applications' buffers and are copied by the cipher, once.
bool machine::seal_frames(running& live, outbox& batch, moment now) {
  std::array<yamux::outgoing_frame, max_frames_per_record> frames;
  std::array<byte_view, 2 * max_frames_per_record> pieces;
  std::size_t count = 0;
  std::size_t used = 0;
  const auto chunk = live.sealer.chunk_bytes();
  while (count < max_frames_per_record && (used == 0 || chunk - used >= least_frame_room)) {
    auto frame = live.mux->next_frame(chunk - used);
    if (!frame) break;
    frames[count] = *frame;
    pieces[2 * count] = frames[count].header;
    pieces[2 * count + 1] = frames[count].body;
    used += frame->size();
    ++count;
  }
  if (count == 0) return false;
  const auto sealed = live.sealer.seal_app(std::span{pieces}.first(2 * count), batch.add(record::sealed_bytes(used)));
  if (sealed) return true;
  batch.take_back_last();
  end(sealed.error(), now);
  return false;
}

}  // namespace flowersec::session
