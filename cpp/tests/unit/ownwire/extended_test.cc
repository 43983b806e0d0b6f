// The extended dialect of the internal WebSocket, on a virtual clock.
#include "hub_world.h"

namespace flowersec::ownwire {
namespace {

using texts = std::vector<std::string>;

std::string start_of(const std::string& session_id) {
  return encode_session_start({.session_id = session_id, .remote_addr = "192.0.2.1"});
}

TEST(extended, is_told_of_a_session_when_its_turn_comes) {
  hub_world world;
  const auto client = world.connect(dialect::extended);
  const auto who = world.join({.metadata = "m", .auth = "signed"});
  const auto id = world.session(who);
  const text_sender sender{.session_id = id, .metadata = "m", .auth = "signed", .remote_addr = "192.0.2.1"};
  EXPECT_EQ(world.take_client(client), texts{encode_session_start(sender)});
  world.text(who, 1, "hello");
  EXPECT_EQ(world.take_client(client), texts{encode_text(dialect::extended, sender, 1, "hello")});
}

TEST(extended, a_session_that_waited_is_announced_before_its_text) {
  hub_world world;
  const auto who = world.text(world.join(), 1);
  const auto client = world.connect(dialect::extended);
  const auto seen = world.take_client(client);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], start_of(world.session(who)));
}

TEST(extended, beside_a_compatible_one_only_the_bound_client_hears) {
  hub_world world;
  const auto plain = world.connect();
  const auto rich = world.connect(dialect::extended);
  const auto first = world.text(world.join(), 1);
  const auto second = world.text(world.join(), 1);
  EXPECT_EQ(world.take_client(plain).size(), 1U);
  EXPECT_EQ(world.take_client(rich).size(), 2U);
  world.say(first, typing_frame{.on = true});
  world.say(second, typing_frame{.on = true});
  EXPECT_TRUE(world.take_client(plain).empty());
  EXPECT_EQ(world.take_client(rich), texts{encode_client_typing(world.session(second), true)});
}

TEST(extended, ends_have_their_reasons) {
  const auto ends = [](auto end) {
    hub_world world;
    const auto client = world.connect(dialect::extended);
    const auto who = world.join();
    end(world, who);
    const auto seen = world.take_client(client);
    return seen.empty() ? std::string{} : seen.back();
  };
  const auto reason = [](const std::string& text) {
    const auto object = parse_json_object(text, 4096);
    return object ? std::string{object->at("type").as_string()} + ' ' + std::string{object->at("reason").as_string()}
                  : text;
  };
  EXPECT_EQ(reason(ends([](auto& world, auto who) { world.say(who, bye_frame{}); })), "session_end bye");
  EXPECT_EQ(reason(ends([](auto& world, auto who) { world.leave(who); })), "session_end disconnected");
  EXPECT_EQ(reason(ends([](auto& world, auto who) {
              world.text(who, 1);
              world.leave(who);
              world.pass(300s);
            })),
            "session_end expired");
}

TEST(extended, delivered_when_the_user_confirms) {
  hub_world world;
  const auto client = world.connect(dialect::extended);
  const auto who = world.join();
  const auto id = world.session(who);
  for (const auto* number : {"5", "6", "7"}) {
    world.send(client, R"({"content":"x","message_id":)" + std::string{number} + R"(,"session_id":")" + id + R"("})");
  }
  world.take_client(client);
  world.say(who, received_frame{.seq = 2});
  EXPECT_EQ(world.take_client(client), (texts{encode_delivered(id, 5), encode_delivered(id, 6)}));
  world.say(who, received_frame{.seq = 2});
  EXPECT_TRUE(world.take_client(client).empty());
  world.say(who, received_frame{.seq = 1'000});
  EXPECT_EQ(world.take_client(client), texts{encode_delivered(id, 7)});
}

TEST(extended, is_told_what_went_wrong) {
  hub_world world;
  const auto client = world.connect(dialect::extended);
  world.send(client, "nonsense");
  world.send(client, R"({"content":"x","message_id":5,"session_id":"gone"})");
  world.send(client, R"({"type":"typing","on":true,"session_id":"gone"})");
  EXPECT_EQ(world.take_client(client),
            (texts{encode_client_error(client_error::invalid_frame, std::nullopt, std::nullopt),
                   encode_client_error(client_error::session_unknown, "gone", 5),
                   encode_client_error(client_error::session_unknown, "gone", std::nullopt)}));
}

TEST(extended, is_told_of_a_reply_that_was_dropped) {
  gateway_limits limits;
  limits.max_kept_replies = 1;
  hub_world world{limits};
  const auto client = world.connect(dialect::extended);
  const auto who = world.text(world.join(), 1);
  const auto id = world.session(who);
  world.leave(who);
  world.take_client(client);
  for (const auto* number : {"5", "6"}) {
    world.send(client, R"({"content":"x","message_id":)" + std::string{number} + R"(,"session_id":")" + id + R"("})");
  }
  EXPECT_EQ(world.take_client(client), texts{encode_client_error(client_error::reply_dropped, id, 5)});
}

TEST(extended, typing_is_limited_like_texts) {
  hub_world world;
  const auto client = world.connect(dialect::extended);
  const auto who = world.join();
  world.take_client(client);
  for (int i = 0; i < 30; ++i) world.say(who, typing_frame{.on = true});
  EXPECT_EQ(world.take_client(client).size(), 20U);
}

TEST(extended, typing_of_the_backend_reaches_one_who_is_there) {
  hub_world world;
  const auto client = world.connect(dialect::extended);
  const auto who = world.text(world.join(), 1);
  const auto typing = R"({"type":"typing","on":true,"session_id":")" + world.session(who) + R"("})";
  world.take(who);
  world.send(client, typing);
  EXPECT_EQ(world.last(who), gateway_frame{typing_frame{.on = true}});
  world.leave(who);
  world.send(client, typing);
}

}  // namespace
}  // namespace flowersec::ownwire
