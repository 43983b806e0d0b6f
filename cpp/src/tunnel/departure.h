// A connection on its way out: a last frame if there is one, the end of writing, then silence for a bounded time.
// Layer tunnel. PROTOCOL, "Tunnel attach", sending a close.
#pragma once

#include "tunnel/connection.h"
#include "tunnel/shard.h"

namespace flowersec::tunnel {

class departure final : public connection {
 public:
  departure(shard& home, link_ptr pipe, byte_buffer farewell);
  ~departure() override;

  void begin();
  void on_ready(readiness ready) override;
  void on_deadline() override;
  void on_shutdown() override {}

 private:
  /// For the last frame, and once more for the peer to read it and close.
  static constexpr std::chrono::seconds patience{2};

  void write_farewell();
  void discard_input();
  void close();

  byte_buffer farewell_;
  std::size_t sent_ = 0;
  bool finished_writing_ = false;
};

}  // namespace flowersec::tunnel
