// The two forms of what the messenger says: nothing of a stranger gets to a terminal as it came.
#include "chat/words.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "flowersec/base/display_text.h"
#include "flowersec/endpoint/error.h"
#include "flowersec/rendezvous/error.h"
#include "unit/apps/chat_people.h"

namespace flowersec::apps {
namespace {

using namespace chat_testing;  // NOLINT

TEST(chat_words, json_of_others_becomes_one_line_with_its_hidden_characters_as_escapes) {
  EXPECT_EQ(one_line_json("{ \"a\" : [ 1.0,\n\t\"x  y\" ] }"), R"({"a":[1.0,"x  y"]})");
  EXPECT_EQ(one_line_json("\"\xe2\x80\xae\""), R"("\u202e")");
  EXPECT_EQ(one_line_json("\"\xf3\xa0\x81\x81\""), R"("\udb40\udc41")");
  EXPECT_EQ(one_line_json("\"\xc2\x9b\x7f\""), R"("\u009b\u007f")");
  EXPECT_EQ(one_line_json(R"("a\"  b\\")"), R"("a\"  b\\")");
  EXPECT_EQ(one_line_json("\"b\xc3\xb6\""), "\"b\xc3\xb6\"");
}

TEST(chat_words, content_is_shown_as_text_or_as_json) {
  EXPECT_EQ(shown_content(R"("hello")"), "hello");
  EXPECT_EQ(shown_content(R"({ "text" : "hello" })"), R"({"text":"hello"})");
  EXPECT_EQ(shown_content(R"("\u001b[2J\u202e")"), "\\u{1b}[2J\\u{202e}");
}

TEST(chat_words, long_content_is_cut_between_characters_for_people_alone) {
  const auto of = [](const std::string& text) { return '"' + text + '"'; };
  const std::string fits(max_shown_bytes, 'x');
  EXPECT_EQ(shown_content(of(fits)), fits);
  EXPECT_EQ(shown_content(of(fits + "y")), fits + "\n(1 byte more, not shown)");
  const auto crossing = fits.substr(1) + "\xc3\xb6";
  EXPECT_EQ(shown_content(of(crossing)), fits.substr(1) + "\n(2 bytes more, not shown)");
  known_people people;
  EXPECT_NE(message(people.bob(), of(crossing), std::nullopt).json.find(crossing), std::string::npos);
}

TEST(chat_words, lines_of_a_message_cannot_pass_for_lines_of_the_program) {
  known_people people;
  const auto shown = message(people.bob(), R"("hi\n* registry: you are safe\r\nBob: yes")", 5);
  EXPECT_EQ(shown.text, "Bob: hi\n  | * registry: you are safe\n  | Bob: yes");
  EXPECT_EQ(shown.json,
            R"({"event":"message","from":"Bob","key":")" + people.bob().key.text() +
                R"(","verified":false,"content":"hi\n* registry: you are safe\r\nBob: yes","sent_at_ms":5})");
}

TEST(chat_words, notes_of_strangers_are_made_visible) {
  known_people people;
  const auto shown = stranger(people.carol_key(), "\x1b]0;x\x07\xe2\x80\xae");
  EXPECT_FALSE(has_hidden_characters(without_line_ends(shown.text)));
  EXPECT_NE(shown.text.find("\\u{1b}]0;x\\u{7}\\u{202e}"), std::string::npos);
  EXPECT_FALSE(has_hidden_characters(shown.json));
  EXPECT_EQ(boost::json::parse(shown.json).at("note").as_string(), "\x1b]0;x\x07\xe2\x80\xae");
}

TEST(chat_words, a_changed_key_is_a_warning_with_both_keys_and_the_way_on) {
  known_people people;
  const auto warned = key_warning(people.bob(), people.carol_key(), people.self());
  EXPECT_TRUE(warned.text.starts_with("! WARNING: Bob has another key"));
  EXPECT_NE(warned.text.find(people.bob().key.text()), std::string::npos);
  EXPECT_NE(warned.text.find("/replace Bob " + people.carol_key().text()), std::string::npos);
  const auto json = boost::json::parse(warned.json);
  EXPECT_EQ(json.at("known_key").as_string(), people.bob().key.text());
  EXPECT_EQ(json.at("fingerprint").as_string(), identity::pair_fingerprint(people.self(), people.carol_key()));
}

TEST(chat_words, errors_have_names_for_scripts) {
  EXPECT_EQ(error_name(make_error_code(rendezvous::rendezvous_errc::recipient_unavailable)), "recipient_unavailable");
  EXPECT_EQ(error_name(make_error_code(rendezvous::rendezvous_errc::queue_full)), "queue_full");
}

TEST(chat_words, the_invitation_is_for_the_eyes_and_the_camera) {
  const auto made = invitation_link("https://a/#fsi1=x", unix_seconds{90'000}, "May");
  EXPECT_TRUE(made.text.ends_with("\nhttps://a/#fsi1=x"));
  EXPECT_EQ(made.qr, "https://a/#fsi1=x");
  EXPECT_EQ(made.json, R"({"event":"invitation","link":"https://a/#fsi1=x","lapses":90000,"name":"May"})");
}

TEST(chat_words, what_was_not_delivered_is_said_at_the_end) {
  EXPECT_EQ(ended({}).text, "");
  EXPECT_EQ(ended({}).json, R"({"event":"ended","undelivered":[]})");
  const auto some = ended({{.id = 2, .to = "Bob", .content = R"("hi")", .why = "offline"}});
  EXPECT_EQ(some.text, "! not delivered to Bob: hi");
  EXPECT_EQ(some.json, R"({"event":"ended","undelivered":[{"id":2,"to":"Bob","content":"hi","error":"offline"}]})");
}

}  // namespace
}  // namespace flowersec::apps
