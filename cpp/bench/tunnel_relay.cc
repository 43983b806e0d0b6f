#include "tunnel_relay.h"

#include <fstream>

#include "flowersec/base/base64url.h"
#include "flowersec/base/clock.h"
#include "flowersec/base/json.h"
#include "flowersec/messages/token_v1.h"
#include "flowersec/messages/tunnel_v1.h"

namespace flowersec::bench {
namespace {

constexpr const char* key_id = "bench";
constexpr const char* audience = "bench";
constexpr const char* issuer_name = "bench";
/// Tokens outlive the benchmark, so that no channel ends in the middle of a case.
constexpr std::int64_t token_seconds = 3600;
constexpr std::size_t max_ready_line_bytes = 4096;
constexpr std::size_t tunnel_open_files = 20'000;
/// Source addresses 127.0.0.2 .. 127.0.0.9.
constexpr std::uint64_t source_hosts = 8;

}  // namespace

token_issuer::token_issuer()
    : key_(crypto::ed25519_signing_key::generate(system_random()).value()),
      issued_at_(count(to_unix_seconds(system_clocks().wall_now()))) {}

std::string token_issuer::keyset() const {
  return encode(
      messages::token::v1::keyset_file{.keys = {{.kid = key_id, .pubkey_b64u = encode_base64url(key_.public_key())}}});
}

std::string token_issuer::attach_message(const std::string& channel, endpoint_role role) {
  const auto number = std::to_string(tokens_++);
  const messages::token::v1::token_payload payload{.kid = key_id,
                                                   .aud = audience,
                                                   .iss = issuer_name,
                                                   .channel_id = channel,
                                                   .role = static_cast<std::uint8_t>(role),
                                                   .token_id = "token-" + number,
                                                   .init_exp = issued_at_ + token_seconds,
                                                   .idle_timeout_seconds = token_seconds,
                                                   .iat = issued_at_,
                                                   .exp = issued_at_ + token_seconds};
  const auto signed_part = "FST2." + encode_base64url(as_bytes(encode(payload)));
  std::string text;
  json_object_writer{text}
      .field("v", messages::tunnel::v1::attach_version)
      .field("channel_id", channel)
      .field("role", static_cast<unsigned>(role))
      .field("token", signed_part + '.' + encode_base64url(key_.sign(as_bytes(signed_part))))
      .field("endpoint_instance_id", encode_base64url(as_bytes("instance-" + std::string(8, 'x'))))
      .end();
  return text;
}

tunnel_relay::tunnel_relay(const tunnel_options& options) : child_(start(options)) {
  const auto ready = parse_json_object(child_.read_line(), max_ready_line_bytes);
  const auto* listen = ready ? ready->if_contains("listen") : nullptr;
  if (listen == nullptr || !listen->is_string()) throw bench_error("flowersec-tunnel printed no ready line");
  const std::string address{listen->as_string()};
  port_ = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

child_process tunnel_relay::start(const tunnel_options& options) {
  std::ofstream{folder_.file("keys.json")} << issuer_.keyset();
  const auto seconds = std::to_string(token_seconds) + "s";
  return child_process{
      {.command = {options.program, "--listen", "127.0.0.1:0", "--issuer-keys-file", folder_.file("keys.json"), "--aud",
                   audience, "--iss", issuer_name, "--allow-origin", origin, "--max-token-lifetime", seconds,
                   "--max-init-horizon", seconds, "--write-timeout", "60s"},
       .environment = options.environment,
       .cpu = relay_cpu,
       .open_files = tunnel_open_files}};
}

tunnel_relay::attach_frames tunnel_relay::next_channel() {
  const auto channel = "channel-" + std::to_string(channels_++);
  const auto frame = [&](endpoint_role role) {
    return client_frame(frame_kind::text, as_bytes(issuer_.attach_message(channel, role)));
  };
  return {frame(endpoint_role::client), frame(endpoint_role::server)};
}

unique_fd tunnel_relay::connect_end(const byte_buffer& attach_frame) {
  auto fd = connect_to(port_, static_cast<int>(2 + channels_ % source_hosts));
  upgrade_to_websocket(fd.get(), path, origin);
  write_all(fd.get(), attach_frame);
  return fd;
}

std::vector<connection_pair> tunnel_relay::connect(std::size_t pairs) {
  std::vector<connection_pair> connected;
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto frames = next_channel();
    auto sender = connect_end(frames.client);
    auto sink = connect_end(frames.server);
    connected.push_back({std::move(sender), std::move(sink)});
  }
  return connected;
}

}  // namespace flowersec::bench
