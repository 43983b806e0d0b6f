// A registry machine on a virtual clock, with clients that hold real keys.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "flowersec/base/base64url.h"
#include "rendezvous/registry_machine.h"

namespace flowersec::testing {

using namespace std::chrono_literals;
namespace rv = rendezvous;

inline identity::identity person(std::uint32_t number) {
  std::array<std::byte, identity::key_bytes> bytes{};
  // The lowest bits of the first byte mean nothing.
  for (std::size_t i = 0; i < 4; ++i) bytes[i + 1] = static_cast<std::byte>(number >> (8 * i));
  bytes[31] = std::byte{7};
  return identity::identity::from_private(bytes).value();
}

inline identity::public_key key_of(std::uint32_t number) { return person(number).key(); }

inline std::shared_ptr<const rv::registry_keys> keys_of_registry(std::vector<char> fillers) {
  std::vector<sealed::keyring::entry> entries;
  for (const char filler : fillers) {
    std::array<std::byte, sealed::key_bytes> bytes{};
    bytes.fill(static_cast<std::byte>(filler));
    entries.push_back({.key = sealed::key_pair::from_private(bytes)});
  }
  auto made = rv::registry_keys::from(*sealed::keyring::of(std::move(entries)));
  return std::make_shared<const rv::registry_keys>(std::move(*made));
}

inline rv::ticket_pair ticket_number(std::uint64_t number) {
  rv::channel_ticket ticket;
  ticket.tunnel_url = "wss://t.example/ws";
  ticket.channel_id = "channel-" + std::to_string(number);
  ticket.init_expires = unix_seconds{1'790'000'000};
  ticket.idle_timeout = 300s;
  ticket.allowed_suites = {rv::ticket_suite::x25519_hkdf_sha256_aes_256_gcm};
  ticket.token = messages::sensitive_text{"FST2.client"};
  auto server = ticket.clone();
  server.role = rv::ticket_role::server;
  server.token = messages::sensitive_text{"FST2.server"};
  return {std::move(ticket), std::move(server)};
}

/// The machine, and what it did for each socket.
struct registry_world {
  explicit registry_world(const rv::registry_limits& limits = {}, bool work = false)
      : keys(keys_of_registry({'r', 'q'})), machine(limits, setup(work)) {}

  rv::registry_setup setup(bool work) {
    return {.keys = keys,
            .mint = [this]() -> result<rv::ticket_pair> {
              if (mint_fails) return make_error_code(boost::system::errc::io_error);
              return ticket_number(++minted);
            },
            .work = work,
            .may_call = [this](const identity::public_key&, const identity::public_key&) { return calls_allowed; },
            .has_room = [this](rv::socket_id who) { return !full.contains(who); }};
  }

  void collect() {
    for (auto& action : machine.take_actions()) {
      if (auto* text = std::get_if<rv::send_text>(&action)) {
        sent[text->to].push_back(std::move(text->text));
      } else {
        auto& end = std::get<rv::end_socket>(action);
        ended[end.who] = end.close_code;
      }
    }
    for (auto& event : machine.take_events()) events.push_back(std::move(event));
  }

  /// On to this time, through every deadline on the way.
  void advance(std::chrono::milliseconds by) {
    const auto until = now + by;
    for (auto next = machine.next_deadline(); next && *next <= until; next = machine.next_deadline()) {
      now = std::max(now, *next);
      machine.on_time(now);
      collect();
    }
    now = until;
    machine.on_time(now);
    collect();
  }

  std::optional<rv::socket_id> admit(const std::string& address) {
    const auto who = machine.admit({.counted = address, .shown = address}, now);
    collect();
    return who;
  }
  rv::socket_id open(const std::string& address = {}) {
    const auto who = admit(address.empty() ? "10.0.0." + std::to_string(++addresses) : address);
    EXPECT_TRUE(who);
    machine.on_open(who.value_or(0), now);
    collect();
    return who.value_or(0);
  }
  void say(rv::socket_id who, const rv::client_frame& frame) { say_text(who, encode(frame)); }
  void say_text(rv::socket_id who, std::string_view text) {
    machine.on_frame(who, text, now);
    collect();
  }
  void leave(rv::socket_id who) {
    machine.on_gone(who, now);
    collect();
  }

  /// The oldest frame that was sent to it and not looked at.
  std::string next_text(rv::socket_id who) {
    auto& texts = sent[who];
    if (texts.empty()) return {};
    auto text = std::move(texts.front());
    texts.pop_front();
    return text;
  }
  template <class Frame>
  std::optional<Frame> next(rv::socket_id who) {
    const auto text = next_text(who);
    auto frame = rv::decode_server_frame(text);
    if (!frame || !std::holds_alternative<Frame>(*frame)) {
      ADD_FAILURE() << "another frame: " << text;
      return std::nullopt;
    }
    return std::move(std::get<Frame>(*frame));
  }
  bool is_quiet(rv::socket_id who) { return sent[who].empty() && !ended.contains(who); }

  rv::register_frame proof(std::uint32_t number, const rv::challenge_frame& challenge, bool replace = false,
                           char instance = 'i') {
    const auto who = person(number);
    const auto& registry = challenge.registry_keys.front();
    rv::register_frame frame{.key = who.key(), .registry_key = registry};
    frame.proof = identity::prove_registration(who, registry, challenge.challenge, replace).value();
    frame.instance.fill(static_cast<std::byte>(instance));
    frame.replace = replace;
    return frame;
  }
  rv::socket_id registered(std::uint32_t number, bool replace = false, char instance = 'i') {
    const auto who = open();
    const auto challenge = next<rv::challenge_frame>(who);
    if (!challenge) return who;
    say(who, proof(number, *challenge, replace, instance));
    const auto answer = next<rv::registered_frame>(who);
    EXPECT_TRUE(answer && answer->key == key_of(number));
    return who;
  }
  void expect_error(rv::socket_id who, rv::rendezvous_errc code, std::optional<std::uint64_t> rid = {}) {
    const auto error = next<rv::error_frame>(who);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, code) << to_string(error->code);
    EXPECT_EQ(error->rid, rid);
    EXPECT_EQ(error->fatal, !rid.has_value());
  }
  void expect_refused(rv::socket_id who, rv::rendezvous_errc code) {
    expect_error(who, code);
    EXPECT_TRUE(ended.contains(who));
    EXPECT_EQ(ended[who], 1008);
  }

  std::shared_ptr<const rv::registry_keys> keys;
  std::uint64_t minted = 0;
  bool mint_fails = false;
  bool calls_allowed = true;
  std::set<rv::socket_id> full;  ///< who takes no more for now
  rv::registry_machine machine;
  mono_time now{std::chrono::hours{1}};
  std::uint32_t addresses = 0;
  std::map<rv::socket_id, std::deque<std::string>> sent;
  std::map<rv::socket_id, std::uint16_t> ended;
  std::vector<rv::registry_event> events;
};

inline rv::call_frame call_to(std::uint32_t number, std::uint64_t rid) {
  return {.rid = rid, .to = key_of(number), .eph = key_of(900)};
}

}  // namespace flowersec::testing
