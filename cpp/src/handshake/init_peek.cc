#include "flowersec/handshake/init_peek.h"

#include "flowersec/base/text.h"
#include "handshake/messages.h"

namespace flowersec::handshake {

result<init_peek> peek_init(byte_view frame, const handshake_limits& limits) {
  const auto payload = decode_frame(frame, frame_type::init, limits);
  if (!payload) return payload.error();
  auto init = e2ee::decode_e2ee_init(*payload);
  if (!init) return handshake_errc::malformed_message;

  if (is_blank(init->channel_id)) return handshake_errc::blank_channel_id;
  if (trim(init->channel_id) != init->channel_id || init->channel_id.size() > max_channel_id_bytes) {
    return handshake_errc::malformed_channel_id;
  }
  if (init->version != init_version || init->role != e2ee::role::client) return handshake_errc::unsupported_init;
  return init_peek{std::move(init->channel_id), from_wire(init->suite), init->client_features};
}

}  // namespace flowersec::handshake
