#include "flowersec/ownwire/peer_message.h"

#include <cstdint>

#include "flowersec/base/json.h"

namespace flowersec::ownwire {

namespace {

constexpr std::uint32_t version = 1;

}  // namespace

std::string encode(const peer_message& message) {
  std::string out;
  json_object_writer{out}.field("v", version).field("type", "peer").field("remote_addr", message.remote_addr).end();
  return out;
}

std::optional<peer_message> decode_peer_message(std::string_view text) {
  const auto object = parse_json_object(text, max_peer_message_bytes);
  if (!object) return std::nullopt;
  json_object_reader reader{*object};
  std::uint32_t v = 0;
  std::string type;
  peer_message message;
  reader.read("v", v);
  reader.read("type", type);
  reader.read("remote_addr", message.remote_addr);
  const auto size = message.remote_addr.size();
  if (!reader.ok() || v != version || type != "peer" || size == 0 || size > max_remote_addr_bytes) return std::nullopt;
  return message;
}

}  // namespace flowersec::ownwire
