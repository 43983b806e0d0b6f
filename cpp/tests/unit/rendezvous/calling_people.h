// People whose registry is the test: what each is told goes into a call_machine, and what it wants comes out as words.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "flowersec/rendezvous/make_artifact.h"
#include "rendezvous/call_machine.h"

namespace flowersec::rendezvous::calling {

using namespace std::chrono_literals;
using words = std::vector<std::string>;
using identity::call_role;

inline constexpr unix_seconds wall{1'700'000'000};
inline const std::string registry_url_of_test = "wss://registry.test";

inline std::shared_ptr<identity::contacts> somebody() {
  auto self = std::make_shared<identity::identity>(identity::identity::generate(system_random()).value());
  return std::make_shared<identity::contacts>(std::move(self));
}

inline channel_ticket ticket(ticket_role role, std::string channel = "channel") {
  return {.tunnel_url = "wss://tunnel.test/ws",
          .channel_id = std::move(channel),
          .init_expires = wall,
          .idle_timeout = 300s,
          .role = role,
          .token = messages::sensitive_text{"FST2.x"},
          .allowed_suites = {ticket_suite::x25519_hkdf_sha256_aes_256_gcm}};
}

class person {
 public:
  explicit person(bool asks = false) : people(somebody()), machine(people, asks, system_random()) {}

  [[nodiscard]] const public_key& key() const { return people->owner().key(); }
  void knows(const person& other, identity::contact_policy policy = identity::contact_policy::allow) {
    ASSERT_TRUE(people->add(other.key(), "friend " + other.key().short_text(), policy));
  }

  words wanted() {
    words all;
    while (auto next = machine.poll_intent()) {
      if (auto* say = std::get_if<dial::say>(&*next)) {
        all.push_back(said(say->frame));
        outbox.push_back(std::move(say->frame));
      } else if (auto* attach = std::get_if<dial::attach>(&*next)) {
        all.push_back(attach->role == call_role::caller ? "attach caller" : "attach callee");
        attached = attach->number;
        psk = std::string{as_text(make_grant_bytes(*attach))};
      } else if (auto* failed = std::get_if<dial::failed>(&*next)) {
        all.push_back("failed " + std::string{to_string(static_cast<rendezvous_errc>(failed->why.value()))});
      } else if (auto* ask = std::get_if<dial::ask>(&*next)) {
        asked = ask->call.id;
        all.push_back("ask");
      } else if (auto* guest = std::get_if<dial::guest>(&*next)) {
        all.push_back("guest " + guest->name);
      } else if (auto* used = std::get_if<dial::invitation_used>(&*next)) {
        all.push_back("used");
        used_note = used->note;
      } else {
        all.push_back("bad call");
      }
    }
    return all;
  }
  words take(server_frame frame, registry_index registry = 0) {
    machine.take(registry, registry_url_of_test, std::move(frame), now, wall);
    return wanted();
  }
  words call(const person& other, registry_index via = 0) {
    machine.call(other.key(), via, now);
    return wanted();
  }
  template <class Frame>
  [[nodiscard]] const Frame& last() const {
    const auto found = std::find_if(outbox.rbegin(), outbox.rend(),
                                    [](const auto& each) { return std::holds_alternative<Frame>(each); });
    return std::get<Frame>(*found);
  }

  /// The registry tells them of our last call.
  words rings(person& other, std::string call_id = "c1", registry_index registry = 0,
              std::optional<public_key> from = {}) {
    const auto& call_of = last<call_frame>();
    return other.take(incoming_frame{.call_id = std::move(call_id),
                                     .from = from.value_or(key()),
                                     .eph = call_of.eph,
                                     .note = call_of.note,
                                     .grant = ticket(ticket_role::server)},
                      registry);
  }
  /// The registry tells us that they accepted.
  words granted(const person& other, std::string channel = "channel") {
    return take(grant_frame{.rid = last<call_frame>().rid,
                            .call_id = "c1",
                            .eph = other.last<accept_frame>().eph,
                            .grant = ticket(ticket_role::client, std::move(channel))});
  }

  mono_time now{1000s};
  std::shared_ptr<identity::contacts> people;
  call_machine machine;
  std::vector<client_frame> outbox;
  std::uint64_t attached = 0;
  std::uint64_t asked = 0;
  std::string used_note;
  std::string psk;

 private:
  static std::string said(const client_frame& frame) {
    if (const auto* call = std::get_if<call_frame>(&frame)) return call->note ? "call with note" : "call";
    if (std::holds_alternative<accept_frame>(frame)) return "accept";
    if (std::holds_alternative<decline_frame>(frame)) return "decline";
    return std::holds_alternative<cancel_frame>(frame) ? "cancel" : "other";
  }
  byte_view make_grant_bytes(const dial::attach& of) {
    kept_ = to_buffer(of.key.value().view());
    return kept_;
  }
  byte_buffer kept_;
};

inline const words nothing{};
inline const words answers{"accept", "attach callee"};

}  // namespace flowersec::rendezvous::calling
