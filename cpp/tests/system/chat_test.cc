// flowersec chat with the real registry and tunnel: two messengers, invitations, what is said at the end, and what is
// kept.
#include <sys/stat.h>

#include <csignal>

#include "flowersec/base/display_text.h"
#include "flowersec/identity/file.h"
#include "system/chat_world.h"

namespace flowersec {
namespace {

using namespace chat_world;  // NOLINT

TEST(chat_program, two_people_talk_both_ways_and_nobody_between_them_reads_it) {
  world w;
  auto alice = w.newcomer("alice");
  auto bob = w.newcomer("bob");
  alice->add("Bob", *bob);
  bob->add("Alice", *alice);
  alice->await_registered();
  bob->await_registered();

  alice->send("Bob", "the lighthouse at nine");
  const auto heard = bob->event("message");
  EXPECT_EQ(heard.at("content").as_string(), "the lighthouse at nine");
  EXPECT_EQ(text_of(heard, "from"), "Alice");
  EXPECT_EQ(alice->delivery("delivered").at("id").as_int64(), 1);

  bob->send("Alice", {{"map", json::array{1, 2.5, nullptr}}});
  EXPECT_EQ(json::serialize(alice->event("message").at("content")), R"({"map":[1,2.5E0,null]})");
  (void)bob->delivery("delivered");

  alice->tell({{"do", "status"}});
  const auto status = alice->event("status");
  EXPECT_EQ(status.at("called").at(0).as_string(), "Bob");
  EXPECT_EQ(status.at("delivered").as_int64(), 1);
  EXPECT_EQ(status.at("received").as_int64(), 1);

  for (auto* each : {alice.get(), bob.get()}) {
    const auto [last, code] = each->leave();
    EXPECT_TRUE(last.at("undelivered").as_array().empty());
    EXPECT_EQ(code, 0);
  }
  for (auto* server : {&w.registry(), &w.tunnel()}) {
    server->send_signal(SIGTERM);
    const auto ended = server->wait();
    const auto said = ended.out + ended.err;
    for (const auto& secret : {std::string{"lighthouse"}, std::string{"map"}, alice->key(), bob->key()}) {
      EXPECT_EQ(said.find(secret), std::string::npos) << secret;
    }
  }
}

TEST(chat_program, an_invitation_brings_one_guest_in_and_no_second_one) {
  world w;
  auto host = w.newcomer("host");
  host->await_registered();
  host->tell({{"do", "invite"}, {"name", "May"}});
  const auto link = text_of(host->event("invitation"), "link");

  auto guest = w.newcomer("guest");
  guest->await_registered();
  guest->tell({{"do", "join"}, {"link", link}, {"name", "Host"}});
  guest->send("Host", "here I am");
  EXPECT_EQ(host->event("contact").at("contact").at("name").as_string(), "May");
  const auto heard = host->event("message");
  EXPECT_EQ(text_of(heard, "from"), "May");
  EXPECT_TRUE(heard.at("verified").as_bool());
  (void)guest->delivery("delivered");
  host->send("May", "welcome");
  EXPECT_EQ(guest->event("message").at("content").as_string(), "welcome");

  const auto kept = identity::read_identity_file(w.folder().file("host.json"), std::nullopt);
  ASSERT_TRUE(kept) << kept.error().text;
  EXPECT_EQ(kept->known.find("May")->key.text(), guest->key());
  EXPECT_EQ(kept->open.size(), 0U) << "it is used up, also for the next start";

  auto second = w.newcomer("second", {"--patience", "300ms"});
  second->await_registered();
  second->tell({{"do", "join"}, {"link", link}, {"name", "Host"}});
  second->send("Host", "me too");
  const auto [last, code] = second->leave();
  EXPECT_EQ(last.at("undelivered").as_array().size(), 1U);
  EXPECT_EQ(code, 1);
}

TEST(chat_program, an_invitation_is_good_after_a_restart_of_its_host_and_brings_a_newcomer_its_registry) {
  world w;
  auto host = w.newcomer("host");
  host->tell({{"do", "invite"}});
  const auto link = text_of(host->event("invitation"), "link");
  (void)host->leave();
  host = w.again("host");
  host->await_registered();
  messenger guest{{"--join", link, "--identity", "guest.json", "--new-identity", "--insecure-loopback"},
                  w.folder().path()};
  guest.await_registered();
  guest.send("host", "hello");
  EXPECT_EQ(text_of(host->event("message"), "from"), "guest");
  (void)guest.delivery("delivered");
}

TEST(chat_program, what_failed_is_delivered_after_a_retry) {
  world w;
  auto alice = w.newcomer("alice");
  auto bob = w.newcomer("bob");
  alice->add("Bob", *bob);
  bob->add("Alice", *alice);
  const auto is_online = [](bool online) { return [=](const auto& e) { return e.at("online").as_bool() == online; }; };
  (void)alice->event("presence", is_online(true));
  (void)bob->leave();
  (void)alice->event("presence", is_online(false));
  alice->send("Bob", "are you there?");
  const auto failed = alice->delivery("failed");
  EXPECT_EQ(text_of(failed, "error"), "offline");
  bob = w.again("bob");
  (void)alice->event("presence", is_online(true));
  alice->tell({{"do", "retry"}, {"id", failed.at("id")}});
  EXPECT_EQ(bob->event("message").at("content").as_string(), "are you there?");
  (void)alice->delivery("delivered");
}

TEST(chat_program, an_interrupt_waits_a_while_and_says_what_was_not_delivered) {
  world w;
  auto alice = w.newcomer("alice", {"--patience", "200ms"});
  auto bob = w.newcomer("bob");
  (void)bob->leave();
  alice->add("Bob", *bob);
  alice->await_registered();
  alice->send("Bob", "lost");
  (void)alice->delivery("sending");
  alice->child().send_signal(SIGINT);
  EXPECT_EQ(alice->event("waiting").at("messages").as_int64(), 1);
  const auto last = alice->event("ended");
  EXPECT_EQ(last.at("undelivered").at(0).at("content").as_string(), "lost");
  EXPECT_EQ(last.at("undelivered").at(0).at("error").as_string(), "not_acknowledged");
  EXPECT_EQ(alice->child().wait().exit_code, 1);
}

TEST(chat_program, a_second_interrupt_ends_it_at_once) {
  world w;
  auto alice = w.newcomer("alice", {"--patience", "1h"});
  auto bob = w.newcomer("bob");
  (void)bob->leave();
  alice->add("Bob", *bob);
  alice->send("Bob", "lost");
  (void)alice->delivery("sending");
  alice->child().send_signal(SIGTERM);
  (void)alice->event("waiting");
  alice->child().send_signal(SIGTERM);
  EXPECT_EQ(alice->child().wait().exit_code, 1);
}

TEST(chat_program, messages_go_on_while_the_registry_is_away) {
  world w;
  auto alice = w.newcomer("alice");
  auto bob = w.newcomer("bob");
  alice->add("Bob", *bob);
  bob->add("Alice", *alice);
  alice->await_registered();
  bob->await_registered();
  alice->send("Bob", "one");
  (void)bob->event("message");
  w.registry().send_signal(SIGKILL);
  (void)w.registry().wait();
  alice->send("Bob", "two");
  EXPECT_EQ(bob->event("message").at("content").as_string(), "two");
  w.start_registry(w.registry_listen());
  alice->await_registered();
}

TEST(chat_program, a_registration_elsewhere_is_refused_and_taken_over_on_demand) {
  world w;
  auto first = w.newcomer("alice");
  first->await_registered();
  const auto refused = [](const auto& e) { return text_of(e, "error") == "already_registered"; };
  auto second = w.again("alice");
  (void)second->event("registry", refused);
  auto third = w.again("alice", {"--replace"});
  third->await_registered();
  (void)first->event("registry", [](const auto& e) { return text_of(e, "error") == "replaced"; });
}

TEST(chat_program, the_identity_file_is_private_sealed_and_never_overwritten_by_a_new_one) {
  world w;
  testing_support::write_whole_file(w.folder().file("words"), "open sesame\n");
  ::chmod(w.folder().file("words").c_str(), 0600);
  auto alice = w.newcomer("alice", {"--passphrase-file", w.folder().file("words")});
  alice->tell({{"do", "export"}, {"file", w.folder().file("copy.json")}});
  (void)alice->event("exported");
  (void)alice->leave();
  for (const auto* name : {"alice.json", "copy.json"}) {
    struct stat about {};
    ASSERT_EQ(::stat(w.folder().file(name).c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
    const auto opened = identity::read_identity_file(w.folder().file(name), "open sesame");
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(opened->self->key().text(), alice->key());
  }
  const auto run = [&](process::words more) {
    auto arguments = w.flags(w.folder().file("alice.json"), std::move(more));
    arguments.insert(arguments.begin(), "chat");
    return testing_support::run_program("flowersec", arguments);
  };
  const auto overwriting = run({"--new-identity"});
  EXPECT_EQ(overwriting.exit_code, 1);
  EXPECT_NE(overwriting.err.find("is there"), std::string::npos);
  testing_support::write_whole_file(w.folder().file("words"), "wrong\n");
  EXPECT_EQ(run({"--passphrase-file", w.folder().file("words")}).exit_code, 1);
}

TEST(chat_program, people_see_text_of_others_made_harmless) {
  world w;
  auto alice = w.newcomer("alice");
  auto arguments = w.flags("bob.json", {"--new-identity", "--no-qr"});
  arguments.insert(arguments.begin(), "chat");
  process bob{"flowersec", arguments, {}, w.folder().path(), process::input::lines};
  const auto until = [&](const std::string& front) {
    while (auto line = bob.read_line()) {
      EXPECT_FALSE(has_hidden_characters(*line)) << *line;
      if (line->starts_with(front)) return *line;
    }
    return std::string{"nothing"};
  };
  const auto key = until("* your key: ").substr(std::string{"* your key: "}.size());
  (void)until("* registry " + w.registry_url() + ": registered");
  alice->await_registered();
  alice->tell({{"do", "add"}, {"name", "Bob"}, {"key", key}});
  bob.write_line("/add Alice " + alice->key());
  (void)until("* Alice: added");
  alice->send("Bob",
              "\x1b[2J\xe2\x80\xae"
              "evil\n* registry wss://x: registered");
  EXPECT_EQ(until("Alice: "), "Alice: \\u{1b}[2J\\u{202e}evil");
  EXPECT_EQ(bob.read_line(), "  | * registry wss://x: registered");
  bob.write_line("Alice: answer");
  EXPECT_EQ(alice->event("message").at("content").as_string(), "answer");
  (void)until("* 1 to Alice: delivered");
  bob.write_line("/quit");
  EXPECT_EQ(bob.wait().exit_code, 0);
}

}  // namespace
}  // namespace flowersec
