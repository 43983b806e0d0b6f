#include "flowersec/messages/token_v1.h"

#include <boost/json/array.hpp>

#include "flowersec/base/json_scan.h"
#include "messages/codec.h"
#include "messages/member_scan.h"

namespace flowersec::messages::token::v1 {
namespace {

constexpr std::string_view keyset_name = "KeysetFile";
constexpr std::string_view private_key_name = "PrivateKeyFile";

void append_indented_field(std::string& out, std::string_view indent, std::string_view name, std::string_view value,
                           bool last) {
  out += indent;
  append_json_string(out, name);
  out += ": ";
  append_json_string(out, value);
  out += last ? "\n" : ",\n";
}

void read_entries(json_object_reader& reader, std::vector<keyset_entry>& into) {
  const auto* member = reader.find_required("keys");
  if (member == nullptr) return;
  const auto* array = member->if_array();
  if (array == nullptr) return reader.fail("keys");
  for (const auto& element : *array) {
    const auto place = "keys[" + std::to_string(into.size()) + "]";
    const auto* object = element.if_object();
    if (object == nullptr) return reader.fail(place);
    json_object_reader entry_reader{*object};
    auto& entry = into.emplace_back();
    entry_reader.read("kid", entry.kid);
    entry_reader.read("pubkey_b64u", entry.pubkey_b64u);
    if (!entry_reader.ok()) return reader.fail(place + "." + entry_reader.bad_field());
  }
}

}  // namespace

std::string encode(const token_payload& payload) {
  std::string out;
  json_object_writer writer{out};
  writer.field("kid", payload.kid).field("aud", payload.aud);
  if (payload.iss && !payload.iss->empty()) writer.field("iss", *payload.iss);
  writer.field("channel_id", payload.channel_id)
      .field("role", payload.role)
      .field("token_id", payload.token_id)
      .field("init_exp", payload.init_exp)
      .field("idle_timeout_seconds", payload.idle_timeout_seconds)
      .field("iat", payload.iat)
      .field("exp", payload.exp)
      .end();
  return out;
}

decoded<token_payload> decode_token_payload(std::string_view text) {
  return decode_object<token_payload>("TokenPayload", text, [](json_object_reader& reader, token_payload& payload) {
    reader.read("kid", payload.kid);
    reader.read("aud", payload.aud);
    reader.read("iss", payload.iss);
    reader.read("channel_id", payload.channel_id);
    reader.read("role", payload.role);
    reader.read("token_id", payload.token_id);
    reader.read("init_exp", payload.init_exp);
    reader.read("idle_timeout_seconds", payload.idle_timeout_seconds);
    reader.read("iat", payload.iat);
    reader.read("exp", payload.exp);
  });
}

std::string encode(const keyset_file& file) {
  if (file.keys.empty()) return "{\n  \"keys\": []\n}";
  std::string out = "{\n  \"keys\": [\n";
  for (const auto& entry : file.keys) {
    out += "    {\n";
    append_indented_field(out, "      ", "kid", entry.kid, false);
    append_indented_field(out, "      ", "pubkey_b64u", entry.pubkey_b64u, true);
    out += &entry == &file.keys.back() ? "    }\n" : "    },\n";
  }
  return out += "  ]\n}";
}

decoded<keyset_file> decode_keyset_file(std::string_view text) {
  return decode_object<keyset_file>(
      keyset_name, text, [](json_object_reader& reader, keyset_file& file) { read_entries(reader, file.keys); });
}

std::string encode(const private_key_file& file) {
  std::string out;
  // Reserved once: growing would leave pieces of the key behind in freed memory.
  out.reserve(file.kid.size() * 6 + file.privkey_b64u.view().size() + 64);
  out += "{\n";
  append_indented_field(out, "  ", "kid", file.kid, false);
  append_indented_field(out, "  ", "privkey_b64u", file.privkey_b64u.view(), true);
  return out += '}';
}

decoded<private_key_file> decode_private_key_file(std::string_view text) {
  std::string_view raw_kid, raw_key, stranger;
  const bool is_object = text.size() <= max_text_bytes && scan_json_object(text, [&](const json_member& member) {
                           if (is_named(member, "kid")) {
                             raw_kid = member.raw_value;
                           } else if (is_named(member, "privkey_b64u")) {
                             raw_key = member.raw_value;
                           } else {
                             stranger = member.raw_name;
                           }
                         });
  if (!is_object) return decode_error{messages_errc::not_an_object, std::string{private_key_name}, {}};
  if (stranger.data() != nullptr) return bad_field(private_key_name, stranger);
  auto kid = decode_json_string(raw_kid);
  if (!kid) return bad_field(private_key_name, "kid");
  auto key = decode_json_string(raw_key);
  if (!key) return bad_field(private_key_name, "privkey_b64u");
  return private_key_file{std::move(*kid), sensitive_text{std::move(*key)}};
}

}  // namespace flowersec::messages::token::v1
