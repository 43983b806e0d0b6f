// The life of a chat on a virtual clock: what is said when, what is sent again, and when it is over.
#include "ownwire/client_machine.h"

#include <gtest/gtest.h>

namespace flowersec::ownwire {
namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;

std::string said(const user_frame& frame) {
  if (const auto* hello = std::get_if<hello_frame>(&frame)) return "hello " + hello->resume.value_or("-");
  if (const auto* text = std::get_if<text_frame>(&frame)) return std::to_string(text->id) + "=" + text->content;
  if (const auto* received = std::get_if<received_frame>(&frame)) return "received " + std::to_string(received->seq);
  if (const auto* typing = std::get_if<typing_frame>(&frame)) return typing->on ? "typing" : "not typing";
  return "bye";
}

std::string name_of(const error_code& why) {
  if (!why) return "success";
  if (why.category() == make_error_code(client_errc::closed).category()) {
    return std::string{to_string(static_cast<client_errc>(why.value()))};
  }
  return "connection: " + why.message();
}

std::string told(const client_event& event) {
  struct {
    std::string operator()(const state_changed& e) { return "state " + std::string{to_string(e.state)}; }
    std::string operator()(const session_opened& e) { return (e.resumed ? "resumed " : "session ") + e.session_id; }
    std::string operator()(const reply_received& e) { return "reply " + std::to_string(e.seq) + "=" + e.content; }
    std::string operator()(const text_sent& e) { return "sent " + std::to_string(e.id); }
    std::string operator()(const text_delivered& e) { return "delivered " + std::to_string(e.id); }
    std::string operator()(const text_failed& e) { return "failed " + std::to_string(e.id) + " " + name_of(e.why); }
    std::string operator()(const typing_changed& e) { return e.on ? "they type" : "they stopped"; }
    std::string operator()(const problem_met& e) { return "problem " + name_of(e.why); }
    std::string operator()(const chat_closed& e) { return "closed " + name_of(e.why); }
  } teller;
  return std::visit(teller, event);
}

/// A machine, the time, and what it has wanted since it was last asked.
class script {
 public:
  explicit script(machine_settings settings = {}) : machine(with_defaults(std::move(settings)), [] { return 0.5; }) {}

  words wanted() {
    words all;
    while (auto next = machine.poll_intent()) {
      if (const auto* dial = std::get_if<want::dial>(&*next)) {
        attempt = dial->attempt;
        all.push_back("dial");
      } else if (const auto* send = std::get_if<want::send>(&*next)) {
        all.push_back("> " + said(send->frame));
      } else if (std::holds_alternative<want::drop>(*next)) {
        // Dropping what is dropped already says nothing new.
        if (all.empty() || all.back() != "drop") all.push_back("drop");
      } else if (std::holds_alternative<want::leave>(*next)) {
        all.push_back("leave");
      } else if (const auto* answer = std::get_if<want::answer>(&*next)) {
        all.push_back("answer " + name_of(answer->outcome));
        answered = answer->run;
      } else {
        all.push_back(told(std::get<want::tell>(*next).event));
      }
    }
    return all;
  }
  std::uint64_t send(const std::string& text = "x") { return machine.send(text, now).value(); }
  script& dialled() {
    machine.connect();
    wanted();
    machine.opened(attempt, now);
    return *this;
  }
  script& open(welcome_frame welcome = {.session_id = "s1", .resume_token = "t1"}) {
    dialled();
    wanted();
    take(welcome);
    wanted();
    return *this;
  }
  void take(const gateway_frame& frame) { machine.take(attempt, frame, now); }
  void lose(bool draining = false) { machine.lost(attempt, client_errc::connection_lost, draining, now); }
  /// Goes on to the next deadline.
  words step() {
    EXPECT_TRUE(machine.deadline());
    now = std::max(now, machine.deadline().value_or(now));
    machine.advance(now);
    return wanted();
  }
  /// Loses the connection, waits, and has a stream again.
  words come_back() {
    lose();
    wanted();
    step();
    machine.opened(attempt, now);
    return wanted();
  }

  mono_time now{1000s};
  attempt_id attempt{};
  std::uint64_t answered = 0;
  client_machine machine;

 private:
  static machine_settings with_defaults(machine_settings settings) {
    settings.reconnect.enabled = true;
    settings.reconnect.jitter_ratio = 0;
    return settings;
  }
};

TEST(client_machine, says_nothing_before_the_hello_and_no_text_before_the_welcome) {
  script chat{{.metadata = "who", .auth = "proof"}};
  EXPECT_EQ(chat.send("early"), 1u);
  EXPECT_EQ(chat.wanted(), words{});
  chat.machine.connect();
  chat.machine.connect();
  EXPECT_EQ(chat.wanted(), (words{"dial", "state connecting"}));
  chat.send("later");
  chat.machine.opened(chat.attempt, chat.now);
  const auto hello = chat.machine.poll_intent();
  const auto& frame = std::get<hello_frame>(std::get<want::send>(*hello).frame);
  EXPECT_EQ(frame, (hello_frame{.metadata = "who", .resume = {}, .auth = "proof"}));
  EXPECT_EQ(chat.wanted(), words{});
  chat.take(welcome_frame{.session_id = "s1", .resume_token = "t1"});
  EXPECT_EQ(chat.wanted(),
            (words{"state open", "session s1", "answer success", "> 1=early", "sent 1", "> 2=later", "sent 2"}));
}

TEST(client_machine, ten_texts_leave_at_once_then_one_every_525_ms_in_order) {
  script chat;
  for (int i = 0; i < 13; ++i) chat.send(std::to_string(i));
  chat.dialled();
  chat.wanted();
  chat.take(welcome_frame{.session_id = "s1", .resume_token = "t1"});
  const auto first = chat.wanted();
  EXPECT_EQ(std::count_if(first.begin(), first.end(), [](const auto& word) { return word.starts_with("> "); }), 10);
  for (std::uint64_t id = 1; id <= 10; ++id) chat.take(ack_frame{id});
  chat.wanted();
  const auto begin = chat.now;
  EXPECT_EQ(chat.step(), (words{"> 11=10", "sent 11"}));
  EXPECT_EQ(chat.now - begin, 525ms);
  EXPECT_EQ(chat.step(), (words{"> 12=11", "sent 12"}));
  EXPECT_EQ(chat.now - begin, 1050ms);
}

TEST(client_machine, an_acknowledged_text_is_delivered_once) {
  script chat;
  chat.open();
  chat.send();
  chat.wanted();
  chat.take(ack_frame{1});
  EXPECT_EQ(chat.wanted(), words{"delivered 1"});
  chat.take(ack_frame{1});
  chat.take(ack_frame{7});
  chat.take(error_frame{.code = chat_error::rate_limited, .id = 1});
  EXPECT_EQ(chat.wanted(), words{});
  EXPECT_FALSE(chat.machine.deadline());
}

TEST(client_machine, a_missing_acknowledgement_is_a_dead_connection_after_10_s) {
  script chat;
  chat.open();
  const auto begin = chat.now;
  chat.send("one");
  chat.now += 9s;
  chat.machine.advance(chat.now);
  chat.send("two");
  chat.wanted();
  EXPECT_EQ(chat.step(), (words{"drop", "problem ack_timeout", "drop", "state reconnecting"}));
  EXPECT_EQ(chat.now - begin, 10s);
}

TEST(client_machine, an_acknowledgement_of_another_text_does_not_help) {
  script chat;
  chat.open();
  chat.send("one");
  chat.send("two");
  chat.take(ack_frame{1});
  chat.wanted();
  chat.now += 10s - 1ms;
  chat.machine.advance(chat.now);
  EXPECT_EQ(chat.wanted(), words{});
  chat.now += 1ms;
  chat.machine.advance(chat.now);
  EXPECT_EQ(chat.machine.state(), client_state::reconnecting);
}

TEST(client_machine, a_resumed_session_goes_on_with_its_numbers) {
  script chat;
  chat.open();
  chat.send("one");
  chat.send("two");
  chat.take(ack_frame{1});
  chat.take(reply_frame{.seq = 3, .content = "hi"});
  EXPECT_EQ(chat.wanted().back(), "> received 3");
  EXPECT_EQ(chat.come_back(), words{"> hello t1"});
  chat.send("three");
  chat.take(welcome_frame{.session_id = "s1", .resume_token = "t2", .resumed = true, .last_id = 2});
  EXPECT_EQ(chat.wanted(), (words{"state open", "resumed s1", "answer success", "> received 3", "> 2=two", "sent 2",
                                  "> 3=three", "sent 3"}));
  chat.take(reply_frame{.seq = 3, .content = "again"});
  EXPECT_EQ(chat.wanted(), words{"> received 3"}) << "shown once";
  EXPECT_EQ(chat.come_back(), words{"> hello t2"}) << "the newest token";
}

TEST(client_machine, what_the_gateway_has_is_waited_for_without_an_end) {
  script chat;
  chat.open();
  chat.send("waits at the gateway");
  chat.come_back();
  chat.take(welcome_frame{.session_id = "s1", .resume_token = "t2", .resumed = true, .last_id = 1});
  chat.wanted();
  EXPECT_FALSE(chat.machine.deadline());
  chat.take(ack_frame{1});
  EXPECT_EQ(chat.wanted(), words{"delivered 1"});
}

TEST(client_machine, after_session_unknown_unacknowledged_texts_are_numbered_from_1_and_keep_their_ids) {
  script chat;
  chat.open();
  chat.send("one");
  chat.send("two");
  chat.send("three");
  chat.take(ack_frame{1});
  chat.come_back();
  chat.take(error_frame{.code = chat_error::session_unknown});
  EXPECT_EQ(chat.wanted(), words{"problem session_unknown"});
  chat.take(welcome_frame{.session_id = "s2", .resume_token = "u1"});
  EXPECT_EQ(chat.wanted(),
            (words{"state open", "session s2", "answer success", "> 1=two", "sent 2", "> 2=three", "sent 3"}));
  chat.take(ack_frame{1});
  EXPECT_EQ(chat.wanted(), words{"delivered 2"});
  chat.take(reply_frame{.seq = 1, .content = "first of the new session"});
  EXPECT_EQ(chat.wanted(), (words{"reply 1=first of the new session", "> received 1"}));
}

TEST(client_machine, session_taken_is_the_end_and_nothing_is_tried_again) {
  script chat;
  chat.open();
  chat.send();
  chat.wanted();
  chat.take(error_frame{.code = chat_error::session_taken, .fatal = true});
  EXPECT_EQ(chat.wanted(),
            (words{"drop", "state closed", "failed 1 session_taken", "closed session_taken", "answer session_taken"}));
  EXPECT_FALSE(chat.machine.deadline());
  EXPECT_EQ(chat.machine.send("late", chat.now).error(), client_errc::closed);
}

TEST(client_machine, a_fatal_error_that_would_come_again_is_the_end) {
  for (const auto code : {chat_error::invalid_frame, chat_error::metadata_too_large, chat_error::content_too_large}) {
    script chat;
    chat.dialled();
    chat.take(error_frame{.code = code, .fatal = true});
    EXPECT_EQ(chat.machine.state(), client_state::closed);
    EXPECT_FALSE(chat.machine.deadline());
  }
  for (const auto code : {chat_error::shutting_down, chat_error::rate_limited, chat_error::other}) {
    script chat;
    chat.dialled();
    chat.take(error_frame{.code = code, .fatal = true});
    EXPECT_EQ(chat.machine.state(), client_state::connecting);
    EXPECT_TRUE(chat.machine.deadline());
  }
}

TEST(client_machine, a_refused_text_has_failed_and_the_chat_goes_on) {
  script chat;
  chat.open();
  chat.send();
  chat.send();
  chat.wanted();
  chat.take(error_frame{.code = chat_error::backend_unavailable, .id = 2});
  EXPECT_EQ(chat.wanted(), words{"failed 2 backend_unavailable"});
  EXPECT_EQ(chat.machine.state(), client_state::open);
  EXPECT_EQ(chat.machine.pending(), 1u);
}

TEST(client_machine, waits_grow_and_five_attempts_are_made) {
  script chat;
  chat.send();
  chat.machine.connect();
  chat.wanted();
  std::vector<std::int64_t> waits;
  for (int attempt = 1; attempt < 5; ++attempt) {
    chat.lose();
    chat.wanted();
    const auto before = chat.now;
    EXPECT_EQ(chat.step(), words{"dial"});
    waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(chat.now - before).count());
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{500, 900, 1620, 2916}));
  chat.lose();
  EXPECT_EQ(chat.wanted(), (words{"drop", "state closed", "failed 1 connection_lost", "closed connection_lost",
                                  "answer connection_lost"}));
}

TEST(client_machine, a_gateway_that_leaves_is_given_time) {
  script chat;
  chat.open();
  chat.take(error_frame{.code = chat_error::shutting_down, .fatal = true});
  EXPECT_EQ(chat.wanted(), (words{"drop", "problem shutting_down", "drop", "state reconnecting"}));
  EXPECT_EQ(chat.machine.deadline().value() - chat.now, 500ms + 5000ms);
}

TEST(client_machine, without_reconnect_the_first_failure_is_the_last_and_connect_begins_anew) {
  client_machine machine{{.reconnect = {.enabled = false}}, [] { return 0.5; }};
  machine.connect();
  machine.lost(std::get<want::dial>(*machine.poll_intent()).attempt, client_errc::connection_lost, false, {});
  EXPECT_EQ(machine.state(), client_state::closed);
  machine.connect();
  EXPECT_EQ(machine.state(), client_state::connecting);
}

TEST(client_machine, no_welcome_within_10_s_is_a_lost_connection) {
  script chat;
  chat.dialled();
  chat.wanted();
  EXPECT_EQ(chat.machine.deadline().value() - chat.now, 10s);
  EXPECT_EQ(chat.step(), (words{"drop", "problem welcome_timeout"}));
}

TEST(client_machine, frames_out_of_turn_end_the_connection) {
  const gateway_frame early[] = {ack_frame{1}, reply_frame{.seq = 1}, typing_frame{true}};
  for (const auto& frame : early) {
    script chat;
    chat.dialled();
    chat.wanted();
    chat.take(frame);
    EXPECT_EQ(chat.wanted(), (words{"drop", "problem invalid_frame"}));
  }
  script chat;
  chat.open();
  chat.take(unknown_frame{});
  EXPECT_EQ(chat.wanted(), words{});
  chat.take(welcome_frame{.session_id = "s2", .resume_token = "t2"});
  EXPECT_EQ(chat.machine.state(), client_state::reconnecting);
}

TEST(client_machine, whatever_an_old_connection_still_says_changes_nothing) {
  script chat;
  chat.open();
  const auto old = chat.attempt;
  chat.come_back();
  chat.machine.take(old, reply_frame{.seq = 1, .content = "late"}, chat.now);
  chat.machine.lost(old, client_errc::connection_lost, false, chat.now);
  EXPECT_EQ(chat.wanted(), words{});
  chat.machine.opened(old, chat.now);
  EXPECT_EQ(chat.wanted(), words{"drop"});
}

TEST(client_machine, close_says_bye_once_and_is_the_end_at_every_stage) {
  script open;
  open.open();
  open.send();
  open.wanted();
  open.machine.close();
  EXPECT_EQ(open.wanted(),
            (words{"> bye", "leave", "drop", "state closed", "failed 1 closed", "closed success", "answer closed"}));
  open.machine.close();
  EXPECT_EQ(open.wanted(), words{});

  script idle;
  idle.machine.close();
  EXPECT_EQ(idle.wanted(), (words{"state closed", "closed success", "answer closed"}));

  script dialling;
  dialling.machine.connect();
  dialling.wanted();
  dialling.machine.close();
  EXPECT_EQ(dialling.wanted(), (words{"drop", "state closed", "closed success", "answer closed"}));

  script waiting;
  waiting.open();
  waiting.lose();
  waiting.wanted();
  waiting.machine.close();
  EXPECT_FALSE(waiting.machine.deadline());
  EXPECT_EQ(waiting.machine.state(), client_state::closed);
}

TEST(client_machine, after_a_bye_the_next_connect_is_a_session_of_its_own) {
  script chat;
  chat.open();
  chat.send();
  chat.machine.close();
  chat.wanted();
  chat.dialled();
  EXPECT_EQ(chat.wanted(), words{"> hello -"});
  chat.take(welcome_frame{.session_id = "s2", .resume_token = "u1"});
  chat.wanted();
  chat.send("y");
  EXPECT_EQ(chat.wanted(), (words{"> 1=y", "sent 2"}));
}

TEST(client_machine, the_queue_and_the_size_of_a_text_are_bounded) {
  script chat{{.max_queue = 2}};
  chat.send();
  chat.send();
  EXPECT_EQ(chat.machine.send("x", chat.now).error(), client_errc::queue_full);
  script other;
  EXPECT_TRUE(other.machine.send(std::string(max_content_bytes, 'x'), other.now));
  EXPECT_EQ(other.machine.send(std::string(max_content_bytes + 1, 'x'), other.now).error(),
            client_errc::content_too_large);
  other.open({.session_id = "s1", .resume_token = "t1", .max_content = 10});
  EXPECT_TRUE(other.machine.send(std::string(10, 'x'), other.now));
  EXPECT_EQ(other.machine.send(std::string(11, 'x'), other.now).error(), client_errc::content_too_large);
}

TEST(client_machine, a_text_that_escapes_make_longer_than_a_frame_is_refused) {
  const auto outcome = [](std::string content) {
    script chat;
    const auto id = chat.machine.send(std::move(content), chat.now);
    return id ? error_code{} : id.error();
  };
  // Each byte takes six in the frame; two are the quotes, and 64 are kept for the other members.
  constexpr std::size_t most = (max_chat_frame_bytes - 64 - 2) / 6;
  EXPECT_FALSE(outcome(std::string(most, '\x01')));
  EXPECT_EQ(outcome(std::string(most + 1, '\x01')), client_errc::content_too_large);
  EXPECT_EQ(outcome(std::string(max_content_bytes, '\x01')), client_errc::content_too_large);
  EXPECT_FALSE(outcome(std::string(max_content_bytes, '"')));
}

TEST(client_machine, an_answer_names_its_run_though_the_next_one_has_begun) {
  script chat;
  chat.open();
  EXPECT_EQ(chat.answered, 1U);
  chat.machine.close();
  chat.machine.connect();
  EXPECT_EQ(chat.machine.run(), 2U);
  EXPECT_EQ(chat.wanted(), (words{"> bye", "leave", "drop", "state closed", "closed success", "answer closed", "dial",
                                  "state connecting"}));
  EXPECT_EQ(chat.answered, 1U);
}

TEST(client_machine, typing_is_passed_on_while_there_is_a_session) {
  script chat;
  chat.machine.typing(true);
  EXPECT_EQ(chat.wanted(), words{});
  chat.open();
  chat.machine.typing(true);
  chat.take(typing_frame{true});
  chat.take(typing_frame{false});
  EXPECT_EQ(chat.wanted(), (words{"> typing", "they type", "they stopped"}));
}

}  // namespace
}  // namespace flowersec::ownwire
