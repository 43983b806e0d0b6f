// The cases of testdata/rendezvous/registry.json, which TypeScript runs as well.
#include "support/case_table.h"
#include "unit/rendezvous/registry_world.h"

namespace flowersec::rendezvous {
namespace {

using namespace flowersec::testing;
namespace json = boost::json;

constexpr std::string_view letters = "ABCD";

std::string letter_of(const public_key& key) {
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (key_of(static_cast<std::uint32_t>(i + 1)) == key) return std::string{"$"} + letters[i];
  }
  return key.text();
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

class table_world {
 public:
  /// Everything that each socket hears of it.
  std::map<std::string, std::vector<std::string>> take(const json::object& step) {
    if (const auto* number = step.if_contains("arrive")) arrive(number->as_int64());
    if (const auto* number = step.if_contains("open")) open(number->as_int64());
    if (const auto* number = step.if_contains("join")) join(number->as_int64(), step);
    if (const auto* number = step.if_contains("say")) {
      world_.say_text(sockets_.at(number->as_int64()), text_of(step.at("text").as_string()));
    }
    if (const auto* number = step.if_contains("leave")) world_.leave(sockets_.at(number->as_int64()));
    if (const auto* ms = step.if_contains("pass_ms")) world_.advance(std::chrono::milliseconds{ms->as_int64()});
    return heard();
  }

 private:
  void arrive(std::int64_t number) {
    const auto who = world_.admit("10.0.0." + std::to_string(number));
    ASSERT_TRUE(who);
    sockets_[number] = *who;
  }

  void open(std::int64_t number) {
    arrive(number);
    world_.machine.on_open(sockets_.at(number), world_.now);
    world_.collect();
  }

  void join(std::int64_t number, const json::object& step) {
    open(number);
    const auto challenge = world_.next<challenge_frame>(sockets_.at(number));
    ASSERT_TRUE(challenge);
    const auto* instance = step.if_contains("instance");
    const auto* replace = step.if_contains("replace");
    const auto person = letters.find(std::string_view{step.at("key").as_string()}) + 1;
    world_.say(sockets_.at(number),
               world_.proof(static_cast<std::uint32_t>(person), *challenge, replace != nullptr && replace->as_bool(),
                            static_cast<char>(instance != nullptr ? instance->as_int64() : 100 + number)));
    const auto* behind = step.if_contains("behind");
    if (behind == nullptr) return;
    for (const auto& text : behind->as_array()) {
      world_.say_text(sockets_.at(number), text_of(text.as_string()));
    }
  }

  [[nodiscard]] std::string text_of(std::string_view told) const {
    std::string text{told};
    for (std::size_t i = 0; i < letters.size(); ++i) {
      replace_all(text, std::string{"$"} + letters[i], key_of(static_cast<std::uint32_t>(i + 1)).text());
    }
    replace_all(text, "$call", call_);
    return text;
  }

  std::map<std::string, std::vector<std::string>> heard() {
    std::map<std::string, std::vector<std::string>> all;
    for (const auto& [number, who] : sockets_) {
      std::vector<std::string> words;
      for (auto text = world_.next_text(who); !text.empty(); text = world_.next_text(who)) words.push_back(word(text));
      if (const auto end = world_.ended.extract(who)) {
        const auto code = end.mapped();
        words.push_back(code == 0 ? "cut" : "close " + std::to_string(code));
      }
      if (!words.empty()) all.emplace(std::to_string(number), std::move(words));
    }
    return all;
  }

  std::string word(const std::string& text) {
    const auto frame = json::parse(text).as_object();
    std::string out{frame.at("type").as_string()};
    const auto decoded = decode_server_frame(text).value();
    if (const auto* incoming = std::get_if<incoming_frame>(&decoded)) {
      call_ = incoming->call_id;
      return out + " " + letter_of(incoming->from);
    }
    if (const auto* seen = std::get_if<presence_frame>(&decoded)) {
      return out + " " + letter_of(seen->key) + (seen->online ? " true" : " false");
    }
    if (const auto* pong = std::get_if<pong_frame>(&decoded)) return out + " " + std::to_string(pong->t);
    if (const auto* grant = std::get_if<grant_frame>(&decoded)) return out + " rid " + std::to_string(grant->rid);
    if (const auto* error = std::get_if<error_frame>(&decoded)) {
      out += " " + std::string{to_string(error->code)};
      if (error->rid) out += " rid " + std::to_string(*error->rid);
      if (error->fatal) out += " fatal";
    }
    return out;
  }

  registry_world world_;
  std::map<std::int64_t, socket_id> sockets_;
  std::string call_;
};

std::map<std::string, std::vector<std::string>> hears(const json::object& step) {
  std::map<std::string, std::vector<std::string>> all;
  for (const auto& each : step.at("hears").as_object()) {
    for (const auto& word : each.value().as_array()) all[std::string{each.key()}].emplace_back(word.as_string());
  }
  return all;
}

TEST(registry_table, every_case_of_the_shared_table) {
  const auto cases = read_cases("rendezvous/registry.json");
  ASSERT_FALSE(cases.as_array().empty());
  for (const auto& each : cases.as_array()) {
    const auto& row = each.as_object();
    SCOPED_TRACE(std::string{row.at("name").as_string()});
    table_world world;
    for (const auto& step : row.at("steps").as_array()) {
      SCOPED_TRACE(json::serialize(step));
      EXPECT_EQ(world.take(step.as_object()), hears(step.as_object()));
    }
  }
}

}  // namespace
}  // namespace flowersec::rendezvous
