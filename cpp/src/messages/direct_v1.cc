#include "flowersec/messages/direct_v1.h"

#include "messages/codec.h"

namespace flowersec::messages::direct::v1 {

direct_connect_info direct_connect_info::clone() const {
  return {.ws_url = ws_url,
          .channel_id = channel_id,
          .e2ee_psk_b64u = e2ee_psk_b64u.clone(),
          .channel_init_expire_at_unix_s = channel_init_expire_at_unix_s,
          .default_suite = default_suite};
}

std::string encode(const direct_connect_info& info) {
  std::string out;
  json_object_writer{out}
      .field("ws_url", info.ws_url)
      .field("channel_id", info.channel_id)
      .field("e2ee_psk_b64u", info.e2ee_psk_b64u.view())
      .field("channel_init_expire_at_unix_s", info.channel_init_expire_at_unix_s)
      .field("default_suite", number_of(info.default_suite))
      .end();
  return out;
}

decoded<direct_connect_info> decode_direct_connect_info(std::string_view text) {
  return decode_object<direct_connect_info>(
      "DirectConnectInfo", text, [](json_object_reader& reader, direct_connect_info& info) {
        reader.read("ws_url", info.ws_url);
        reader.read("channel_id", info.channel_id);
        read_sensitive(reader, "e2ee_psk_b64u", info.e2ee_psk_b64u);
        reader.read("channel_init_expire_at_unix_s", info.channel_init_expire_at_unix_s);
        read_enum(reader, "default_suite", info.default_suite,
                  {suite::x25519_hkdf_sha256_aes_256_gcm, suite::p256_hkdf_sha256_aes_256_gcm});
      });
}

}  // namespace flowersec::messages::direct::v1
