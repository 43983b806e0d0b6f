// Messages between two contacts on a virtual clock: delivered once, in order, acknowledged when handed over.
#include "rendezvous/conversation.h"

#include <gtest/gtest.h>

namespace flowersec::rendezvous {
namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;

std::string name_of(const error_code& why) {
  return why ? std::string{to_string(static_cast<rendezvous_errc>(why.value()))} : "success";
}

std::string said(const channel_frame& frame) {
  if (const auto* message = std::get_if<channel_message>(&frame)) {
    return std::to_string(message->id) + "=" + message->content;
  }
  if (const auto* ack = std::get_if<channel_ack>(&frame)) return "ack " + std::to_string(ack->id);
  if (std::holds_alternative<channel_hello>(frame)) return "hello";
  return std::holds_alternative<channel_bye>(frame) ? "bye" : "unknown";
}

/// A machine, the time, and what it wanted since it was last asked.
class script {
 public:
  explicit script(conversation_settings settings = {}) : machine(own_id(), settings) {}

  words wanted() {
    words all;
    while (auto next = machine.poll_intent()) {
      if (const auto* write = std::get_if<talk::write>(&*next)) all.push_back("> " + said(write->frame));
      if (const auto* deliver = std::get_if<talk::deliver>(&*next)) {
        all.push_back("deliver " + deliver->message.content);
        if (takes) {
          machine.handed_over(deliver->message.id, now);
        } else {
          machine.refused(rendezvous_errc::not_handed_over);
        }
      }
      if (const auto* settle = std::get_if<talk::settle>(&*next)) {
        all.push_back("settle " + std::to_string(settle->id) + " " + name_of(settle->outcome));
      }
      if (const auto* leave = std::get_if<talk::leave>(&*next)) all.push_back(leave->asked_by_them ? "left" : "leave");
      if (const auto* drop = std::get_if<talk::drop>(&*next)) {
        all.push_back("drop " + name_of(drop->why) + (drop->silent ? " silent" : ""));
      }
    }
    return all;
  }
  std::uint64_t send(std::string json = "1") { return machine.send(std::move(json), {}, now).value(); }
  words take(const channel_frame& frame) {
    machine.take(frame, now);
    return wanted();
  }
  script& open(std::byte conversation = std::byte{7}) {
    machine.opened(now);
    channel_hello hello;
    hello.conversation.fill(conversation);
    take(hello);
    return *this;
  }
  words lose() {
    machine.lost();
    return wanted();
  }
  static channel_message message(std::uint64_t id, std::string content = "\"x\"") {
    return {.id = id, .content = std::move(content)};
  }

  mono_time now{1000s};
  bool takes = true;
  conversation machine;

 private:
  static conversation_id own_id() {
    conversation_id id;
    id.fill(std::byte{9});
    return id;
  }
};

TEST(conversation, says_hello_first_and_everything_that_waits_in_order) {
  script talk;
  talk.send("1");
  talk.send("2");
  EXPECT_EQ(talk.wanted(), words{});
  talk.machine.opened(talk.now);
  EXPECT_EQ(talk.wanted(), (words{"> hello", "> 1=1", "> 2=2"}));
  talk.send("3");
  EXPECT_EQ(talk.wanted(), words{"> 3=3"});
}

TEST(conversation, settles_a_message_at_its_acknowledgement_and_once) {
  script talk;
  talk.open();
  talk.send();
  talk.wanted();
  EXPECT_EQ(talk.take(channel_ack{1}), words{"settle 1 success"});
  EXPECT_EQ(talk.take(channel_ack{1}), words{});
  EXPECT_EQ(talk.take(channel_ack{99}), words{});
  EXPECT_EQ(talk.machine.pending(), 0u);
}

TEST(conversation, sends_again_what_was_not_acknowledged_with_the_numbers_it_had) {
  script talk;
  talk.open();
  for (const auto* each : {"1", "2", "3"}) talk.send(each);
  talk.wanted();
  talk.take(channel_ack{1});
  EXPECT_EQ(talk.lose(), words{});
  talk.machine.opened(talk.now);
  EXPECT_EQ(talk.wanted(), (words{"> hello", "> 2=2", "> 3=3"}));
  talk.send("4");
  EXPECT_EQ(talk.wanted(), words{"> 4=4"});
}

TEST(conversation, acknowledges_a_message_only_when_it_was_handed_over) {
  script talk;
  talk.open();
  EXPECT_EQ(talk.take(script::message(1)), (words{"deliver \"x\"", "> ack 1"}));
  talk.takes = false;
  EXPECT_EQ(talk.take(script::message(2)), (words{"deliver \"x\"", "drop not_handed_over"}));
  talk.takes = true;
  talk.open();
  EXPECT_EQ(talk.take(script::message(2)), (words{"deliver \"x\"", "> ack 2"}));
}

TEST(conversation, acknowledges_duplicates_again_and_delivers_them_not) {
  script talk;
  talk.open();
  talk.take(script::message(1));
  talk.take(script::message(5));
  EXPECT_EQ(talk.take(script::message(5)), words{"> ack 5"});
  EXPECT_EQ(talk.take(script::message(3)), words{"> ack 3"});
  talk.lose();
  talk.open();
  EXPECT_EQ(talk.take(script::message(5)), words{"> ack 5"});
  EXPECT_EQ(talk.take(script::message(6)), (words{"deliver \"x\"", "> ack 6"}));
}

TEST(conversation, counts_anew_in_another_conversation) {
  script talk;
  talk.open();
  talk.take(script::message(5));
  talk.lose();
  talk.open(std::byte{8});
  EXPECT_EQ(talk.take(script::message(1)), (words{"deliver \"x\"", "> ack 1"}));
}

TEST(conversation, delivers_nothing_of_a_channel_that_is_gone) {
  script talk;
  talk.open();
  talk.machine.take(script::message(1), talk.now);
  talk.machine.take(script::message(2), talk.now);
  EXPECT_EQ(talk.lose(), words{});
  talk.open();
  EXPECT_EQ(talk.take(script::message(1)), (words{"deliver \"x\"", "> ack 1"}));
}

TEST(conversation, wants_one_hello_and_wants_it_first) {
  script talk;
  talk.machine.opened(talk.now);
  talk.wanted();
  EXPECT_EQ(talk.take(script::message(1)), words{"drop channel_failed"});
  talk.open();
  EXPECT_EQ(talk.take(channel_hello{}), words{"drop channel_failed"});
  talk.open();
  EXPECT_EQ(talk.take(channel_unknown{}), words{});
}

TEST(conversation, gives_a_silent_contact_ten_seconds) {
  script talk;
  talk.machine.opened(talk.now);
  talk.wanted();
  EXPECT_EQ(talk.machine.deadline(), talk.now + 10s);
  talk.machine.advance(talk.now + 10s - 1ms);
  EXPECT_EQ(talk.wanted(), words{});
  talk.machine.advance(talk.now + 10s);
  EXPECT_EQ(talk.wanted(), words{"drop channel_failed silent"});
}

TEST(conversation, gives_a_message_thirty_seconds_from_when_it_has_left) {
  script talk;
  talk.open();
  talk.send("1");
  EXPECT_EQ(talk.wanted(), words{"> 1=1"});
  talk.machine.keep_open();
  EXPECT_EQ(talk.machine.deadline(), talk.now + 30s);
  talk.now += 20s;
  talk.machine.moved(1, talk.now);
  talk.send("2");
  talk.wanted();
  talk.machine.advance(talk.now + 30s - 1ms);
  EXPECT_EQ(talk.wanted(), words{});
  talk.machine.advance(talk.now + 30s);
  EXPECT_EQ(talk.wanted(), words{"drop channel_lost silent"});
  EXPECT_EQ(talk.machine.pending(), 2u);
  talk.machine.moved(1, talk.now);
  EXPECT_EQ(talk.machine.deadline(), std::nullopt);
  talk.open();
  EXPECT_EQ(talk.machine.deadline(), talk.now + 30s) << "on each channel anew";
}

TEST(conversation, gives_what_is_behind_a_message_its_time_when_that_has_left) {
  script talk;
  talk.open();
  talk.send("1");
  talk.send("2");
  talk.wanted();
  for (int piece = 0; piece < 3; ++piece) talk.machine.moved(1, talk.now += 20s);
  const auto first_left = talk.now;
  talk.machine.moved(2, talk.now += 10s);
  EXPECT_EQ(talk.machine.deadline(), first_left + 30s);
  talk.take(channel_ack{1});
  EXPECT_EQ(talk.machine.deadline(), talk.now + 30s);
  talk.take(channel_ack{2});
  EXPECT_EQ(talk.machine.deadline(), talk.now + 10min);
}

TEST(conversation, closes_a_channel_that_nobody_uses_for_ten_minutes) {
  script talk;
  talk.open();
  talk.now += 5min;
  talk.take(script::message(1));
  EXPECT_EQ(talk.machine.deadline(), talk.now + 10min);
  talk.machine.advance(talk.now + 10min - 1ms);
  EXPECT_EQ(talk.wanted(), words{});
  talk.machine.advance(talk.now + 10min);
  EXPECT_EQ(talk.wanted(), (words{"> bye", "leave"}));
  EXPECT_EQ(talk.machine.deadline(), std::nullopt);
}

TEST(conversation, keeps_a_channel_with_a_message_under_way_or_one_that_is_used_otherwise) {
  script talk;
  talk.open();
  talk.send();
  EXPECT_EQ(talk.machine.deadline(), talk.now + 30s);
  talk.take(channel_ack{1});
  EXPECT_NE(talk.machine.deadline(), std::nullopt);
  talk.machine.keep_open();
  EXPECT_EQ(talk.machine.deadline(), std::nullopt);
  talk.open();
  EXPECT_NE(talk.machine.deadline(), std::nullopt);
}

TEST(conversation, leaves_when_they_say_bye_and_keeps_what_waits) {
  script talk;
  talk.open();
  talk.send();
  talk.wanted();
  EXPECT_EQ(talk.take(channel_bye{}), words{"left"});
  EXPECT_EQ(talk.machine.pending(), 1u);
}

TEST(conversation, fails_everything_that_waits_at_once) {
  script talk;
  talk.send();
  talk.send();
  talk.machine.fail_all(rendezvous_errc::recipient_unavailable);
  EXPECT_EQ(talk.wanted(), (words{"settle 1 recipient_unavailable", "settle 2 recipient_unavailable"}));
  EXPECT_EQ(talk.send(), 3u);
}

TEST(conversation, takes_a_hundred_messages_and_not_one_more) {
  script talk;
  for (int count = 0; count < 100; ++count) talk.send();
  EXPECT_EQ(talk.machine.send("1", {}, talk.now).error(), make_error_code(rendezvous_errc::queue_full));
  talk.open();
  talk.take(channel_ack{1});
  EXPECT_EQ(talk.send(), 101u);
}

TEST(conversation, takes_a_mebibyte_and_not_one_byte_more) {
  script talk;
  const auto text = [](std::size_t bytes) { return '"' + std::string(bytes - 2, 'x') + '"'; };
  talk.send(text(524'288));
  EXPECT_EQ(talk.machine.send(text(524'289), {}, talk.now).error(), make_error_code(rendezvous_errc::queue_full));
  talk.send(text(524'288));
  EXPECT_EQ(talk.machine.send("1", {}, talk.now).error(), make_error_code(rendezvous_errc::queue_full));
}

TEST(conversation, takes_the_largest_frame_and_none_that_is_larger) {
  script talk;
  const auto frame_of = [](std::size_t bytes) {
    return encode(channel_message{.id = 1, .content = '"' + std::string(bytes, 'x') + '"'}).size();
  };
  const auto most = max_message_frame_bytes - frame_of(0);
  const auto text = [](std::size_t bytes) { return '"' + std::string(bytes, 'x') + '"'; };
  EXPECT_EQ(talk.machine.send(text(most + 1), {}, talk.now).error(),
            make_error_code(rendezvous_errc::message_too_large));
  EXPECT_EQ(talk.send(text(most)), 1u);
}

TEST(conversation, takes_one_json_value) {
  script talk;
  for (const auto* bad : {"", "x", "1 2", "{", "\"\xff\""}) {
    EXPECT_EQ(talk.machine.send(bad, {}, talk.now).error(), make_error_code(rendezvous_errc::message_not_json)) << bad;
  }
  for (const auto* good : {"null", "1.0", "\"\"", "[]", R"({"a":{"b":[1]}})"}) talk.send(good);
}

TEST(channel_frames, come_back_as_they_were) {
  channel_hello hello;
  hello.conversation.fill(std::byte{0xfe});
  const std::vector<channel_frame> frames{hello, channel_message{.id = 1, .content = R"({"a":1.0})", .sent_at_ms = -5},
                                          channel_message{.id = 9007199254740991, .content = "null"}, channel_ack{3},
                                          channel_bye{}};
  for (const auto& frame : frames) EXPECT_EQ(decode_channel_frame(encode(frame)), frame) << encode(frame);
  EXPECT_EQ(encode(frames[1]), R"({"type":"message","id":1,"content":{"a":1.0},"sent_at_ms":-5})");
  EXPECT_EQ(encode(hello), R"({"type":"hello","v":1,"conversation":"_v7-_v7-_v7-_v7-_v7-_g"})");
}

TEST(channel_frames, are_read_with_the_last_duplicate_and_unknown_keys) {
  EXPECT_EQ(decode_channel_frame(R"( {"id":1,"x":[{}],"type":"bye","id":2,"\u0074ype":"ack"} )"),
            channel_frame{channel_ack{2}});
  EXPECT_EQ(decode_channel_frame(R"({"type":"later"})"), channel_frame{channel_unknown{}});
}

TEST(channel_frames, are_refused_when_they_are_not_of_the_format) {
  for (const auto* bad :
       {"", "[]", "{}", R"({"type":1})", R"({"type":"hello","v":1})",
        R"({"type":"hello","v":2,"conversation":"AAAAAAAAAAAAAAAAAAAAAA"})",
        R"({"type":"hello","v":1,"conversation":"AAAAAAAAAAAAAAAAAAAAAAA"})",
        R"({"type":"hello","v":1,"conversation":"AAAAAAAAAAAAAAAAAAAAAB"})", R"({"type":"ack"})",
        R"({"type":"ack","id":0})", R"({"type":"ack","id":1.0})", R"({"type":"ack","id":9007199254740992})",
        R"({"type":"message","id":1})", R"({"type":"message","content":1})",
        R"({"type":"message","id":1,"content":1,"sent_at_ms":"x"})", R"({"type":"bye"}x)"}) {
    EXPECT_EQ(decode_channel_frame(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace flowersec::rendezvous
