// Requests and answers as lines, for a multiplexer in a program of its own.
#include <array>
#include <cstdio>
#include <sstream>

#include "peer.h"

namespace flowersec::mux {
namespace {

constexpr std::array<const char*, 10> ask_words{"open",  "write", "read", "wait", "close",
                                                "reset", "ping",  "take", "give", "state"};
constexpr std::array<const char*, 5> result_words{"ok", "none", "end", "no", "ended"};
constexpr std::array<const char*, 6> notice_words{"opened", "done", "finished", "failed", "ended", "pong"};

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<const char*, N>& words, const std::string& word) {
  for (std::size_t i = 0; i < N; ++i) {
    if (word == words.at(i)) return i;
  }
  return std::nullopt;
}

std::string hex_of(byte_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const auto value : bytes) {
    text += digits[static_cast<std::size_t>(value) >> 4];
    text += digits[static_cast<std::size_t>(value) & 15];
  }
  return text;
}

std::optional<unsigned> value_of(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10;
  return std::nullopt;
}

std::optional<byte_buffer> bytes_of(const std::string& hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  byte_buffer bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = value_of(hex[i]);
    const auto low = value_of(hex[i + 1]);
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<std::byte>(*high * 16 + *low));
  }
  return bytes;
}

std::string text_of_digest(std::uint32_t digest) {
  std::array<char, 9> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "%08x", digest));
  return text.data();
}

bool names_a_stream(ask what) {
  return what == ask::write || what == ask::read || what == ask::wait || what == ask::close || what == ask::reset;
}
bool has_amount(ask what) { return what == ask::write || what == ask::read || what == ask::wait || what == ask::take; }

bool read_notice(std::istream& words, notice::kind is, answer& into) {
  notice told{.is = is};
  const bool whole = is == notice::kind::ended || is == notice::kind::pong || static_cast<bool>(words >> told.id);
  if (!whole) return false;
  if (is == notice::kind::done && !(words >> told.bytes >> std::hex >> told.digest)) return false;
  into.notices.push_back(told);
  return true;
}

bool read_rest(std::istream& words, ask what, answer& into) {
  if (into.is != answer::result::ok) return true;
  if (what == ask::open) return static_cast<bool>(words >> into.id);
  if (what == ask::read || what == ask::wait) return static_cast<bool>(words >> into.amount >> std::hex >> into.digest);
  if (what == ask::state) return static_cast<bool>(words >> into.amount >> into.unread);
  if (what != ask::take) return true;
  std::string hex;
  words >> hex;
  auto bytes = bytes_of(hex);
  if (!bytes) return false;
  into.bytes = std::move(*bytes);
  return true;
}

}  // namespace

std::string to_line(const request& what) {
  std::string line = ask_words.at(static_cast<std::size_t>(what.what));
  if (names_a_stream(what.what)) line += ' ' + std::to_string(what.id);
  if (has_amount(what.what)) line += ' ' + std::to_string(what.amount);
  if (what.what == ask::give) line += ' ' + hex_of(what.bytes);
  return line + '\n';
}

std::optional<request> parse_request(const std::string& line) {
  std::istringstream words{line};
  std::string word;
  words >> word;
  const auto index = index_of(ask_words, word);
  if (!index) return std::nullopt;
  request made{.what = static_cast<ask>(*index)};
  if (names_a_stream(made.what) && !(words >> made.id)) return std::nullopt;
  if (has_amount(made.what) && !(words >> made.amount)) return std::nullopt;
  if (made.what == ask::give) {
    std::string hex;
    words >> hex;
    auto bytes = bytes_of(hex);
    if (!bytes) return std::nullopt;
    made.bytes = std::move(*bytes);
  }
  return made;
}

std::string to_lines(ask what, const answer& given) {
  std::string text;
  for (const auto& told : given.notices) {
    // The session's end is told by a word that is also an answer, so it comes with a mark of its own.
    text += std::string{"event "} + notice_words.at(static_cast<std::size_t>(told.is));
    if (told.is != notice::kind::ended && told.is != notice::kind::pong) text += ' ' + std::to_string(told.id);
    if (told.is == notice::kind::done) text += ' ' + std::to_string(told.bytes) + ' ' + text_of_digest(told.digest);
    text += '\n';
  }
  text += result_words.at(static_cast<std::size_t>(given.is));
  if (given.is == answer::result::ok) {
    if (what == ask::open) text += ' ' + std::to_string(given.id);
    if (what == ask::read || what == ask::wait) {
      text += ' ' + std::to_string(given.amount) + ' ' + text_of_digest(given.digest);
    }
    if (what == ask::state) text += ' ' + std::to_string(given.amount) + ' ' + std::to_string(given.unread);
    if (what == ask::take) text += ' ' + hex_of(given.bytes);
  }
  return text + '\n';
}

std::optional<bool> parse_answer_line(ask what, const std::string& line, answer& into) {
  std::istringstream words{line};
  std::string word;
  words >> word;
  if (word == "event") {
    words >> word;
    const auto index = index_of(notice_words, word);
    if (!index || !read_notice(words, static_cast<notice::kind>(*index), into)) return std::nullopt;
    return false;
  }
  const auto index = index_of(result_words, word);
  if (!index) return std::nullopt;
  into.is = static_cast<answer::result>(*index);
  if (!read_rest(words, what, into)) return std::nullopt;
  return true;
}

}  // namespace flowersec::mux
