// What a line of input asks for: commands of people ("/add Bob KEY") and of scripts ({"do":"add",...}), as the same
// values. Layer apps. Pure: knows no contact, opens nothing. Source: SECURE_WEBSOCKET, "Chat".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace flowersec::apps {

/// Longest line that is read: a message of a frame's size, and what is around it. One that is longer is refused whole.
inline constexpr std::size_t max_chat_line_bytes = 1'100'000;

namespace chat {

struct nothing {};
/// Of people: to whom it goes is in the text ("Bob: hello"), or was chosen before.
struct say {
  std::string text;
};
struct send {
  std::string to;
  std::string content;  ///< one JSON value
};
struct add {
  std::string name;
  std::string address;    ///< a key, perhaps behind a site
  bool replaces = false;  ///< the contact of this name gets the key
};
struct list_contacts {};
struct verify {
  std::string name;
  std::optional<bool> same{};  ///< absent: show the fingerprint
};
struct set_policy {
  std::string name;
  bool blocks = false;
};
struct remove {
  std::string name;
};
struct invite {
  std::string guest_name{};  ///< blank: a name of the program's choice
};
struct join {
  std::string link;
  std::string host_name{};  ///< blank: a name of the program's choice
};
struct choose {
  std::string name;
};
struct retry {
  std::optional<std::uint64_t> id{};  ///< absent: everything that failed
};
struct show_status {};
struct export_file {
  std::string path;
};
struct import_file {
  std::string path;
};
struct help {};
struct quit {};
/// Not understood.
struct bad {
  std::string why;
};

using command = std::variant<nothing, say, send, add, list_contacts, verify, set_policy, remove, invite, join, choose,
                             retry, show_status, export_file, import_file, help, quit, bad>;

}  // namespace chat

/// A line without its end. "//" at its front says a text that begins with "/".
[[nodiscard]] chat::command parse_chat_line(std::string_view line);
/// One JSON object: "do" has the name of the command, other members are its own; unknown ones are ignored.
[[nodiscard]] chat::command parse_chat_json(std::string_view line);

/// What /help says.
[[nodiscard]] std::string_view chat_help() noexcept;

}  // namespace flowersec::apps
