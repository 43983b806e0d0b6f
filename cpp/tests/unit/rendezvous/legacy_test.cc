// The compatible mode on the machine: the original's exchange and routing, with its defects repaired.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "flowersec/identity/legacy.h"
#include "unit/rendezvous/registry_world.h"

namespace flowersec::rendezvous {
namespace {

using namespace flowersec::testing;
namespace json = boost::json;

struct legacy_world : registry_world {
  using registry_world::registry_world;
  socket_id open_legacy(std::optional<public_key> path = {}) {
    const auto who = admit("10.0.1." + std::to_string(++addresses)).value();
    machine.on_open_legacy(who, path, now, wall_time{std::chrono::seconds{1'767'225'600}});
    collect();
    return who;
  }
  json::object next_object(socket_id who) { return json::parse(next_text(who)).as_object(); }
  json::object response(std::uint32_t number, const json::object& challenge) {
    const auto who = person(number);
    const auto server = public_key::parse(challenge.at("from").as_string()).value();
    const auto secret = identity::legacy_secret_of(who, server).value();
    std::array<std::byte, 24> nonce{};
    EXPECT_TRUE(decode_base64url_into(challenge.at("nonce").as_string(), nonce));
    return {{"type", "CHALLENGE_RESPONSE"},
            {"from", who.key().text()},
            {"to", challenge.at("from")},
            {"nonce", challenge.at("nonce")},
            {"message", identity::legacy_seal(secret, nonce, challenge.at("challengeText").as_string())}};
  }
  void say_object(socket_id who, const json::object& object) { say_text(who, json::serialize(object)); }
  socket_id registered_legacy(std::uint32_t number) {
    const auto who = open_legacy();
    say_object(who, response(number, next_object(who)));
    EXPECT_EQ(next_text(who), R"({"type":"REGISTER_SUCCESS"})");
    return who;
  }
  json::object message(std::uint32_t from, std::uint32_t to) {
    return {{"type", "MESSAGE"},
            {"from", key_of(from).text()},
            {"to", key_of(to).text()},
            {"nonce", "GBkaGxwdHh8gISIjJCUmJygpKissLS4v"},
            {"message", "p5BG5otPb48FXoQsx6CbhnKGb26bFv-AyKaD__BawDxwEx4"}};
  }
};

TEST(compatible_mode, registers_with_the_original_exchange) {
  legacy_world world;
  const auto who = world.open_legacy();
  const auto challenge = world.next_object(who);
  EXPECT_EQ(challenge.at("type").as_string(), "CHALLENGE");
  EXPECT_EQ(challenge.at("from").as_string(), world.keys->current().key().text());
  EXPECT_EQ(challenge.at("challengeText").as_string(), "welcome 2026-01-01T00:00:00Z");
  world.say_object(who, world.response(1, challenge));
  EXPECT_EQ(world.next_text(who), R"({"type":"REGISTER_SUCCESS"})");
  EXPECT_EQ(world.machine.counts().legacy_keys, 1U);
  EXPECT_EQ(world.machine.counts().unregistered, 0U);
}

TEST(compatible_mode, what_does_not_fit_is_told_and_closed) {
  const auto refused = [](auto change, std::optional<public_key> path = {}) {
    legacy_world world;
    const auto who = world.open_legacy(path);
    auto response = world.response(1, world.next_object(who));
    change(response);
    world.say_object(who, response);
    const auto answer = world.next_object(who);
    EXPECT_EQ(answer.at("type").as_string(), "REGISTER_FAILURE");
    EXPECT_FALSE(answer.at("error").as_string().empty());
    EXPECT_EQ(world.ended.at(who), 1008);
    EXPECT_EQ(world.machine.counts().legacy_keys, 0U);
  };
  refused([](json::object& o) { o["type"] = "MESSAGE"; });
  refused([](json::object& o) { o["from"] = "x"; });
  refused([](json::object& o) { o["from"] = key_of(2).text(); });
  refused([](json::object& o) { o["to"] = key_of(2).text(); });
  refused([](json::object& o) { o["nonce"] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"; });
  refused([](json::object& o) { o["message"] = "AAAA"; });
  refused([](json::object& o) { o.erase("message"); });
  refused([](json::object&) {}, key_of(2));
}

TEST(compatible_mode, the_key_of_the_path_may_register) {
  legacy_world world;
  const auto who = world.open_legacy(key_of(1));
  world.say_object(who, world.response(1, world.next_object(who)));
  EXPECT_EQ(world.next_text(who), R"({"type":"REGISTER_SUCCESS"})");
}

TEST(compatible_mode, registration_lapses_after_ten_seconds) {
  legacy_world world;
  const auto who = world.open_legacy();
  static_cast<void>(world.next_text(who));
  world.advance(9'999ms);
  EXPECT_TRUE(world.is_quiet(who));
  world.advance(1ms);
  EXPECT_EQ(world.next_object(who).at("error").as_string(), "time-out");
  EXPECT_TRUE(world.ended.contains(who));
}

TEST(compatible_mode, takes_four_registrations_at_once_of_an_address_and_four_a_second_with_work_or_without) {
  for (const bool work : {false, true}) {
    legacy_world world{{}, work};
    const auto open_one = [&]() -> std::string {
      const auto who = world.admit("10.0.2.1");
      if (!who) return "not admitted";
      world.machine.on_open_legacy(*who, {}, world.now, wall_time{});
      world.collect();
      const auto said = world.next_object(*who);
      const auto* error = said.if_contains("error");
      EXPECT_EQ(error != nullptr, world.ended.contains(*who));
      return std::string{(error != nullptr ? *error : said.at("type")).as_string()};
    };
    const std::string refused = work ? "too many registrations" : "not admitted";
    for (int count = 0; count < 4; ++count) EXPECT_EQ(open_one(), "CHALLENGE");
    EXPECT_EQ(open_one(), refused);
    world.advance(250ms);
    EXPECT_EQ(open_one(), "CHALLENGE");
    EXPECT_EQ(open_one(), refused);
  }
}

TEST(compatible_mode, the_first_registration_stays_until_it_leaves) {
  legacy_world world;
  const auto first = world.registered_legacy(1);
  const auto second = world.open_legacy();
  world.say_object(second, world.response(1, world.next_object(second)));
  EXPECT_EQ(world.next_object(second).at("error").as_string(), "SOCKET_ALREADY_REGISTERED");
  EXPECT_TRUE(world.ended.contains(second));
  EXPECT_TRUE(world.is_quiet(first));
  world.leave(first);
  world.registered_legacy(1);
}

TEST(compatible_mode, the_whole_envelope_is_delivered_and_confirmed) {
  legacy_world world;
  const auto alice = world.registered_legacy(1);
  const auto bob = world.registered_legacy(2);
  const auto envelope = world.message(1, 2);
  world.say_object(alice, envelope);
  EXPECT_EQ(world.next_object(bob), envelope);
  const json::object confirmation{
      {"type", "MESSAGE_DELIVERED"}, {"to", key_of(2).text()}, {"nonce", envelope.at("nonce")}};
  EXPECT_EQ(world.next_object(alice), confirmation);
  EXPECT_EQ(world.machine.counts().legacy_messages, 1U);
}

TEST(compatible_mode, a_message_that_cannot_go_comes_back_with_the_reason) {
  legacy_world world;
  const auto alice = world.registered_legacy(1);
  const auto bob = world.registered_legacy(2);
  const auto expect = [&](json::object envelope, std::string_view why) {
    world.say_object(alice, envelope);
    envelope["error"] = why;
    EXPECT_EQ(world.next_object(alice), envelope);
  };
  expect(world.message(3, 2), "SOCKET_NOT_REGISTERED");
  expect(world.message(2, 1), "MISMATCHED_SOCKET_PUBLIC_KEY");
  auto empty = world.message(1, 2);
  empty.erase("message");
  expect(empty, "MISSING_CONTENT_FIELD");
  expect(world.message(1, 3), "RECIPIENT_NOT_AVAILABLE");
  auto text = json::serialize(world.message(1, 3));
  text.insert(text.size() - 1, R"(,"x":[0e99999999999,1e400,0.10] )");
  world.say_text(alice, text + "\n");
  text.insert(text.size() - 1, R"(,"error":"RECIPIENT_NOT_AVAILABLE")");
  EXPECT_EQ(world.next_text(alice), text);
  auto other = world.message(1, 2);
  other["type"] = "OTHER";
  world.say_object(alice, other);
  world.say_text(alice, "no JSON");
  EXPECT_TRUE(world.is_quiet(alice));
  EXPECT_TRUE(world.is_quiet(bob));
}

TEST(compatible_mode, a_message_to_one_who_does_not_read_comes_back_and_the_recipient_stays) {
  legacy_world world;
  const auto alice = world.registered_legacy(1);
  const auto bob = world.registered_legacy(2);
  world.full.insert(bob);
  world.say_object(alice, world.message(1, 2));
  EXPECT_EQ(world.next_object(alice).at("error").as_string(), "RECIPIENT_NOT_AVAILABLE");
  EXPECT_TRUE(world.is_quiet(bob));
  world.full.clear();
  world.say_object(alice, world.message(1, 2));
  EXPECT_EQ(world.next_object(bob), world.message(1, 2));
}

TEST(compatible_mode, its_keys_and_those_of_the_protocol_are_apart) {
  legacy_world world;
  const auto modern = world.registered(1);
  const auto alice = world.registered_legacy(2);
  world.say_object(alice, world.message(2, 1));
  EXPECT_EQ(world.next_object(alice).at("error").as_string(), "RECIPIENT_NOT_AVAILABLE");
  world.registered_legacy(1);
  EXPECT_TRUE(world.is_quiet(modern));
}

TEST(compatible_mode, what_is_no_text_ends_it) {
  legacy_world world;
  const auto alice = world.registered_legacy(1);
  world.machine.on_bad_frame(alice, world.now);
  world.collect();
  EXPECT_EQ(world.ended.at(alice), 1008);
}

}  // namespace
}  // namespace flowersec::rendezvous
