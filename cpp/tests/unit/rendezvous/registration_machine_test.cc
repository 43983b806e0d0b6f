// The registration with one registry on a virtual clock, against the proofs that a registry checks.
#include "rendezvous/registration_machine.h"

#include <gtest/gtest.h>

#include "flowersec/endpoint/error.h"
#include "support/case_table.h"

namespace flowersec::rendezvous {
namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;

std::string name_of(const error_code& why) {
  if (!why) return "";
  if (why.category() != make_error_code(rendezvous_errc::closed).category()) return " other";
  return " " + std::string{to_string(static_cast<rendezvous_errc>(why.value()))};
}

class script {
 public:
  explicit script(bool replace = false)
      : self(std::make_shared<identity::identity>(identity::identity::generate(system_random()).value())),
        machine(settings(replace), [] { return 0.5; }) {}

  words wanted() {
    words all;
    while (auto next = machine.poll_intent()) {
      if (const auto* dial = std::get_if<reg::dial>(&*next)) {
        attempt = dial->attempt;
        all.push_back("dial " + std::to_string(dial->key));
      }
      if (std::holds_alternative<reg::drop>(*next) && (all.empty() || all.back() != "drop")) all.push_back("drop");
      if (std::holds_alternative<reg::work>(*next)) all.push_back("work");
      if (std::holds_alternative<reg::pass>(*next)) all.push_back("pass");
      if (auto* send = std::get_if<reg::send>(&*next)) {
        if (const auto* frame = std::get_if<register_frame>(&send->frame)) last = *frame;
        all.push_back("send " + std::to_string(send->frame.index()));
      }
      if (const auto* changed = std::get_if<reg::changed>(&*next)) {
        all.push_back(std::string{to_string(changed->status)} + name_of(changed->why));
      }
    }
    return all;
  }
  words take(server_frame frame) {
    machine.take(attempt, std::move(frame), now);
    return wanted();
  }
  script& dialled() {
    machine.start();
    wanted();
    machine.opened(attempt, now);
    return *this;
  }
  script& registered() {
    dialled();
    take(challenge());
    take(registered_frame{.key = self->key()});
    return *this;
  }
  [[nodiscard]] challenge_frame challenge(std::optional<std::uint32_t> bits = {}) const {
    challenge_frame frame{.registry_keys = {other.key(), second.key()}, .pow_bits = bits};
    frame.challenge.fill(std::byte{5});
    return frame;
  }
  [[nodiscard]] bool proof_is_right(const identity::identity& registry) const {
    const auto with = challenge();
    return identity::verify_registration(registry, self->key(), identity::challenge_view{with.challenge}, last->replace,
                                         last->proof)
        .has_value();
  }
  words step() {
    EXPECT_TRUE(machine.deadline());
    now = machine.deadline().value_or(now);
    machine.advance(now);
    return wanted();
  }

  identity::identity first = identity::identity::generate(system_random()).value();
  identity::identity second = identity::identity::generate(system_random()).value();
  identity::identity other = identity::identity::generate(system_random()).value();
  std::shared_ptr<identity::identity> self;
  mono_time now{1000s};
  attempt_id attempt{};
  std::optional<register_frame> last;
  registration_machine machine;

 private:
  registration_settings settings(bool replace) const {
    registration_settings with{.self = self, .pinned = {first.key(), second.key()}, .replace = replace};
    with.reconnect = {.enabled = true, .jitter_ratio = 0};
    with.instance.fill(std::byte{3});
    return with;
  }
};

const words registers{"send 0"};

TEST(registration_machine, proves_its_key_to_the_first_offered_registry_that_is_pinned) {
  script client;
  client.machine.start();
  EXPECT_EQ(client.wanted(), (words{"connecting", "dial 0"}));
  client.machine.opened(client.attempt, client.now);
  EXPECT_EQ(client.wanted(), words{});
  EXPECT_EQ(client.take(client.challenge()), registers);
  EXPECT_EQ(client.last->registry_key, client.second.key());
  EXPECT_TRUE(client.proof_is_right(client.second));
  EXPECT_FALSE(client.proof_is_right(client.first));
  EXPECT_EQ(client.last->instance[0], std::byte{3});
  EXPECT_EQ(client.take(registered_frame{.key = client.self->key()}), words{"registered"});
}

TEST(registration_machine, says_nothing_to_a_registry_whose_keys_it_does_not_pin_and_never_comes_back) {
  script client;
  client.dialled();
  auto challenge = client.challenge();
  challenge.registry_keys = {client.other.key()};
  EXPECT_EQ(client.take(challenge), (words{"drop", "failed unpinned_registry"}));
  EXPECT_EQ(client.machine.deadline(), std::nullopt);
}

TEST(registration_machine, takes_over_once_when_it_is_asked_to) {
  script client{true};
  client.dialled().take(client.challenge());
  EXPECT_TRUE(client.last->replace);
  EXPECT_TRUE(client.proof_is_right(client.second));
  client.take(registered_frame{.key = client.self->key()});
  client.machine.lost(client.attempt, rendezvous_errc::connection_lost, false, client.now);
  client.wanted();
  client.step();
  client.machine.opened(client.attempt, client.now);
  client.take(client.challenge());
  EXPECT_FALSE(client.last->replace);
}

TEST(registration_machine, does_not_come_back_after_it_was_replaced) {
  script client;
  client.registered();
  EXPECT_EQ(client.take(error_frame{.code = rendezvous_errc::replaced, .fatal = true}),
            (words{"drop", "failed replaced"}));
  EXPECT_EQ(client.machine.deadline(), std::nullopt);
  client.machine.start();
  EXPECT_EQ(client.wanted(), (words{"connecting", "dial 0"}));
}

TEST(registration_machine, comes_back_with_another_proof_when_the_connection_is_lost) {
  script client;
  client.registered();
  const auto first_proof = client.last->proof;
  client.machine.lost(client.attempt, rendezvous_errc::connection_lost, false, client.now);
  EXPECT_EQ(client.wanted(), (words{"drop", "connecting connection_lost"}));
  EXPECT_EQ(client.machine.deadline(), client.now + 500ms);
  EXPECT_EQ(client.step(), words{"dial 0"});
  client.machine.opened(client.attempt, client.now);
  auto challenge = client.challenge();
  challenge.challenge.fill(std::byte{6});
  EXPECT_EQ(client.take(challenge), registers);
  EXPECT_NE(client.last->proof, first_proof);
}

TEST(registration_machine, waits_its_part_of_the_spread_for_a_registry_that_goes_away) {
  // The script draws the middle of everything: half of 10 s, behind the first wait.
  static constexpr auto wait = 500ms + 5s;
  const auto lost = [](script& client) {
    client.machine.lost(client.attempt, rendezvous_errc::connection_lost, true, client.now);
    EXPECT_EQ(client.wanted(), (words{"drop", "connecting connection_lost"}));
    EXPECT_EQ(client.machine.deadline(), client.now + wait);
    EXPECT_EQ(client.step(), words{"dial 0"});
  };
  const auto told = [](script& client) {
    EXPECT_EQ(client.take(error_frame{.code = rendezvous_errc::shutting_down, .fatal = true}),
              (words{"drop", "connecting shutting_down"}));
    EXPECT_EQ(client.machine.deadline(), client.now + wait);
  };
  script dialling;
  dialling.machine.start();
  dialling.wanted();
  lost(dialling);
  lost(script{}.dialled());
  lost(script{}.registered());
  told(script{}.dialled());
  told(script{}.registered());
}

TEST(registration_machine, gives_up_after_the_attempts_it_has) {
  script client;
  client.machine.start();
  client.wanted();
  for (int attempt = 0; attempt < 4; ++attempt) {
    client.machine.lost(client.attempt, rendezvous_errc::connection_lost, false, client.now);
    EXPECT_EQ(client.wanted(), (words{"drop", "connecting connection_lost"}));
    EXPECT_EQ(client.step(), words{"dial 0"});
  }
  client.machine.lost(client.attempt, rendezvous_errc::connection_lost, false, client.now);
  EXPECT_EQ(client.wanted(), (words{"drop", "failed connection_lost"}));
}

TEST(registration_machine, tries_the_next_pinned_key_when_a_registry_does_not_have_the_first) {
  script client;
  client.machine.start();
  client.wanted();
  const auto unknown_key = endpoint::make_error({.path = endpoint::path::direct,
                                                 .stage = endpoint::stage::handshake,
                                                 .code = endpoint::endpoint_errc::unknown_key});
  client.machine.lost(client.attempt, unknown_key, false, client.now);
  EXPECT_EQ(client.wanted(), (words{"drop", "connecting other"}));
  EXPECT_EQ(client.step(), words{"dial 1"});
  client.machine.lost(client.attempt, unknown_key, false, client.now);
  EXPECT_EQ(client.wanted(), (words{"drop", "connecting other"}));
  EXPECT_EQ(client.step(), words{"dial 0"});
}

TEST(registration_machine, has_ten_seconds_for_a_registration) {
  script client;
  client.dialled();
  EXPECT_EQ(client.machine.deadline(), client.now + 10s);
  client.machine.advance(client.now + 10s - 1ms);
  EXPECT_EQ(client.wanted(), words{});
  client.machine.advance(client.now + 10s);
  EXPECT_EQ(client.wanted(), (words{"drop", "connecting registration_timeout"}));
}

TEST(registration_machine, works_in_slices_as_hard_as_the_registry_may_ask) {
  script client;
  EXPECT_EQ(client.dialled().take(client.challenge(16)), words{"work"});
  words more;
  for (int slice = 0; slice < 10'000 && more != registers; ++slice) {
    client.machine.work(client.now);
    more = client.wanted();
    ASSERT_TRUE(more == registers || more == words{"work"});
  }
  ASSERT_EQ(more, registers);
  const auto challenge = client.challenge();
  EXPECT_TRUE(identity::is_work(identity::challenge_view{challenge.challenge}, client.self->key(), 16,
                                *client.last->pow_nonce));
}

TEST(registration_machine, refuses_more_work_than_twenty_bits) {
  script client;
  EXPECT_EQ(client.dialled().take(client.challenge(20)), words{"work"});
  script other;
  EXPECT_EQ(other.dialled().take(other.challenge(21)), (words{"drop", "connecting too_much_work"}));
}

TEST(registration_machine, stops_working_when_the_challenge_has_lapsed) {
  script client;
  auto challenge = client.challenge(20);
  challenge.expires_in_s = 3600;
  client.dialled().take(challenge);
  EXPECT_EQ(client.machine.deadline(), client.now + 30s);
  client.machine.advance(client.now + 30s);
  EXPECT_EQ(client.wanted(), (words{"drop", "connecting challenge_expired"}));
  client.machine.work(client.now);
  EXPECT_EQ(client.wanted(), words{});
}

TEST(registration_machine, keeps_the_connection_alive_and_notices_a_dead_one) {
  script client;
  client.registered();
  const auto began = client.now;
  EXPECT_EQ(client.step(), words{"send 7"});
  EXPECT_EQ(client.now - began, 25s);
  EXPECT_EQ(client.step(), words{"send 7"});
  EXPECT_EQ(client.step(), (words{"drop", "connecting silent_registry"}));
  EXPECT_EQ(client.now - began, 60s);
}

TEST(registration_machine, answers_a_ping_and_passes_the_rest_on_once_it_is_registered) {
  script client;
  client.registered();
  EXPECT_EQ(client.take(ping_frame{7}), words{"send 8"});
  EXPECT_EQ(client.take(pong_frame{7}), words{});
  EXPECT_EQ(client.take(unknown_frame{}), words{});
  EXPECT_EQ(client.take(presence_frame{.key = client.other.key(), .online = true}), words{"pass"});
  EXPECT_EQ(client.take(error_frame{.code = rendezvous_errc::rate_limited, .rid = 1}), words{"pass"});
  EXPECT_EQ(client.take(error_frame{.code = rendezvous_errc::rate_limited}), words{});
}

TEST(registration_machine, gives_up_a_connection_on_which_frames_come_out_of_turn) {
  const auto broken = words{"drop", "connecting bad_registry_frame"};
  EXPECT_EQ(script{}.dialled().take(cancelled_frame{"x"}), broken);
  script client;
  EXPECT_EQ(client.dialled().take(registered_frame{.key = client.self->key()}), broken);
  script twice;
  EXPECT_EQ(twice.registered().take(twice.challenge()), broken);
  script wrong;
  wrong.dialled().take(wrong.challenge());
  EXPECT_EQ(wrong.take(registered_frame{.key = wrong.other.key()}), broken);
}

rendezvous_errc code_named(std::string_view name) {
  int value = 1;
  while (to_string(static_cast<rendezvous_errc>(value)) != name) EXPECT_LT(++value, 100) << name;
  return static_cast<rendezvous_errc>(value);
}

TEST(registration_machine, every_case_of_the_shared_table) {
  const auto table = testing::read_cases("rendezvous/registration_ends.json");
  for (const auto& each : table.as_array()) {
    const auto& row = each.as_object();
    const auto* here = row.if_contains("cpp");
    const std::string_view name = (here != nullptr ? *here : row.at("code")).as_string();
    const words ends{"drop", (row.at("final").as_bool() ? "failed " : "connecting ") + std::string{name}};
    for (const bool is_registered : {false, true}) {
      script client;
      if (is_registered) {
        client.registered();
      } else {
        client.dialled().take(client.challenge());
      }
      if (row.at("said").as_bool()) {
        EXPECT_EQ(client.take(error_frame{.code = code_named(name), .fatal = true}), ends);
      } else {
        client.machine.lost(client.attempt, code_named(name), false, client.now);
        EXPECT_EQ(client.wanted(), ends);
      }
    }
  }
}

}  // namespace
}  // namespace flowersec::rendezvous
