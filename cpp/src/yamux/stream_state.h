// Everything the session knows about one stream.
// Layer yamux, private. Data and predicates only; the rules that change them are in core.
#pragma once

#include <boost/intrusive/list.hpp>

#include "flowersec/yamux/event.h"
#include "receive_queue.h"
#include "window_pool.h"
#include "write_queue.h"

namespace flowersec::yamux {

// A stream stands in up to three lists. Hooks unlink themselves, so a stream that dies is in none.
template <class Tag>
using list_hook = boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>,
                                                   boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
struct control_tag;
struct data_tag;
struct event_tag;
using control_hook = list_hook<control_tag>;
using data_hook = list_hook<data_tag>;
using event_hook = list_hook<event_tag>;

struct stream_state : control_hook, data_hook, event_hook {
  stream_state(stream_id own_id, bool peer_opened, std::uint32_t send_limit) noexcept
      : id(own_id), inbound(peer_opened), sending(send_limit) {}

  enum class phase : std::uint8_t {
    open,      ///< at least one half is open, or input is unread
    finished,  ///< closed in order; waits until its last event is taken
    failed     ///< reset; waits until its RST is sent and its last event is taken
  };

  const stream_id id;
  const bool inbound;
  bool counted = true;  ///< against the limits
  phase is = phase::open;
  yamux_errc why{};  ///< of a failed stream

  // Receiving.
  pooled_window receiving;
  receive_queue unread;
  mutable_byte_view reader;  ///< empty: no read is waiting. Else nothing is unread.
  std::size_t reader_filled = 0;
  bool fin_received = false;

  // Sending.
  send_window sending;
  write_queue writes;
  bool fin_wanted = false;
  bool fin_sent = false;

  // Frames due, in the order they leave.
  bool rst_due = false;
  bool syn_due = false;
  bool ack_due = false;
  bool credit_due = false;

  // Events due, in the order they are reported.
  bool opened_due = false;
  bool readable_due = false;
  bool read_done_due = false;
  bool peer_closed_due = false;
  bool end_due = false;
  std::size_t writes_done = 0;

  [[nodiscard]] bool is_open() const noexcept { return is == phase::open; }
  [[nodiscard]] bool control_is_due() const noexcept { return rst_due || syn_due || ack_due || credit_due; }
  [[nodiscard]] bool fin_is_due() const noexcept { return fin_wanted && !fin_sent && writes.empty(); }
  [[nodiscard]] bool data_is_due() const noexcept {
    return is_open() && (writes.empty() ? fin_is_due() : sending.available() > 0);
  }
  [[nodiscard]] bool event_is_due() const noexcept {
    return opened_due || readable_due || read_done_due || peer_closed_due || writes_done > 0 || end_due;
  }
  /// Whether it counts against the limits: a reset one does until the peer can have heard of it.
  [[nodiscard]] bool is_alive() const noexcept { return is_open() || rst_due; }
};

template <class Tag>
using stream_list = boost::intrusive::list<stream_state, boost::intrusive::base_hook<list_hook<Tag>>,
                                           boost::intrusive::constant_time_size<false>>;

}  // namespace flowersec::yamux
