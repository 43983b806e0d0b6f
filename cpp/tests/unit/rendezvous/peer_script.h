// A peer machine, the time, and what it wanted since it was last asked.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "rendezvous/peer_machine.h"

namespace flowersec::rendezvous {

using namespace std::chrono_literals;
using words = std::vector<std::string>;
using presence = registry_view::presence;
using role = identity::call_role;

inline std::string name_of(const error_code& why) {
  return why ? " " + std::string{to_string(static_cast<rendezvous_errc>(why.value()))} : "";
}

class peer_script {
 public:
  words step() {
    words all = wants();
    machine.step(registries, wanted, now);
    std::ranges::move(wants(), std::back_inserter(all));
    return all;
  }
  words wants() {
    words all;
    while (auto next = machine.poll_intent()) {
      if (const auto* call = std::get_if<peer::call>(&*next)) all.push_back("call " + std::to_string(call->registry));
      if (const auto* call = std::get_if<peer::call_again>(&*next))
        all.push_back("again " + std::to_string(call->registry));
      if (const auto* fail = std::get_if<peer::fail>(&*next)) {
        all.push_back("fail" + name_of(fail->why));
        wanted = false;
      }
      if (const auto* changed = std::get_if<peer::changed>(&*next)) {
        all.push_back(std::string{to_string(changed->status)} + name_of(changed->why));
      }
    }
    return all;
  }
  peer_script& opened(role as = role::caller) {
    wanted = true;
    step();
    attach(0, as);
    machine.opened(0, as, now);
    wanted = false;
    step();
    return *this;
  }
  /// The number of the ticket.
  std::uint64_t attach(std::size_t registry, role as, bool still_calling = false) {
    machine.attaching(++ticket, registry, as, still_calling);
    return ticket;
  }
  void attach_fails(std::uint64_t which, std::size_t registry, role as) {
    machine.attach_failed(which, registry, as, rendezvous_errc::channel_failed, now);
  }
  void handshake_fails(std::size_t registry, role as) { attach_fails(attach(registry, as), registry, as); }
  /// Goes on to the next deadline.
  words wait() {
    EXPECT_TRUE(machine.deadline());
    now = machine.deadline().value_or(now);
    return step();
  }

  std::vector<registry_view> registries{{.registered = true}};
  bool wanted = false;
  mono_time now{1000s};
  std::uint64_t ticket = 0;
  peer_machine machine{{.enabled = true, .jitter_ratio = 0}, [] { return 0.5; }};
};

inline constexpr auto unavailable = rendezvous_errc::recipient_unavailable;

}  // namespace flowersec::rendezvous
