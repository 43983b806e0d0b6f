// What lines of people and of scripts ask for.
#include "chat/command.h"

#include <gtest/gtest.h>

namespace flowersec::apps {
namespace {

/// A command in a form that tables can hold.
std::string spelled(const chat::command& given) {
  struct {
    std::string operator()(const chat::nothing&) const { return "nothing"; }
    std::string operator()(const chat::say& c) const { return "say " + c.text; }
    std::string operator()(const chat::send& c) const { return "send " + c.to + "|" + c.content; }
    std::string operator()(const chat::add& c) const {
      return (c.replaces ? "replace " : "add ") + c.name + "|" + c.address;
    }
    std::string operator()(const chat::list_contacts&) const { return "contacts"; }
    std::string operator()(const chat::verify& c) const {
      return "verify " + c.name + (!c.same ? "" : *c.same ? "|yes" : "|no");
    }
    std::string operator()(const chat::set_policy& c) const { return (c.blocks ? "block " : "unblock ") + c.name; }
    std::string operator()(const chat::remove& c) const { return "remove " + c.name; }
    std::string operator()(const chat::invite& c) const { return "invite " + c.guest_name; }
    std::string operator()(const chat::join& c) const { return "join " + c.link + "|" + c.host_name; }
    std::string operator()(const chat::choose& c) const { return "to " + c.name; }
    std::string operator()(const chat::retry& c) const { return "retry " + (c.id ? std::to_string(*c.id) : "all"); }
    std::string operator()(const chat::show_status&) const { return "status"; }
    std::string operator()(const chat::export_file& c) const { return "export " + c.path; }
    std::string operator()(const chat::import_file& c) const { return "import " + c.path; }
    std::string operator()(const chat::help&) const { return "help"; }
    std::string operator()(const chat::quit&) const { return "quit"; }
    std::string operator()(const chat::bad& c) const { return "bad: " + c.why; }
  } const spell;
  return std::visit(spell, given);
}

struct row {
  std::string_view line;
  std::string_view expected;
};

TEST(chat_lines, of_people) {
  const row rows[] = {
      {"", "nothing"},
      {"   ", "nothing"},
      {"hello there", "say hello there"},
      {"Bob: hi: there", "say Bob: hi: there"},
      {"//etc", "say /etc"},
      {"/add Bob KEY", "add Bob|KEY"},
      {"/add  Bob the Builder   a.example/KEY", "add Bob the Builder|a.example/KEY"},
      {"/add Bob", "bad: usage: /add NAME KEY"},
      {"/add", "bad: usage: /add NAME KEY"},
      {"/replace Bob KEY", "replace Bob|KEY"},
      {"/replace Bob", "bad: usage: /replace NAME KEY"},
      {"/contacts", "contacts"},
      {"/verify Bob", "verify Bob"},
      {"/verify Bob the Builder", "verify Bob the Builder"},
      {"/verify Bob the Builder yes", "verify Bob the Builder|yes"},
      {"/verify Bob no", "verify Bob|no"},
      {"/verify", "bad: usage: /verify NAME [yes|no]"},
      {"/block Bob", "block Bob"},
      {"/block", "bad: usage: /block NAME"},
      {"/unblock Bob", "unblock Bob"},
      {"/remove Bob the Builder", "remove Bob the Builder"},
      {"/invite", "invite "},
      {"/invite Aunt May", "invite Aunt May"},
      {"/join https://a#fsi1=x", "join https://a#fsi1=x|"},
      {"/join #fsi1=x Aunt May", "join #fsi1=x|Aunt May"},
      {"/join", "bad: usage: /join LINK [NAME]"},
      {"/to Bob", "to Bob"},
      {"/retry", "retry all"},
      {"/retry 12", "retry 12"},
      {"/retry twelve", "bad: usage: /retry [NUMBER]"},
      {"/status", "status"},
      {"/export my file.json", "export my file.json"},
      {"/export", "bad: usage: /export FILE"},
      {"/import f", "import f"},
      {"/help", "help"},
      {"/quit", "quit"},
      {"/nonsense x", "bad: no command /nonsense; /help lists them"},
      {"\xff", "bad: not UTF-8"},
  };
  for (const auto& [line, expected] : rows) EXPECT_EQ(spelled(parse_chat_line(line)), expected) << line;
}

TEST(chat_lines, of_scripts) {
  const row rows[] = {
      {"", "nothing"},
      {R"({"do":"send","to":"Bob","content":"hi"})", R"(send Bob|"hi")"},
      {R"({"do":"send","to":"Bob","content":{"a":[1.0]},"more":1})", R"(send Bob|{"a":[1.0]})"},
      {R"({"do":"send","to":"Bob","content":null})", "send Bob|null"},
      {R"({"do":"send","to":"Bob"})", "bad: content is missing"},
      {R"({"do":"send","to":1,"content":1})", "bad: to is no text"},
      {R"({"do":"quit","do":"status"})", "status"},
      {R"({"do":"add","name":"B\u00f6b","key":"K"})",
       "add B\xc3\xb6"
       "b|K"},
      {R"({"do":"add","name":"Bob"})", "bad: key is no text"},
      {R"({"do":"replace","name":"Bob","key":"K"})", "replace Bob|K"},
      {R"({"do":"contacts"})", "contacts"},
      {R"({"do":"verify","name":"Bob"})", "verify Bob"},
      {R"({"do":"verify","name":"Bob","same":true})", "verify Bob|yes"},
      {R"({"do":"verify","name":"Bob","same":false})", "verify Bob|no"},
      {R"({"do":"verify","name":"Bob","same":"yes"})", "bad: same is neither true nor false"},
      {R"({"do":"block","name":"Bob"})", "block Bob"},
      {R"({"do":"unblock","name":"Bob"})", "unblock Bob"},
      {R"({"do":"remove","name":"Bob"})", "remove Bob"},
      {R"({"do":"remove"})", "bad: name is no text"},
      {R"({"do":"invite"})", "invite "},
      {R"({"do":"invite","name":"May"})", "invite May"},
      {R"({"do":"join","link":"#fsi1=x"})", "join #fsi1=x|"},
      {R"({"do":"join","link":"#fsi1=x","name":"May"})", "join #fsi1=x|May"},
      {R"({"do":"retry"})", "retry all"},
      {R"({"do":"retry","id":3})", "retry 3"},
      {R"({"do":"retry","id":-3})", "bad: id is no whole number"},
      {R"({"do":"status"})", "status"},
      {R"({"do":"export","file":"f"})", "export f"},
      {R"({"do":"import","file":"f"})", "import f"},
      {R"({"do":"quit"})", "quit"},
      {R"({"do":"sing"})", "bad: no such command in do"},
      {R"({})", "bad: do is no text"},
      {R"(["do"])", "bad: not one JSON object"},
      {R"({"do":"quit"} {})", "bad: not one JSON object"},
      {"hello", "bad: not one JSON object"},
  };
  for (const auto& [line, expected] : rows) EXPECT_EQ(spelled(parse_chat_json(line)), expected) << line;
}

TEST(chat_lines, help_names_every_command_of_people) {
  for (const auto* verb : {"/to", "/add", "/replace", "/contacts", "/verify", "/block", "/unblock", "/remove",
                           "/invite", "/join", "/retry", "/status", "/export", "/import", "/quit"}) {
    EXPECT_NE(chat_help().find(verb), std::string_view::npos) << verb;
  }
}

}  // namespace
}  // namespace flowersec::apps
