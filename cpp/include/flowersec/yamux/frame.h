// The 12-byte header: one type per kind of frame, so that FIN on a ping or credit on an opening does not compile.
// Layer yamux. Knows nothing of sessions. Source: PROTOCOL, "Yamux header".
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <variant>

#include "flowersec/base/bytes.h"
#include "flowersec/yamux/error.h"

namespace flowersec::yamux {

inline constexpr std::size_t header_bytes = 12;
using encoded_header = std::array<std::byte, header_bytes>;

/// Never 0: that id is the session's own.
enum class stream_id : std::uint32_t {};

struct stream_flags {
  bool syn = false;
  bool ack = false;
  bool fin = false;
  bool rst = false;
  friend bool operator==(const stream_flags&, const stream_flags&) = default;
};

/// What was received. Unknown flag bits are gone, as the protocol ignores them.
struct data_frame {
  stream_id id;
  stream_flags flags;
  std::uint32_t length;  ///< bytes of body that follow
};
struct window_update_frame {
  stream_id id;
  stream_flags flags;
  std::uint32_t credit;
};
struct ping_frame {
  enum class direction : std::uint8_t { request, reply };
  direction is;
  std::uint32_t opaque;
};
struct go_away_frame {
  std::uint32_t code;
};
using frame_header = std::variant<data_frame, window_update_frame, ping_frame, go_away_frame>;

/// Errors   bad_version, bad_type, stream_zero. Each ends the session.
[[nodiscard]] boost::system::result<frame_header, yamux_errc> decode_header(
    std::span<const std::byte, header_bytes> bytes) noexcept;

/// What may be sent. Opening, acknowledging, closing and resetting carry no credit, by construction.
[[nodiscard]] encoded_header encode_open(stream_id id) noexcept;
[[nodiscard]] encoded_header encode_acknowledge(stream_id id) noexcept;
[[nodiscard]] encoded_header encode_close(stream_id id) noexcept;
[[nodiscard]] encoded_header encode_reset(stream_id id) noexcept;
[[nodiscard]] encoded_header encode_credit(stream_id id, std::uint32_t bytes) noexcept;
[[nodiscard]] encoded_header encode_data(stream_id id, std::uint32_t length) noexcept;
[[nodiscard]] encoded_header encode_ping(std::uint32_t opaque) noexcept;
[[nodiscard]] encoded_header encode_ping_reply(std::uint32_t opaque) noexcept;

}  // namespace flowersec::yamux
