// The tunnels that the flag cases look at. See tunnel_flag_cases.h.
#include "tunnel_flag_cases.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "flowersec/base/base64url.h"

namespace flowersec::testing {
namespace {

std::string keyset_file(const token_mint& mint) {
  const auto keys = mint.keys();
  return R"({"keys":[{"kid":"k1","pubkey_b64u":")" + encode_base64url(*keys.find("k1")) + R"("}]})";
}

testing_support::process::words words_of(const settings& flags) {
  testing_support::process::words words;
  for (const auto& [name, value] : flags) words.push_back("--" + name + '=' + value);
  return words;
}

/// Denies every channel that the request is about.
void deny_all(const http::request& asked, const http::responder& respond) {
  boost::json::array decisions;
  const auto observation = boost::json::parse(asked.body);
  for (const auto& channel : observation.at("channels").as_array()) {
    boost::json::object decision{{"allowed", false}};
    for (const auto* name : {"channel_id", "audience", "issuer"}) decision[name] = channel.at(name);
    decisions.push_back(std::move(decision));
  }
  const boost::json::object answer{{"decisions", std::move(decisions)}};
  respond(http::json_response(200, boost::json::serialize(answer)));
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

}  // namespace

flag_world::flag_world() : mint(count(to_unix_seconds(system_clocks().wall_now()))) {
  testing_support::write_whole_file(folder.file("keys.json"), keyset_file(mint));
  testing_support::write_whole_file(folder.file("path.conf"), "ws-path = /from-the-file\n");
  testing_support::write_whole_file(
      folder.file("tenants.json"),
      R"({"tenants":[{"aud":"aud","iss":"iss","issuer_keys_file":")" + folder.file("keys.json") + "\"}]}");
  authorizer.answer("/allow", R"({"allowed":true})");
  authorizer.answer("/note", "{}");
  authorizer.on("/deny", deny_all);
}

std::string flag_world::filled_in(std::string text) const {
  replace_all(text, "{dir}", folder.path());
  replace_all(text, "{certificate}", certificate.chain_file());
  replace_all(text, "{key}", certificate.key_file());
  replace_all(text, "{authorizer}", authorizer.url(""));
  return text;
}

settings flag_world::usual() const {
  return {{"issuer-keys-file", folder.file("keys.json")},
          {"aud", "aud"},
          {"iss", "iss"},
          {"allow-origin", "https://app.example"},
          {"threads", "1"}};
}

flag_run::flag_run(flag_world& shared, const settings& flags, testing_support::process::environment variables)
    : world(shared), process("flowersec-tunnel", words_of(flags), std::move(variables)) {
  first_line = process.read_line().value_or("");
  ready = parse_json_object(first_line, 65536);
}

std::string flag_run::member(const char* name) const {
  const auto* const found = ready ? ready->if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : "none";
}

std::string flag_run::ending() {
  if (ready) return "runs";
  const auto end = process.wait();
  return "exit " + std::to_string(end.exit_code) + ": " + end.err.substr(0, end.err.find('\n'));
}

std::string flag_run::metrics() const {
  const auto url = member("metrics_url");
  constexpr std::string_view scheme = "http://";
  return testing_support::http_get(url.substr(scheme.size(), url.rfind('/') - scheme.size()), "/metrics");
}

std::string flag_run::upgrade(const std::string& origin, const std::string& path,
                              const std::string& more_headers) const {
  tunnel_client client{listen()};
  client.send_text("GET " + path + " HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
                   (origin.empty() ? "" : "Origin: " + origin + "\r\n") + more_headers + "\r\n");
  constexpr std::size_t status_at = 9;
  return client.read_http_head().substr(status_at, 3);
}

flag_run::meeting flag_run::meet(const std::string& channel_id, const std::string& audience) {
  const auto attach = [&](int role) {
    auto token = world.mint.draft(channel_id, role);
    token.aud = audience;
    auto client = tunnel_client::attached(listen(), world.mint.attach_text(token));
    client.binary("greeting");
    return client;
  };
  auto first = attach(1);
  return {std::move(first), attach(2)};
}

std::string heard(tunnel_client& by) {
  const auto frame = by.frame();
  if (!frame) return "<end>";
  return std::string{frame->op == op_close ? frame->close_reason() : as_text(frame->payload)};
}

}  // namespace flowersec::testing
