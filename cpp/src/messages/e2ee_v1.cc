#include "flowersec/messages/e2ee_v1.h"

#include "messages/codec.h"

namespace flowersec::messages::e2ee::v1 {

std::string encode(const e2ee_init& message) {
  std::string out;
  json_object_writer{out}
      .field("channel_id", message.channel_id)
      .field("role", number_of(message.role))
      .field("version", message.version)
      .field("suite", number_of(message.suite))
      .field("client_eph_pub_b64u", message.client_eph_pub_b64u)
      .field("nonce_c_b64u", message.nonce_c_b64u)
      .field("client_features", message.client_features)
      .end();
  return out;
}

std::string encode(const e2ee_resp& message) {
  std::string out;
  json_object_writer{out}
      .field("handshake_id", message.handshake_id)
      .field("server_eph_pub_b64u", message.server_eph_pub_b64u)
      .field("nonce_s_b64u", message.nonce_s_b64u)
      .field("server_features", message.server_features)
      .end();
  return out;
}

std::string encode(const e2ee_ack& message) {
  std::string out;
  json_object_writer{out}
      .field("handshake_id", message.handshake_id)
      .field("timestamp_unix_s", message.timestamp_unix_s)
      .field("auth_tag_b64u", message.auth_tag_b64u)
      .end();
  return out;
}

decoded<e2ee_init> decode_e2ee_init(std::string_view text) {
  return decode_object<e2ee_init>("E2EE_Init", text, [](json_object_reader& reader, e2ee_init& message) {
    reader.read("channel_id", message.channel_id);
    read_enum(reader, "role", message.role, {role::client, role::server});
    reader.read("version", message.version);
    read_enum(reader, "suite", message.suite,
              {suite::x25519_hkdf_sha256_aes_256_gcm, suite::p256_hkdf_sha256_aes_256_gcm});
    reader.read("client_eph_pub_b64u", message.client_eph_pub_b64u);
    reader.read("nonce_c_b64u", message.nonce_c_b64u);
    reader.read("client_features", message.client_features);
  });
}

decoded<e2ee_resp> decode_e2ee_resp(std::string_view text) {
  return decode_object<e2ee_resp>("E2EE_Resp", text, [](json_object_reader& reader, e2ee_resp& message) {
    reader.read("handshake_id", message.handshake_id);
    reader.read("server_eph_pub_b64u", message.server_eph_pub_b64u);
    reader.read("nonce_s_b64u", message.nonce_s_b64u);
    reader.read("server_features", message.server_features);
  });
}

decoded<e2ee_ack> decode_e2ee_ack(std::string_view text) {
  return decode_object<e2ee_ack>("E2EE_Ack", text, [](json_object_reader& reader, e2ee_ack& message) {
    reader.read("handshake_id", message.handshake_id);
    reader.read("timestamp_unix_s", message.timestamp_unix_s);
    reader.read("auth_tag_b64u", message.auth_tag_b64u);
  });
}

}  // namespace flowersec::messages::e2ee::v1
