// A registry machine with two registered clients, one of the original and a stranger, who say anything in any order and
// come and go while the time passes. What it holds stays within its limits, and it ends empty.
#include <cstdint>
#include <cstdlib>

#include "rendezvous/registry_machine.h"

using namespace flowersec;
using namespace flowersec::rendezvous;

namespace {

identity::identity person(char filler) {
  const std::string bytes(identity::key_bytes, filler);
  return identity::identity::from_private(as_bytes(bytes)).value();
}

std::shared_ptr<const registry_keys> keys_of_registry() {
  std::array<std::byte, sealed::key_bytes> bytes{};
  bytes.fill(std::byte{'r'});
  const sealed::keyring ring{{.key = sealed::key_pair::from_private(bytes)}};
  return std::make_shared<const registry_keys>(registry_keys::from(ring).value());
}

ticket_pair mint() {
  channel_ticket ticket;
  ticket.tunnel_url = "wss://t";
  ticket.channel_id = "c";
  ticket.init_expires = unix_seconds{1};
  ticket.idle_timeout = std::chrono::seconds{1};
  ticket.token = messages::sensitive_text{"t"};
  ticket.allowed_suites = {ticket_suite::x25519_hkdf_sha256_aes_256_gcm};
  auto server = ticket.clone();
  server.role = ticket_role::server;
  return {std::move(ticket), std::move(server)};
}

socket_id registered(registry_machine& machine, char who, mono_time now) {
  const auto self = person(who);
  const auto socket = machine.admit({.counted = {who}, .shown = {who}}, now).value();
  machine.on_open(socket, now);
  for (const auto& action : machine.take_actions()) {
    const auto* text = std::get_if<send_text>(&action);
    if (text == nullptr) continue;
    const auto frame = decode_server_frame(text->text);
    if (!frame || !std::holds_alternative<challenge_frame>(*frame)) continue;
    const auto& challenge = std::get<challenge_frame>(*frame);
    const auto& registry = challenge.registry_keys.front();
    register_frame answer{.key = self.key(), .registry_key = registry};
    answer.proof = identity::prove_registration(self, registry, challenge.challenge, false).value();
    machine.on_frame(socket, encode(client_frame{answer}), now);
  }
  return socket;
}

}  // namespace

// Each piece of the input: a byte that says who and what, a byte of length, that many bytes of text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto keys = keys_of_registry();
  registry_machine machine{registry_limits{.max_keys = 3}, {.keys = keys, .mint = [] { return mint(); }}};
  mono_time now{std::chrono::hours{1}};
  std::array<socket_id, 4> sockets{registered(machine, 'a', now), registered(machine, 'b', now)};
  sockets[2] = machine.admit({.counted = "c", .shown = "c"}, now).value();
  machine.on_open(sockets[2], now);
  sockets[3] = machine.admit({.counted = "d", .shown = "d"}, now).value();
  machine.on_open_legacy(sockets[3], std::nullopt, now, wall_time{});

  while (size >= 2) {
    const auto what = data[0];
    const auto length = std::min<std::size_t>(data[1], size - 2);
    const std::string_view text{reinterpret_cast<const char*>(data) + 2, length};
    const auto who = sockets[what & 3U];
    switch ((what >> 2U) & 3U) {
      case 0:
      case 1:
        machine.on_frame(who, text, now);
        break;
      case 2:
        now += std::chrono::milliseconds{100} * (length + 1);
        machine.on_time(now);
        break;
      default:
        if (length == 0) machine.on_gone(who, now);
        if (length == 1) machine.on_bad_frame(who, now);
        if (length == 2) machine.on_slow(who, now);
    }
    const auto counts = machine.counts();
    if (counts.keys > 3 || counts.open_calls > 24 || counts.watched > 3 * max_watched_keys) std::abort();
    static_cast<void>(machine.take_actions());
    static_cast<void>(machine.take_events());
    data += 2 + length;
    size -= 2 + length;
  }
  machine.stop(now);
  const auto counts = machine.counts();
  if (counts.sockets != 0 || counts.keys != 0 || counts.open_calls != 0 || counts.watched != 0) std::abort();
  if (counts.unregistered != 0 || counts.legacy_keys != 0) std::abort();
  return 0;
}
