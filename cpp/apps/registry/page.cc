#include "registry/page.h"

#include "flowersec/identity/public_key.h"
#include "flowersec/rendezvous/frames.h"

namespace flowersec::apps {
namespace {

std::string page_text(const std::vector<std::string>& public_keys, bool has_legacy) {
  std::string text =
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Flowersec registry</title>\n"
      "<h1>Flowersec registry</h1>\n"
      "<p>Peers that know each other's public key meet here. The registry checks that each holds its key and hands "
      "both "
      "ends of a call a grant for a tunnel; neither it nor the tunnel can read what they say.\n"
      "<p>Clients pin one of these keys, which must come to them from where nobody on the way has a say:\n<ul>\n";
  for (const auto& key : public_keys) text += "<li><code>" + key + "</code>\n";
  text += "</ul>\n<p>Programs and pages of other origins connect to <code>" +
          std::string{rendezvous::registry_sealed_path} + "</code> (sealed to the key above) or <code>" +
          std::string{rendezvous::registry_ws_path} +
          "</code>. There is no client on this page, because a registry must not be able to change the client.\n";
  if (has_legacy) {
    text +=
        "<p>Clients of the original protocol are served at <code>/legacy</code> and at the location of their key. "
        "Their "
        "messages have neither forward secrecy nor protection against repetition.\n";
  }
  return text + "</html>\n";
}

}  // namespace

std::optional<std::string> registry_answer(std::string_view method, std::string_view path,
                                           const std::vector<std::string>& public_keys, bool has_legacy) {
  const bool is_location = path.starts_with('/') && identity::public_key::parse(path.substr(1)).has_value();
  if (path != "/" && !is_location) return std::nullopt;
  if (method != "GET" && method != "HEAD") return std::nullopt;
  const auto body = page_text(public_keys, has_legacy);
  std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\nContent-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
      "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n"
      "Connection: close\r\n\r\n";
  if (method == "GET") answer += body;
  return answer;
}

}  // namespace flowersec::apps
