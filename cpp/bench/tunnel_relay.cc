#include "tunnel_relay.h"

#include <fstream>

#include "flowersec/base/base64url.h"
#include "flowersec/base/clock.h"
#include "flowersec/base/json.h"

namespace flowersec::bench {
namespace {

constexpr const char* key_id = "bench";
constexpr const char* audience = "bench";
constexpr const char* issuer_name = "bench";
constexpr std::int64_t idle_seconds = 3600;
constexpr const char* queued_bytes = "1073741824";
constexpr std::size_t max_ready_line_bytes = 4096;
constexpr std::size_t tunnel_open_files = 20'000;
/// Source addresses 127.0.0.2 .. 127.0.0.9.
constexpr std::uint64_t source_hosts = 8;

std::uint16_t port_in(std::string_view address) {
  return static_cast<std::uint16_t>(std::stoi(std::string{address.substr(address.rfind(':') + 1)}));
}

/// Without this wait a large message could reach the tunnel before its receiver, and there is little room for such
/// messages.
void wait_until_attached(const std::vector<connection_pair>& pairs) {
  for (const auto& pair : pairs) {
    for (const int fd : {pair.sender.get(), pair.sink.get()}) {
      write_all(fd, ping_frame);
      std::array<std::byte, pong_frame.size()> answer{};
      read_exactly(fd, answer);
      if (answer != pong_frame) throw bench_error("the tunnel refused an attach");
    }
  }
}

}  // namespace

tunnel_relay::tunnel_relay(const tunnel_options& options)
    : issuer_(controlplane::issuer_keyset::generate(key_id, system_random()).value()),
      child_(start(options)),
      token_seconds_(options.token_lifetime.count()) {
  const auto ready = parse_json_object(child_.read_line(), max_ready_line_bytes);
  const auto* listen = ready ? ready->if_contains("listen") : nullptr;
  if (listen == nullptr || !listen->is_string()) throw bench_error("flowersec-tunnel printed no ready line");
  port_ = port_in(listen->as_string());
  if (const auto* url = ready->if_contains("metrics_url")) metrics_port_ = port_in(url->as_string());
  if (const auto* url = ready->if_contains("stats_url")) stats_port_ = port_in(url->as_string());
}

child_process tunnel_relay::start(const tunnel_options& options) {
  std::ofstream{folder_.file("keys.json")} << issuer_.export_keyset_file();
  const auto seconds = std::to_string(options.token_lifetime.count()) + "s";
  std::vector<std::string> command{options.program, "--listen", "127.0.0.1:0", "--write-timeout", "60s"};
  const auto add = [&](std::string flag, std::string value) {
    command.push_back(std::move(flag));
    command.push_back(std::move(value));
  };
  add("--issuer-keys-file", folder_.file("keys.json"));
  add("--aud", audience);
  add("--iss", issuer_name);
  add("--allow-origin", origin);
  add("--max-token-lifetime", seconds);
  add("--max-init-horizon", seconds);
  // As in production: with the series and the statistics that an operator watches.
  add("--metrics-listen", "127.0.0.1:0");
  if (options.statistics) add("--stats-listen", "127.0.0.1:0");
  // 64 pairs with messages of 1 MiB under way stand right at the default budget, which ends channels.
  add("--max-tenant-queued-bytes", queued_bytes);
  add("--max-total-queued-bytes", queued_bytes);
  command.insert(command.end(), options.more_arguments.begin(), options.more_arguments.end());
  return child_process{{.command = std::move(command),
                        .environment = options.environment,
                        .cpu = relay_cpu,
                        .open_files = tunnel_open_files}};
}

channel_draft tunnel_relay::next_draft(const std::string& family) {
  return {family + '-' + std::to_string(channels_++), count(to_unix_seconds(system_clocks().wall_now()))};
}

byte_buffer tunnel_relay::attach_frame(const channel_draft& channel, messages::tunnel::v1::role role) {
  const auto expires = channel.issued_at + token_seconds_;
  auto token = issuer_.sign({.kid = key_id,
                             .aud = audience,
                             .iss = issuer_name,
                             .channel_id = channel.name,
                             .role = static_cast<std::uint8_t>(role),
                             .token_id = channel.name + '.' + std::to_string(tokens_++),
                             .init_exp = expires,
                             .idle_timeout_seconds = idle_seconds,
                             .iat = channel.issued_at,
                             .exp = expires});
  const messages::tunnel::v1::attach message{
      .v = messages::tunnel::v1::attach_version,
      .channel_id = channel.name,
      .role = role,
      .token = std::move(token).value(),
      .endpoint_instance_id = encode_base64url(as_bytes("an instance of 24 bytes.")),
      .caps = {}};
  return client_frame(frame_kind::text, as_bytes(encode(message)));
}

tunnel_relay::attach_frames tunnel_relay::next_channel(const std::string& family) {
  const auto channel = next_draft(family);
  return {attach_frame(channel, messages::tunnel::v1::role::client),
          attach_frame(channel, messages::tunnel::v1::role::server)};
}

controlplane::channel_grants tunnel_relay::next_grants() {
  const controlplane::channel_init_options options{.tunnel_url = "ws://127.0.0.1:" + std::to_string(port_) + path,
                                                   .audience = audience,
                                                   .issuer = issuer_name,
                                                   .allowed_suites = {},
                                                   .default_suite = {}};
  const auto channel = "channel-" + std::to_string(channels_++);
  return controlplane::issue_channel(issuer_, options, channel, system_random(),
                                     to_unix_seconds(system_clocks().wall_now()))
      .value();
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
  wait_until_attached(connected);
  return connected;
}

}  // namespace flowersec::bench
