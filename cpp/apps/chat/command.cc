#include "chat/command.h"

#include <algorithm>
#include <array>

#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/base/text.h"

namespace flowersec::apps {
namespace {

using namespace chat;  // NOLINT

/// "first rest" and "rest last"; the other half is blank when there is one word.
std::pair<std::string_view, std::string_view> split_first(std::string_view text) {
  const auto at = text.find(' ');
  if (at == text.npos) return {text, {}};
  return {text.substr(0, at), trim(text.substr(at))};
}
std::pair<std::string_view, std::string_view> split_last(std::string_view text) {
  const auto at = text.rfind(' ');
  if (at == text.npos) return {text, {}};
  return {trim(text.substr(0, at)), text.substr(at + 1)};
}

command usage(std::string_view form) { return bad{"usage: " + std::string{form}}; }

command read_add(std::string_view rest, bool replaces) {
  const auto [name, address] = split_last(rest);
  if (name.empty() || address.empty()) return usage(replaces ? "/replace NAME KEY" : "/add NAME KEY");
  return add{.name = std::string{name}, .address = std::string{address}, .replaces = replaces};
}

command read_verify(std::string_view rest) {
  const auto [name, word] = split_last(rest);
  if (rest.empty()) return usage("/verify NAME [yes|no]");
  if (word == "yes" || word == "no") return verify{.name = std::string{name}, .same = word == "yes"};
  return verify{.name = std::string{rest}};
}

command read_join(std::string_view rest) {
  const auto [link, name] = split_first(rest);
  if (link.empty()) return usage("/join LINK [NAME]");
  return join{.link = std::string{link}, .host_name = std::string{name}};
}

command read_retry(std::string_view rest) {
  if (rest.empty()) return retry{};
  const auto id = decode_json_unsigned(rest, static_cast<std::uint64_t>(json_max_safe_integer));
  if (!id) return usage("/retry [NUMBER]");
  return retry{*id};
}

command read_named(std::string_view verb, std::string_view name) {
  std::string text{name};
  if (verb == "verify") return read_verify(name);
  if (name.empty()) return usage('/' + std::string{verb} + (verb == "export" || verb == "import" ? " FILE" : " NAME"));
  if (verb == "to") return choose{std::move(text)};
  if (verb == "block") return set_policy{.name = std::move(text), .blocks = true};
  if (verb == "unblock") return set_policy{.name = std::move(text), .blocks = false};
  if (verb == "remove") return remove{std::move(text)};
  if (verb == "export") return export_file{std::move(text)};
  return import_file{std::move(text)};
}

constexpr std::array<std::string_view, 7> named = {"verify", "to", "block", "unblock", "remove", "export", "import"};

/// Members of a command as a script writes it.
class members {
 public:
  explicit members(std::string_view line) {
    is_object_ = scan_json_object(line, [&](const json_member& member) {
      for (auto& [name, raw] : raw_) {
        if (member.raw_name == name) raw = member.raw_value;
      }
    });
  }

  [[nodiscard]] bool is_object() const noexcept { return is_object_; }
  [[nodiscard]] std::string_view raw(std::string_view name) const {
    for (const auto& [known, value] : raw_) {
      if (known == name) return value;
    }
    return {};
  }
  /// A text that must be there.
  std::string text(std::string_view name) {
    auto found = decode_json_string(raw(name));
    if (!found) complain(name, " is no text");
    return found.value_or("");
  }
  std::string optional_text(std::string_view name) { return is_there(name) ? text(name) : std::string{}; }
  std::optional<bool> optional_bool(std::string_view name) {
    if (!is_there(name)) return std::nullopt;
    if (raw(name) != "true" && raw(name) != "false") complain(name, " is neither true nor false");
    return raw(name) == "true";
  }
  std::optional<std::uint64_t> optional_number(std::string_view name) {
    if (!is_there(name)) return std::nullopt;
    const auto found = decode_json_unsigned(raw(name), static_cast<std::uint64_t>(json_max_safe_integer));
    if (!found) complain(name, " is no whole number");
    return found;
  }
  /// A value of any kind that must be there.
  std::string value(std::string_view name) {
    if (raw(name).empty()) complain(name, " is missing");
    return std::string{raw(name)};
  }

  /// The command, or what was wrong with a member.
  command finish(command built) const { return complaint_.empty() ? std::move(built) : command{bad{complaint_}}; }

 private:
  [[nodiscard]] bool is_there(std::string_view name) const { return !raw(name).empty() && raw(name) != "null"; }
  void complain(std::string_view name, std::string_view what) {
    if (complaint_.empty()) complaint_ = std::string{name} + std::string{what};
  }

  bool is_object_ = false;
  std::string complaint_;
  std::array<std::pair<std::string_view, std::string_view>, 9> raw_ = {{{"do", {}},
                                                                        {"to", {}},
                                                                        {"content", {}},
                                                                        {"name", {}},
                                                                        {"key", {}},
                                                                        {"same", {}},
                                                                        {"link", {}},
                                                                        {"id", {}},
                                                                        {"file", {}}}};
};

}  // namespace

command parse_chat_line(std::string_view line) {
  if (!is_valid_utf8(line)) return bad{"not UTF-8"};
  if (is_blank(line)) return nothing{};
  if (line.starts_with("//")) return say{std::string{line.substr(1)}};
  if (!line.starts_with('/')) return say{std::string{line}};
  const auto [verb, rest] = split_first(trim(line.substr(1)));
  if (verb == "add" || verb == "replace") return read_add(rest, verb == "replace");
  if (verb == "join") return read_join(rest);
  if (verb == "retry") return read_retry(rest);
  if (verb == "invite") return invite{std::string{rest}};
  if (verb == "contacts") return list_contacts{};
  if (verb == "status") return show_status{};
  if (verb == "help") return help{};
  if (verb == "quit") return quit{};
  if (std::ranges::find(named, verb) != named.end()) return read_named(verb, rest);
  return bad{"no command /" + std::string{verb} + "; /help lists them"};
}

command parse_chat_json(std::string_view line) {
  if (is_blank(line)) return nothing{};
  members given{line};
  if (!given.is_object()) return bad{"not one JSON object"};
  const auto verb = given.text("do");
  const auto name_then = [&](auto made) {
    made.name = given.text("name");
    return given.finish(std::move(made));
  };
  if (verb == "send") {
    auto to = given.text("to");
    return given.finish(send{.to = std::move(to), .content = given.value("content")});
  }
  if (verb == "add" || verb == "replace") {
    return name_then(add{.name = {}, .address = given.text("key"), .replaces = verb == "replace"});
  }
  if (verb == "verify") return name_then(verify{.name = {}, .same = given.optional_bool("same")});
  if (verb == "block" || verb == "unblock") return name_then(set_policy{.name = {}, .blocks = verb == "block"});
  if (verb == "remove") return name_then(remove{});
  if (verb == "invite") return given.finish(invite{given.optional_text("name")});
  if (verb == "join") {
    auto link = given.text("link");
    return given.finish(join{.link = std::move(link), .host_name = given.optional_text("name")});
  }
  if (verb == "retry") return given.finish(retry{given.optional_number("id")});
  if (verb == "export") return given.finish(export_file{given.text("file")});
  if (verb == "import") return given.finish(import_file{given.text("file")});
  if (verb == "contacts") return list_contacts{};
  if (verb == "status") return show_status{};
  if (verb == "quit") return quit{};
  return given.finish(bad{"no such command in do"});
}

std::string_view chat_help() noexcept {
  return "NAME: text               send a text to a contact\n"
         "text                     send it to the one chosen by /to\n"
         "/to NAME                 choose\n"
         "/add NAME KEY            add a contact by its key, or by its address site/key\n"
         "/replace NAME KEY        give a contact another key, which is not verified then\n"
         "/contacts                list them\n"
         "/verify NAME             show what to compare; then /verify NAME yes, or no\n"
         "/block NAME, /unblock NAME, /remove NAME\n"
         "/invite [NAME]           make a link for somebody new, good once and for 24 hours\n"
         "/join LINK [NAME]        use such a link\n"
         "/retry [NUMBER]          send again what failed\n"
         "/status                  what registries and tunnel saw\n"
         "/export FILE             write identity and contacts to a new file\n"
         "/import FILE             add the contacts of such a file\n"
         "/quit                    end, after what is under way was delivered";
}

}  // namespace flowersec::apps
