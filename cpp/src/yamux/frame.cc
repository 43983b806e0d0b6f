#include "flowersec/yamux/frame.h"

namespace flowersec::yamux {
namespace {

constexpr std::uint8_t protocol_version = 0;

enum class frame_type : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };

constexpr std::uint16_t syn_bit = 0x1;
constexpr std::uint16_t ack_bit = 0x2;
constexpr std::uint16_t fin_bit = 0x4;
constexpr std::uint16_t rst_bit = 0x8;

encoded_header encode(frame_type type, std::uint16_t flags, std::uint32_t id, std::uint32_t length) noexcept {
  encoded_header bytes;
  bytes[0] = std::byte{protocol_version};
  bytes[1] = static_cast<std::byte>(type);
  store_be(&bytes[2], flags);
  store_be(&bytes[4], id);
  store_be(&bytes[8], length);
  return bytes;
}

encoded_header encode_stream_control(stream_id id, std::uint16_t flag) noexcept {
  return encode(frame_type::window_update, flag, static_cast<std::uint32_t>(id), 0);
}

stream_flags to_flags(std::uint16_t bits) noexcept {
  return {.syn = (bits & syn_bit) != 0,
          .ack = (bits & ack_bit) != 0,
          .fin = (bits & fin_bit) != 0,
          .rst = (bits & rst_bit) != 0};
}

}  // namespace

boost::system::result<frame_header, yamux_errc> decode_header(std::span<const std::byte, header_bytes> bytes) noexcept {
  if (bytes[0] != std::byte{protocol_version}) return yamux_errc::bad_version;
  const auto type = static_cast<frame_type>(bytes[1]);
  const auto flags = load_be<std::uint16_t>(&bytes[2]);
  const auto id = load_be<std::uint32_t>(&bytes[4]);
  const auto length = load_be<std::uint32_t>(&bytes[8]);

  switch (type) {
    case frame_type::data:
      if (id == 0) return yamux_errc::stream_zero;
      return data_frame{.id = stream_id{id}, .flags = to_flags(flags), .length = length};
    case frame_type::window_update:
      if (id == 0) return yamux_errc::stream_zero;
      return window_update_frame{.id = stream_id{id}, .flags = to_flags(flags), .credit = length};
    case frame_type::ping: {
      // A ping is the session's; peers that put a stream id there are tolerated and the id is ignored.
      const bool asks = (flags & syn_bit) != 0;
      return ping_frame{.is = asks ? ping_frame::direction::request : ping_frame::direction::reply, .opaque = length};
    }
    case frame_type::go_away:
      return go_away_frame{.code = length};
  }
  return yamux_errc::bad_type;
}

encoded_header encode_open(stream_id id) noexcept { return encode_stream_control(id, syn_bit); }
encoded_header encode_acknowledge(stream_id id) noexcept { return encode_stream_control(id, ack_bit); }
encoded_header encode_close(stream_id id) noexcept { return encode_stream_control(id, fin_bit); }
encoded_header encode_reset(stream_id id) noexcept { return encode_stream_control(id, rst_bit); }

encoded_header encode_credit(stream_id id, std::uint32_t bytes) noexcept {
  return encode(frame_type::window_update, 0, static_cast<std::uint32_t>(id), bytes);
}

encoded_header encode_data(stream_id id, std::uint32_t length) noexcept {
  return encode(frame_type::data, 0, static_cast<std::uint32_t>(id), length);
}

encoded_header encode_ping(std::uint32_t opaque) noexcept { return encode(frame_type::ping, syn_bit, 0, opaque); }
encoded_header encode_ping_reply(std::uint32_t opaque) noexcept { return encode(frame_type::ping, ack_bit, 0, opaque); }

}  // namespace flowersec::yamux
