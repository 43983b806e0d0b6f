#include "flowersec/messages/controlplane_v1.h"

#include <boost/json/array.hpp>

#include "messages/codec.h"
#include "messages/grant_fields.h"

namespace flowersec::messages::controlplane::v1 {
namespace {

constexpr std::string_view grant_name = "ChannelInitGrant";

std::optional<suite> suite_of(const boost::json::value& element) {
  const auto* number = element.if_int64();
  if (number == nullptr) return std::nullopt;
  for (const auto known : {suite::x25519_hkdf_sha256_aes_256_gcm, suite::p256_hkdf_sha256_aes_256_gcm}) {
    if (*number == number_of(known)) return known;
  }
  return std::nullopt;
}

void read_suites(json_object_reader& reader, std::string_view name, std::vector<suite>& into) {
  const auto* member = reader.find_required(name);
  if (member == nullptr) return;
  const auto* array = member->if_array();
  if (array == nullptr) return reader.fail(name);
  for (const auto& element : *array) {
    const auto known = suite_of(element);
    if (!known) return reader.fail(std::string{name} + "[]");
    into.push_back(*known);
  }
}

void read_grant(json_object_reader& reader, channel_init_grant& grant) {
  reader.read("tunnel_url", grant.tunnel_url);
  reader.read("channel_id", grant.channel_id);
  reader.read("channel_init_expire_at_unix_s", grant.channel_init_expire_at_unix_s);
  reader.read("idle_timeout_seconds", grant.idle_timeout_seconds);
  read_enum(reader, "role", grant.role, {role::client, role::server});
  read_sensitive(reader, "token", grant.token);
  read_sensitive(reader, "e2ee_psk_b64u", grant.e2ee_psk_b64u);
  read_suites(reader, "allowed_suites", grant.allowed_suites);
  read_enum(reader, "default_suite", grant.default_suite,
            {suite::x25519_hkdf_sha256_aes_256_gcm, suite::p256_hkdf_sha256_aes_256_gcm});
}

std::string encode_suites(const std::vector<suite>& suites) {
  std::string out = "[";
  for (const auto each : suites) {
    if (out.size() > 1) out += ',';
    out += std::to_string(number_of(each));
  }
  return out += ']';
}

}  // namespace

channel_init_grant channel_init_grant::clone() const {
  return {.tunnel_url = tunnel_url,
          .channel_id = channel_id,
          .channel_init_expire_at_unix_s = channel_init_expire_at_unix_s,
          .idle_timeout_seconds = idle_timeout_seconds,
          .role = role,
          .token = token.clone(),
          .e2ee_psk_b64u = e2ee_psk_b64u.clone(),
          .allowed_suites = allowed_suites,
          .default_suite = default_suite};
}

std::string encode(const channel_init_grant& grant) {
  std::string out;
  json_object_writer{out}
      .field("tunnel_url", grant.tunnel_url)
      .field("channel_id", grant.channel_id)
      .field("channel_init_expire_at_unix_s", grant.channel_init_expire_at_unix_s)
      .field("idle_timeout_seconds", grant.idle_timeout_seconds)
      .field("role", number_of(grant.role))
      .field("token", grant.token.view())
      .field("e2ee_psk_b64u", grant.e2ee_psk_b64u.view())
      .raw("allowed_suites", encode_suites(grant.allowed_suites))
      .field("default_suite", number_of(grant.default_suite))
      .end();
  return out;
}

decoded<channel_init_grant> decode_channel_init_grant(std::string_view text) {
  return decode_object<channel_init_grant>(grant_name, text, read_grant);
}

decoded<channel_init_grant> decode_channel_init_grant(const boost::json::object& object) {
  return decode_fields<channel_init_grant>(grant_name, object, read_grant);
}

}  // namespace flowersec::messages::controlplane::v1
