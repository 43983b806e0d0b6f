// Moves bytes between an rpc machine and its stream. Layer session, on the link's strand.
#pragma once

#include <deque>
#include <memory>

#include "flowersec/base/bytes.h"
#include "flowersec/session/link.h"

namespace flowersec::session {

class rpc_channel : public std::enable_shared_from_this<rpc_channel> {
 public:
  rpc_channel(link& on, stream_id id) : link_(&on), id_(id) {}
  virtual ~rpc_channel() = default;

  // ---- from the link

  /// Nothing is read before this.
  void begin_reading() {
    reading_ = true;
    on_readable();
  }
  /// Bytes may be there, or the peer has closed its half.
  void on_readable();
  /// The oldest `count` writes are out.
  void on_written(std::size_t count);
  /// The stream is gone, and everything on it.
  void on_gone();
  /// The link is going, and nobody will run anything any more.
  void orphan() noexcept {
    gone_ = true;
    link_ = nullptr;
    drop_waiters();
  }

  /// Time-outs of calls.
  [[nodiscard]] virtual std::optional<mono_time> deadline() const { return std::nullopt; }
  virtual void advance(moment) {}

 protected:
  [[nodiscard]] link& owner() const noexcept { return *link_; }
  [[nodiscard]] bool gone() const noexcept { return gone_; }

  /// Writes what the machine has, up to a bound; the rest follows when that is out.
  void write_ready_output();
  /// The machine has ended: the stream goes too.
  void end_stream();
  /// The machine has ended in order, with the peer's half: ours is closed behind what is written already.
  void close_stream();

  /// Whether more input is welcome; on_readable() resumes.
  [[nodiscard]] virtual bool wants_input() const noexcept { return true; }

  // ---- to the rpc machine
  virtual void consume(byte_view bytes, moment now) = 0;
  virtual void on_end_of_input(moment now) = 0;
  virtual void on_stream_gone(moment now) = 0;
  /// Destroys handlers of the application without calling them.
  virtual void drop_waiters() noexcept = 0;
  [[nodiscard]] virtual std::optional<byte_buffer> take_output() = 0;

 private:
  static constexpr std::size_t read_block_bytes = 16384;
  /// Bytes handed to the multiplexer at once; more waits in the rpc machine, whose limits bound it.
  static constexpr std::size_t max_writing_bytes = 65536;

  link* link_;  // owns this; nullptr once the stream is gone
  stream_id id_;
  bool reading_ = false;
  bool gone_ = false;
  bool input_ended_ = false;
  bool closed_ = false;  // our half
  std::deque<byte_buffer> writing_;
  std::size_t writing_bytes_ = 0;
  std::optional<byte_buffer> held_;  // does not fit the stream's queue yet
};

}  // namespace flowersec::session
