// See departure.h.
#include "tunnel/departure.h"

#include <utility>

namespace flowersec::tunnel {

departure::departure(shard& home, link_ptr pipe, byte_buffer farewell)
    : connection(home, std::move(pipe)), farewell_(std::move(farewell)) {
  ++home.departures_;
}

departure::~departure() { --home().departures_; }

void departure::begin() {
  home().watch(*this);
  home().arm(*this, home().now() + patience);
  write_farewell();
  // Reading needs the working block, which may be in use further up the stack.
  if (!retired()) home().run_later(*this);
}

void departure::on_ready(readiness /*ready*/) {
  if (retired()) return;
  if (!finished_writing_) write_farewell();
  if (!retired()) discard_input();
}

void departure::on_deadline() {
  if (finished_writing_) return close();
  // The last frame does not get through. The rest of the connection is worth no more waiting than it was.
  finished_writing_ = true;
  pipe().finish_writing();
  home().arm(*this, home().now() + patience);
}

void departure::write_farewell() {
  while (sent_ != farewell_.size()) {
    const auto written = pipe().write(byte_view{farewell_}.subspan(sent_));
    sent_ += written.bytes;
    if (written.now == link_transfer::state::failed) return close();
    if (written.now == link_transfer::state::paused && sent_ != farewell_.size()) return;
  }
  finished_writing_ = true;
  pipe().finish_writing();
  home().arm(*this, home().now() + patience);
}

void departure::discard_input() {
  const mutable_byte_view anywhere{home().working_block()->bytes, block_bytes};
  for (int reads = 0; reads < most_reads_per_turn; ++reads) {
    switch (pipe().read(anywhere).now) {
      case link_transfer::state::open:
        continue;
      case link_transfer::state::paused:
        return;
      case link_transfer::state::ended:
      case link_transfer::state::failed:
        // Nothing unread is left that could turn the close into a reset. A frame still unsent waits for its time.
        if (finished_writing_) close();
        return;
    }
  }
  home().run_later(*this);
}

void departure::close() { home().retire(*this); }

}  // namespace flowersec::tunnel
