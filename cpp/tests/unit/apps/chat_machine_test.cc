// The messenger without terminal and network: what commands and events lead to.
#include "chat/machine.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "flowersec/rendezvous/error.h"
#include "unit/apps/chat_people.h"

namespace flowersec::apps {
namespace {

using namespace chat_testing;  // NOLINT
using rendezvous::rendezvous_errc;

constexpr unix_seconds now{1'000'000};

class messenger : public ::testing::Test {
 protected:
  messenger() : registry_(identity::identity::generate(people_.random).value().key()) {}

  void start() { (void)machine().start(now); }
  chat_machine& machine() {
    if (!machine_) {
      machine_.emplace(
          chat_setup{.registries = {{.url = "wss://r", .keys = {registry_}}}, .link_front = "https://page/"},
          people_.known, open_, people_.random);
    }
    return *machine_;
  }
  chat_intents line(std::string_view text) { return machine().on_command(parse_chat_line(text), now); }

  /// What an answer wants, one word each: "tell delivery", "send 1", "save"...
  static std::string words(const chat_intents& all) {
    struct {
      std::string operator()(const intents::tell& i) const {
        return std::string{boost::json::parse(i.what.json).at("event").as_string()};
      }
      std::string operator()(const intents::send& i) const { return "send:" + std::to_string(i.id) + ":" + i.content; }
      std::string operator()(const intents::save&) const { return "save"; }
      std::string operator()(const intents::refresh&) const { return "refresh"; }
      std::string operator()(const intents::retry_registries&) const { return "registries"; }
      std::string operator()(const intents::let_in& i) const { return "let_in:" + std::to_string(i.call); }
      std::string operator()(const intents::expect_guest& i) const { return "expect:" + i.name; }
      std::string operator()(const intents::use_invitation&) const { return "use"; }
      std::string operator()(const intents::write_copy& i) const { return "write:" + i.path; }
      std::string operator()(const intents::read_copy& i) const { return "read:" + i.path; }
      std::string operator()(const intents::wait&) const { return "wait"; }
      std::string operator()(const intents::finish& i) const { return "finish:" + std::to_string(i.exit_code); }
    } const word;
    std::string text;
    for (const auto& each : all) text += (text.empty() ? "" : " ") + std::visit(word, each);
    return text;
  }
  /// The first thing told, as a script sees it.
  static boost::json::object told(const chat_intents& all) {
    for (const auto& each : all) {
      if (const auto* tell = std::get_if<intents::tell>(&each)) return boost::json::parse(tell->what.json).as_object();
    }
    return {};
  }
  static std::string error_of(const chat_intents& all) {
    const auto event = told(all);
    return event.contains("error") ? std::string{event.at("error").as_string()} : "none";
  }
  chat_intents sent(std::uint64_t id) { return machine().on_sent(id, {}); }
  chat_intents failed(std::uint64_t id) {
    return machine().on_sent(id, make_error_code(rendezvous_errc::recipient_unavailable));
  }
  static const identity::invitation& invitation_in(const chat_intents& all) {
    for (const auto& each : all) {
      if (const auto* expect = std::get_if<intents::expect_guest>(&each)) return expect->given;
    }
    throw std::runtime_error("no invitation");
  }

  known_people people_;
  identity::public_key registry_;
  identity::open_invitations open_;
  std::optional<chat_machine> machine_;
};

TEST_F(messenger, sends_to_who_is_named_or_was_chosen) {
  EXPECT_EQ(words(line("Bob: hello \"you\"")), R"(delivery send:1:"hello \"you\"")");
  EXPECT_EQ(words(line(" Bob : 12:30")), R"(delivery send:2:"12:30")");
  EXPECT_EQ(error_of(line("hello")), "nobody_chosen");
  EXPECT_EQ(error_of(line("Bert: hello")), "nobody_chosen");
  EXPECT_EQ(error_of(line("Bob:  ")), "bad_command");
  EXPECT_EQ(words(line("/to Bob")), "contact");
  EXPECT_EQ(words(line("hello")), R"(delivery send:3:"hello")");
  EXPECT_EQ(words(line("Bert: hello")), R"(delivery send:4:"Bert: hello")");
  EXPECT_EQ(error_of(line("/to Bert")), "unknown_contact");
}

TEST_F(messenger, scripts_send_any_json_to_contacts_alone) {
  const auto send = [&](std::string_view text) { return machine().on_command(parse_chat_json(text), now); };
  EXPECT_EQ(words(send(R"({"do":"send","to":"Bob","content":{"a":1.0}})")), R"(delivery send:1:{"a":1.0})");
  EXPECT_EQ(error_of(send(R"({"do":"send","to":"Bert","content":1})")), "unknown_contact");
  EXPECT_EQ(error_of(send(R"({"do":"send","to":"Bob"})")), "bad_command");
}

TEST_F(messenger, shows_what_became_of_a_message) {
  (void)line("Bob: one");
  const auto done = told(sent(1));
  EXPECT_EQ(done.at("state").as_string(), "delivered");
  EXPECT_EQ(done.at("id").as_int64(), 1);
  EXPECT_EQ(words(sent(1)), "") << "once";
  (void)line("Bob: two");
  const auto lost = told(failed(2));
  EXPECT_EQ(lost.at("state").as_string(), "failed");
  EXPECT_EQ(lost.at("error").as_string(), "recipient_unavailable");
}

TEST_F(messenger, what_failed_is_sent_again_with_its_number) {
  for (const auto* text : {"Bob: one", "Bob: two", "Bob: three"}) (void)line(text);
  (void)failed(1);
  (void)failed(2);
  EXPECT_EQ(error_of(line("/retry 3")), "unknown_message");
  EXPECT_EQ(words(line("/retry 2")), R"(registries delivery send:2:"two")");
  EXPECT_EQ(error_of(line("/retry 2")), "unknown_message");
  (void)failed(2);
  EXPECT_EQ(words(line("/retry")), R"(registries delivery send:1:"one" delivery send:2:"two")");
  (void)sent(1);
  (void)sent(2);
  EXPECT_EQ(words(line("/retry")), "registries");
}

TEST_F(messenger, remembers_so_many_failures_and_no_more) {
  for (std::size_t i = 1; i <= max_failed_messages + 1; ++i) {
    (void)line("Bob: x");
    (void)failed(i);
    if (i == max_failed_messages) {
      EXPECT_EQ(words(line("/retry 1")), R"(registries delivery send:1:"x")");
      (void)failed(1);
    }
  }
  EXPECT_EQ(error_of(line("/retry 1")), "unknown_message");
  EXPECT_EQ(error_of(line("/retry 2")), "none");
}

TEST_F(messenger, remembers_failures_of_so_many_bytes) {
  const std::string half(max_failed_bytes / 2 - 2, 'x');  // with its quotes a half of the limit
  (void)line("Bob: " + half);
  (void)line("Bob: " + half);
  (void)failed(1);
  (void)failed(2);
  (void)line("Bob: y");
  (void)failed(3);
  EXPECT_EQ(error_of(line("/retry 1")), "unknown_message");
  EXPECT_EQ(error_of(line("/retry 2")), "none");
}

TEST_F(messenger, contacts_are_added_by_key_and_by_address) {
  const auto key = people_.carol_key().text();
  EXPECT_EQ(words(line("/add Carol " + key)), "contact save refresh");
  EXPECT_NE(people_.known.find("Carol"), nullptr);
  EXPECT_EQ(words(line("/remove Carol")), "contact save refresh");
  EXPECT_EQ(words(line("/add Carol https://Chat.Example/" + key)), "contact save refresh");
  EXPECT_EQ(error_of(line("/add Carola " + key)), "there is a contact with this key");
  EXPECT_EQ(error_of(line("/add Me " + people_.self().text())), "the key is the own one");
  EXPECT_EQ(words(line("/add Dora " + key.substr(1))), "error");
  EXPECT_EQ(words(line("/add D\xe2\x80\xaeora " + people_.self().text())), "error");
}

TEST_F(messenger, a_changed_key_is_warned_of_and_not_taken) {
  (void)people_.known.set_verified(people_.bob().key, true);
  const auto bobs = people_.bob().key;
  const auto warned = line("/add Bob " + people_.carol_key().text());
  EXPECT_EQ(words(warned), "key_changed");
  EXPECT_EQ(people_.known.find("Bob")->key, bobs);
  EXPECT_TRUE(people_.known.find("Bob")->verified);
  EXPECT_EQ(words(line("/replace Bob " + people_.carol_key().text())), "contact save refresh");
  EXPECT_EQ(people_.known.find("Bob")->key, people_.carol_key());
  EXPECT_FALSE(people_.known.find("Bob")->verified);
  EXPECT_EQ(error_of(line("/replace Bert " + bobs.text())), "unknown_contact");
}

TEST_F(messenger, verifying_shows_the_fingerprint_first) {
  const auto shown = told(line("/verify Bob"));
  EXPECT_EQ(shown.at("fingerprint").as_string(), identity::pair_fingerprint(people_.self(), people_.bob().key));
  EXPECT_FALSE(people_.bob().verified);
  EXPECT_EQ(words(line("/verify Bob yes")), "contact save");
  EXPECT_TRUE(people_.bob().verified);
  EXPECT_EQ(words(line("/verify Bob no")), "contact save");
  EXPECT_FALSE(people_.bob().verified);
  EXPECT_EQ(error_of(line("/verify Bert")), "unknown_contact");
}

TEST_F(messenger, nothing_is_sent_to_who_is_blocked) {
  EXPECT_EQ(words(line("/block Bob")), "contact save refresh");
  EXPECT_EQ(error_of(line("Bob: hi")), "blocked");
  EXPECT_EQ(words(line("/unblock Bob")), "contact save refresh");
  EXPECT_EQ(words(line("Bob: hi")), R"(delivery send:1:"hi")");
}

TEST_F(messenger, a_removed_contact_is_chosen_no_more) {
  (void)line("/to Bob");
  (void)line("/remove Bob");
  EXPECT_EQ(error_of(line("hi")), "nobody_chosen");
  EXPECT_EQ(error_of(line("/remove Bob")), "unknown_contact");
}

TEST_F(messenger, a_stranger_who_is_added_is_let_in_once) {
  EXPECT_EQ(words(machine().on_incoming({.id = 7, .from = people_.carol_key(), .registry_url = "wss://r"})),
            "stranger");
  EXPECT_EQ(words(machine().on_incoming({.id = 8, .from = people_.carol_key(), .registry_url = "wss://r"})),
            "stranger");
  EXPECT_EQ(words(line("/add Carol " + people_.carol_key().text())), "contact save refresh let_in:8");
  (void)line("/remove Carol");
  EXPECT_EQ(words(line("/add Carol " + people_.carol_key().text())), "contact save refresh");
}

TEST_F(messenger, so_many_strangers_are_remembered) {
  const auto call = [&](std::uint64_t id, const identity::public_key& from) {
    (void)machine().on_incoming({.id = id, .from = from, .registry_url = "wss://r"});
  };
  const auto other = [&] { return identity::identity::generate(people_.random).value().key(); };
  const auto second = other();
  call(1, people_.carol_key());
  call(2, second);
  for (std::uint64_t id = 3; id <= max_strangers + 1; ++id) call(id, other());
  EXPECT_EQ(words(line("/add Carol " + people_.carol_key().text())), "contact save refresh");
  EXPECT_EQ(words(line("/add Second " + second.text())), "contact save refresh let_in:2");
}

TEST_F(messenger, an_invitation_is_remembered_until_its_guest_comes) {
  const auto made = line("/invite May");
  EXPECT_EQ(words(made), "invitation save expect:May");
  const auto link = std::string{told(made).at("link").as_string()};
  EXPECT_TRUE(link.starts_with("https://page/#fsi1="));
  const auto given = identity::invitation::parse(link).value();
  EXPECT_EQ(given.host_key, people_.self());
  EXPECT_EQ(given.registry_key, registry_);
  EXPECT_EQ(open_.size(), 1U);
  EXPECT_EQ(words(line("/invite May")), "invitation save expect:May 2");
  (void)people_.known.add(people_.carol_key(), "May", identity::contact_policy::allow, true).value();
  EXPECT_EQ(words(machine().on_event(
                rendezvous::guest_arrived{.key = people_.carol_key(), .name = "May", .note = given.note()})),
            "save contact");
  EXPECT_EQ(open_.find(given.note(), now), nullptr);
  EXPECT_EQ(open_.size(), 1U);
}

TEST_F(messenger, an_invitation_that_a_contact_used_is_not_expected_again_after_a_start) {
  const auto given = identity::invitation::parse(std::string{told(line("/invite May")).at("link").as_string()}).value();
  const rendezvous::invitation_used used{.key = people_.carol_key(), .note = given.note()};
  EXPECT_EQ(words(machine().on_event(used)), "save");
  EXPECT_EQ(open_.size(), 0U);
  EXPECT_EQ(words(machine().on_event(used)), "");
  chat_machine again{{.registries = {{.url = "wss://r", .keys = {registry_}}}}, people_.known, open_, people_.random};
  EXPECT_EQ(words(again.start(now)), "ready");
}

TEST_F(messenger, open_invitations_are_expected_again_after_a_start_unless_they_lapsed) {
  (void)line("/invite May");
  (void)line("/invite");
  chat_machine again{{.registries = {{.url = "wss://r", .keys = {registry_}}}}, people_.known, open_, people_.random};
  EXPECT_EQ(words(again.start(now)), "ready expect:May expect:guest");
  constexpr std::int64_t day = 86'400;
  EXPECT_EQ(words(again.start(unix_seconds{count(now) + day - 1})), "ready expect:May expect:guest");
  EXPECT_EQ(words(again.start(unix_seconds{count(now) + day})), "ready");
}

TEST_F(messenger, a_link_brings_its_host_as_a_verified_contact_that_is_chosen) {
  known_people host;
  identity::open_invitations hosts_open;
  const auto given = identity::invitation::make("wss://r", registry_, people_.carol_key(), people_.random).value();
  const auto link = "https://elsewhere/" + given.fragment();
  EXPECT_EQ(words(line("/join " + link)), "contact save refresh use contact");
  EXPECT_TRUE(people_.known.find("host")->verified);
  EXPECT_EQ(words(line("hi")), R"(delivery send:1:"hi")");
  EXPECT_EQ(words(line("/join " + link + " Carol")), "use contact") << "the host is a contact already";
}

TEST_F(messenger, links_that_cannot_be_used_say_why) {
  const auto elsewhere =
      identity::invitation::make("wss://other", registry_, people_.carol_key(), people_.random).value();
  EXPECT_EQ(error_of(line("/join " + elsewhere.fragment())), "other_registry");
  const auto imposter =
      identity::invitation::make("wss://r", people_.bob().key, people_.carol_key(), people_.random).value();
  EXPECT_EQ(error_of(line("/join " + imposter.fragment())), "other_registry");
  EXPECT_EQ(words(line("/join https://a/#fsi1=x")), "error");
  const auto mine = identity::invitation::make("wss://r", registry_, people_.self(), people_.random).value();
  EXPECT_EQ(error_of(line("/join " + mine.fragment())), "the key is the own one");
  const auto good = identity::invitation::make("wss://r", registry_, people_.carol_key(), people_.random).value();
  EXPECT_EQ(words(line("/join " + good.fragment() + " Bob")), "key_changed");
}

TEST_F(messenger, messages_and_events_of_contacts_are_told) {
  const auto bob = people_.bob().key;
  EXPECT_EQ(words(machine().on_message({.from = bob, .content = "1"})), "message");
  EXPECT_EQ(words(machine().on_message({.from = people_.carol_key(), .content = "1"})), "");
  EXPECT_EQ(words(machine().on_event(rendezvous::presence_changed{.key = bob, .online = true})), "presence");
  EXPECT_EQ(words(machine().on_event(rendezvous::presence_changed{.key = people_.carol_key()})), "");
  EXPECT_EQ(words(machine().on_event(rendezvous::call_failed{.peer = people_.carol_key(), .why = {}})), "call_failed");
  EXPECT_EQ(words(machine().on_event(rendezvous::registry_changed{.url = "wss://r"})), "registry");
}

TEST_F(messenger, the_status_says_what_registry_and_tunnel_saw) {
  start();
  (void)machine().on_event(
      rendezvous::registry_changed{.url = "wss://r", .status = rendezvous::registry_status::registered});
  (void)machine().on_event(
      rendezvous::channel_changed{.peer = people_.bob().key, .status = rendezvous::channel_status::open});
  (void)line("Bob: hi");
  (void)sent(1);
  (void)machine().on_message({.from = people_.bob().key, .content = "1"});
  const auto report = told(line("/status"));
  EXPECT_EQ(report.at("registries").at(0).at("status").as_string(), "registered");
  EXPECT_EQ(report.at("registries").at(0).at("registrations").as_int64(), 1);
  EXPECT_EQ(report.at("called").at(0).as_string(), "Bob");
  EXPECT_EQ(report.at("channels").as_int64(), 1);
  EXPECT_EQ(report.at("watched").as_int64(), 1);
  EXPECT_EQ(report.at("delivered").as_int64(), 1);
  EXPECT_EQ(report.at("received").as_int64(), 1);
}

TEST_F(messenger, leaves_at_once_when_nothing_is_under_way) {
  EXPECT_EQ(words(machine().on_leave()), "ended finish:0");
  EXPECT_EQ(words(machine().on_leave()), "") << "once";
  EXPECT_EQ(words(line("Bob: hi")), "");
  EXPECT_EQ(words(machine().on_event(rendezvous::registry_changed{.url = "wss://r"})), "") << "the end is the last";
  EXPECT_EQ(words(machine().on_message({.from = people_.bob().key, .content = "1"})), "");
}

TEST_F(messenger, waits_for_what_is_under_way_and_takes_no_more) {
  (void)line("Bob: one");
  (void)line("Bob: two");
  EXPECT_EQ(words(line("/quit")), "waiting wait");
  EXPECT_EQ(words(line("Bob: three")), "");
  EXPECT_EQ(words(sent(1)), "delivery");
  EXPECT_EQ(words(sent(2)), "delivery ended finish:0");
  EXPECT_EQ(words(machine().on_patience_over()), "");
}

TEST_F(messenger, says_what_was_not_delivered_when_patience_ends) {
  (void)line("Bob: one");
  (void)line("Bob: two");
  (void)failed(1);
  (void)machine().on_leave();
  const auto last = machine().on_patience_over();
  EXPECT_EQ(words(last), "ended finish:1");
  const auto lost = told(last).at("undelivered").as_array();
  ASSERT_EQ(lost.size(), 2U);
  EXPECT_EQ(lost[0].at("error").as_string(), "recipient_unavailable");
  EXPECT_EQ(lost[1].at("error").as_string(), "not_acknowledged");
  EXPECT_EQ(words(sent(2)), "");
}

TEST_F(messenger, leaves_at_once_when_asked_twice) {
  (void)line("Bob: one");
  EXPECT_EQ(words(machine().on_leave()), "waiting wait");
  EXPECT_EQ(words(machine().on_leave()), "ended finish:1");
}

TEST_F(messenger, a_copy_brings_contacts_and_its_marks_when_it_is_of_the_same_identity) {
  const auto copy = [&](std::shared_ptr<identity::identity> of) {
    identity::stored_identity stored{.self = of, .known = identity::contacts{of}};
    (void)stored.known.add(people_.carol_key(), "Carol", identity::contact_policy::allow, true).value();
    (void)stored.known.add(people_.bob().key, "Robert").value();
    return stored;
  };
  const auto report = machine().on_imported(copy(people_.own));
  EXPECT_EQ(words(report), "imported save refresh");
  EXPECT_EQ(told(report).at("added").as_int64(), 1);
  EXPECT_EQ(told(report).at("known").as_int64(), 1);
  EXPECT_TRUE(people_.known.find("Carol")->verified);
  (void)people_.known.remove(people_.carol_key());
  (void)machine().on_imported(
      copy(std::make_shared<identity::identity>(identity::identity::generate(people_.random).value())));
  EXPECT_FALSE(people_.known.find("Carol")->verified);
}

TEST_F(messenger, a_copy_with_another_key_for_a_known_name_is_warned_of) {
  const auto of = std::make_shared<identity::identity>(identity::identity::generate(people_.random).value());
  identity::stored_identity stored{.self = of, .known = identity::contacts{of}};
  (void)stored.known.add(people_.carol_key(), "Bob").value();
  EXPECT_EQ(words(machine().on_imported(std::move(stored))), "key_changed imported");
  EXPECT_EQ(words(machine().on_imported(identity::file_error{.code = {}, .text = "no such file"})), "error");
  EXPECT_EQ(words(machine().on_exported("f", "")), "exported");
  EXPECT_EQ(words(machine().on_exported("f", "it exists")), "error");
}

}  // namespace
}  // namespace flowersec::apps
