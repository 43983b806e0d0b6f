#include "program.h"

#include <array>
#include <sstream>
#include <utility>

namespace flowersec::mux {
namespace {

using limit_member = std::size_t yamux::yamux_limits::*;

constexpr std::array<std::pair<const char*, limit_member>, 5> limit_words{{
    {"active", &yamux::yamux_limits::max_active_streams},
    {"inbound", &yamux::yamux_limits::max_inbound_streams},
    {"out", &yamux::yamux_limits::preferred_outbound_frame_bytes},
    {"queue", &yamux::yamux_limits::max_stream_write_queue_bytes},
    {"session", &yamux::yamux_limits::max_session_receive_bytes},
}};

struct verb_word {
  const char* word;
  bool has_stream, has_amount;
};
constexpr std::array<verb_word, 10> verb_words{{
    {"open", true, false},
    {"write", true, true},
    {"read", true, true},
    {"wait", true, true},
    {"close", true, false},
    {"reset", true, false},
    {"ping", false, false},
    {"take", false, true},
    {"pass", false, true},
    {"flow", false, false},
}};

char letter_of(side who) { return who == side::client ? 'c' : 's'; }

std::optional<side> side_of(char letter) {
  if (letter == 'c') return side::client;
  if (letter == 's') return side::server;
  return std::nullopt;
}

std::string to_text(const step& one) {
  const auto& word = verb_words.at(static_cast<std::size_t>(one.what));
  if (one.what == verb::flow) return word.word;
  auto text = std::string{letter_of(one.who)} + ' ' + word.word;
  if (one.what == verb::open) return text + ' ' + std::to_string(one.stream.number);
  if (word.has_stream) text += std::string{' '} + letter_of(one.stream.opener) + std::to_string(one.stream.number);
  if (word.has_amount) text += ' ' + std::to_string(one.amount);
  return text;
}

std::optional<step> parse_step(const std::string& line) {
  std::istringstream words{line};
  std::string first;
  std::string name;
  words >> first;
  if (first == "flow") return step{.what = verb::flow};
  const auto who = first.size() == 1 ? side_of(first[0]) : std::nullopt;
  if (!who || !(words >> name)) return std::nullopt;
  step one{.who = *who};
  for (std::size_t i = 0; i < verb_words.size(); ++i) {
    if (name != verb_words.at(i).word) continue;
    one.what = static_cast<verb>(i);
    if (one.what == verb::open) {
      one.stream.opener = one.who;
      return words >> one.stream.number ? std::optional{one} : std::nullopt;
    }
    if (verb_words.at(i).has_stream) {
      char letter = 0;
      if (!(words >> letter >> one.stream.number) || !side_of(letter)) return std::nullopt;
      one.stream.opener = *side_of(letter);
    }
    if (verb_words.at(i).has_amount && !(words >> one.amount)) return std::nullopt;
    return one;
  }
  return std::nullopt;
}

}  // namespace

std::string to_text(const yamux::yamux_limits& limits) {
  const yamux::yamux_limits usual;
  std::string text;
  for (const auto& [word, member] : limit_words) {
    if (limits.*member == usual.*member) continue;
    text += (text.empty() ? "" : " ") + std::string{word} + '=' + std::to_string(limits.*member);
  }
  return text;
}

bool parse_limit(const std::string& word, yamux::yamux_limits& into) {
  const auto equals = word.find('=');
  if (equals == std::string::npos) return false;
  for (const auto& [name, member] : limit_words) {
    if (word.compare(0, equals, name) != 0) continue;
    std::istringstream number{word.substr(equals + 1)};
    return static_cast<bool>(number >> into.*member);
  }
  return false;
}

std::string to_text(const program& what) {
  std::string text;
  for (const auto who : {side::client, side::server}) {
    const auto differing = to_text(what.limits(who));
    if (!differing.empty()) text += std::string{"limits "} + letter_of(who) + ' ' + differing + '\n';
  }
  for (const auto& one : what.steps) text += to_text(one) + '\n';
  return text;
}

std::optional<program> parse_program(const std::string& text) {
  program made;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("limits ")) {
      std::istringstream words{line.substr(7)};
      char letter = 0;
      if (!(words >> letter) || !side_of(letter)) return std::nullopt;
      for (std::string word; words >> word;) {
        if (!parse_limit(word, made.limits(*side_of(letter)))) return std::nullopt;
      }
      continue;
    }
    const auto one = parse_step(line);
    if (!one) return std::nullopt;
    made.steps.push_back(*one);
  }
  return made;
}

}  // namespace flowersec::mux
