// Multiplexers with one defect each: what the model and the shrinker must find.
// Test support. A defect sits around a real session, in what it is told or what it sends.
#pragma once

#include "driver.h"

namespace flowersec::mux {

enum class defect : std::uint8_t {
  loses_credit,          ///< window updates are never sent
  grants_too_much,       ///< one byte more than was read
  sends_fin_early,       ///< FIN overtakes data
  resets_in_silence,     ///< RST is not sent
  acknowledges_twice,    ///< a second ACK
  swaps_frames,          ///< data frames of a stream leave in the wrong order
  repeats_a_frame,       ///< the last byte of a data frame comes twice
  damages_long_frames,   ///< a data frame above 1000 bytes has a wrong byte
  loses_reads,           ///< a read that stays is never told that it is done
  forgets_pings,         ///< no answer
  lets_one_more_in,      ///< a stream beyond max_inbound_streams
  opens_one_more,        ///< a stream beyond max_active_streams
  queues_one_byte_more,  ///< beyond max_stream_write_queue_bytes
  holds_too_much,        ///< beyond max_session_receive_bytes
  larger_frames,         ///< one byte beyond preferred_outbound_frame_bytes
};
inline constexpr std::size_t defect_count = 15;

[[nodiscard]] std::string name_of(defect which);

/// Both sides have it.
[[nodiscard]] peer_maker make_with(defect which);

}  // namespace flowersec::mux
