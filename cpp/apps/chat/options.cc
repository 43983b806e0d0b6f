#include "chat/options.h"

#include <algorithm>

#include "cli/values.h"
#include "flowersec/identity/address.h"

namespace flowersec::apps {
namespace {

/// As registries are named: https is wss, http is ws.
std::optional<std::string> as_registry_url(std::string_view text) {
  std::string url{text};
  if (url.starts_with("https://")) url.replace(0, 5, "wss");
  if (url.starts_with("http://")) url.replace(0, 4, "ws");
  return identity::parse_registry_url(url);
}

or_problem<chat_registry> read_registry(const std::string& url, const std::string& keys) {
  const auto parsed = as_registry_url(url);
  if (!parsed) return problem{"--registry " + url + " is no URL of a registry"};
  chat_registry made{.url = *parsed, .keys = {}};
  for (const auto& text : split_comma_list(keys)) {
    const auto key = identity::public_key::parse(text);
    if (!key) return problem{"--registry-key " + text + ": " + key.error().message()};
    made.keys.push_back(*key);
  }
  if (made.keys.empty()) return problem{"--registry-key is missing for " + url};
  return made;
}

}  // namespace

or_problem<std::vector<chat_registry>> read_registries(const chat_command_line& options,
                                                       const std::optional<identity::invitation>& link) {
  std::vector<chat_registry> all;
  for (std::size_t i = 0; i < options.registries.size(); ++i) {
    auto made = read_registry(options.registries[i], i < options.registry_keys.size() ? options.registry_keys[i] : "");
    if (!made) return made.error();
    if (std::ranges::find(all, made->url, &chat_registry::url) != all.end()) {
      return problem{"--registry " + options.registries[i] + " is there twice"};
    }
    all.push_back(std::move(*made));
  }
  if (link && std::ranges::find(all, link->registry_url, &chat_registry::url) == all.end()) {
    all.push_back({.url = link->registry_url, .keys = {link->registry_key}});
  }
  for (const auto& each : all) {
    if (each.url.starts_with("ws://") && !options.insecure_loopback) {
      return problem{"registry " + each.url + " is not encrypted: wss://, or --insecure-loopback for this machine"};
    }
  }
  return all;
}

std::optional<std::string> usage_problem(const chat_command_line& options) {
  if (options.identity.empty()) return "missing --identity";
  if (options.registries.empty() && options.join.empty()) return "missing --registry";
  if (options.registry_keys.size() != options.registries.size()) {
    return "each --registry needs its --registry-key (several keys of one registry with commas)";
  }
  if (options.transport != "sealed" && options.transport != "plain") return "--transport is sealed or plain";
  if (!options.page.empty() && (options.page.find('#') != std::string::npos ||
                                !(options.page.starts_with("https://") || options.page.starts_with("http://")))) {
    return "--page is a web address without a fragment";
  }
  if (options.patience.count() < 0) return "--patience must not be negative";
  return std::nullopt;
}

program describe_chat(chat_command_line& o) {
  return {
      .name = "flowersec chat",
      .summary = "A messenger in the terminal between people who know each other by their public key.",
      .blocks =
          {{"Usage", {"flowersec chat --registry URL --registry-key KEY --identity FILE [flags]"}},
           {"Examples",
            {"flowersec chat --registry wss://registry.example --registry-key KEY --identity me.json --new-identity",
             "flowersec chat --identity me.json --new-identity --join -      asks for the link of an invitation",
             "flowersec chat ... --json < commands.jsonl                     for scripts"}},
           {"Input",
            {"lines; /help lists the commands. With --json one object a line: docs/SECURE_WEBSOCKET.md, \"Chat\""}},
           {"Output", {"what happens, on stdout: lines, or with --json one object a line"}},
           {"Exit codes",
            {"0  everything was delivered", "1  it could not start, or something was not delivered", "2  usage error"}},
           {"Signals",
            {"SIGINT, SIGTERM  wait up to --patience for what is under way, say what was not delivered, and end;",
             "                 a second one ends at once"}}},
      .options = {{"registry", &o.registries, "URL of a registry (repeatable)", {"FSEC_REGISTRY"}},
                  {"registry-key",
                   &o.registry_keys,
                   "its public key, one flag for each --registry in the same order; several of one with commas",
                   {"FSEC_REGISTRY_KEY"}},
                  {"identity", &o.identity, "file with your key and contacts, mode 0600", {"FSEC_IDENTITY"}},
                  {"new-identity", &o.new_identity, "make that file; it must not be there"},
                  {"passphrase-file", &o.passphrase_file,
                   "file with the passphrase of the identity file, mode 0600; without it the terminal is asked"},
                  {"join", &o.join,
                   "link of an invitation, or - for the first line of the input, which no list of processes shows"},
                  {"page", &o.page, "address of a chat page, which invitations then lead to"},
                  {"ca", &o.ca, "PEM file with the only certificates to trust; blank means the system's"},
                  {"origin", &o.origin, "Origin header to send; blank: that of the registry's URL", {"FSEC_ORIGIN"}},
                  {"transport", &o.transport,
                   "sealed: encrypted to the registry's key inside TLS; plain: inside TLS alone"},
                  {"insecure-loopback", &o.insecure_loopback, "allow ws:// to this machine"},
                  {"replace", &o.replace, "take over from another program that is registered with the same key"},
                  {"ask", &o.ask, "show calls of people who are no contacts; without it they are ignored"},
                  {"no-qr", &o.no_qr, "no QR code for invitations"},
                  {"json", &o.json, "one JSON object a line, in and out"},
                  {"patience", &o.patience, "how long to wait at the end for messages to be delivered"}},
      .refuses_words = true,
      .common_help = true,
  };
}

program describe_flowersec() {
  return {.name = "flowersec",
          .summary = "Programs for people on the Flowersec stack.",
          .blocks = {{"Usage", {"flowersec COMMAND [flags]", "flowersec help COMMAND"}},
                     {"Commands", {"chat  a messenger in the terminal; see flowersec help chat"}},
                     {"Exit codes", {"those of the command; 2  usage error"}}},
          .options = {},
          .common_help = true};
}

}  // namespace flowersec::apps
