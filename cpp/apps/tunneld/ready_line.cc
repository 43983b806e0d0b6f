#include "tunneld/ready_line.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "flowersec/base/json.h"

namespace flowersec::apps {
namespace {

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  const std::string without_zone{text.substr(0, text.find('%'))};
  return ::inet_pton(AF_INET6, without_zone.c_str(), &address) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (problem != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool is_plain_host(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t\r\n/\\?#@[]:\"<>") == text.npos;
}

std::string_view authority_of(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  const auto authority = url.substr(0, url.find_first_of("/?#"));
  const auto user_end = authority.rfind('@');
  return user_end == authority.npos ? authority : authority.substr(user_end + 1);
}

std::optional<advertised_host> with_port(std::string host, std::string_view port_text) {
  const auto port = parse_port(port_text);
  return port ? std::optional{advertised_host{std::move(host), port}} : std::nullopt;
}

std::optional<advertised_host> parse_bracketed(std::string_view text) {
  const auto end = text.find(']');
  if (end == text.npos || !is_ipv6(text.substr(1, end - 1))) return std::nullopt;
  std::string host{text.substr(0, end + 1)};
  const auto rest = text.substr(end + 1);
  if (rest.empty()) return advertised_host{std::move(host), std::nullopt};
  return rest.starts_with(':') ? with_port(std::move(host), rest.substr(1)) : std::nullopt;
}

/// host:port split at the last colon, which a bound address always has.
std::string_view port_of(std::string_view address) { return address.substr(address.rfind(':') + 1); }

std::string authority(const ready_facts& facts, std::string_view bound, bool own_port) {
  if (!facts.advertise) return std::string{bound};
  const auto port =
      own_port || !facts.advertise->port ? std::string{port_of(bound)} : std::to_string(*facts.advertise->port);
  return facts.advertise->host + ':' + port;
}

}  // namespace

std::optional<advertised_host> parse_advertised_host(std::string_view text) {
  if (text.find("://") != text.npos) text = authority_of(text);
  if (text.starts_with('[')) return parse_bracketed(text);
  const auto colons = std::count(text.begin(), text.end(), ':');
  if (colons > 1) {
    return is_ipv6(text) ? std::optional{advertised_host{'[' + std::string{text} + ']', std::nullopt}} : std::nullopt;
  }
  const auto host = text.substr(0, text.find(':'));
  if (!is_plain_host(host)) return std::nullopt;
  if (colons == 1) return with_port(std::string{host}, text.substr(host.size() + 1));
  return advertised_host{std::string{host}, std::nullopt};
}

std::string ready_line(const ready_facts& facts, const version_info& build) {
  const auto main_authority = authority(facts, facts.listen, false);
  const auto http_url = (facts.tls ? "https://" : "http://") + main_authority;
  std::string text;
  json_object_writer line{text};
  line.field("version", build.version)
      .field("commit", build.commit)
      .field("date", build.date)
      .field("listen", facts.listen)
      .field("ws_path", facts.ws_path);
  if (facts.advertise) line.field("advertise_host", facts.advertise_text);
  line.field("ws_url", (facts.tls ? "wss://" : "ws://") + main_authority + facts.ws_path)
      .field("http_url", http_url)
      .field("healthz_url", http_url + "/healthz");
  const auto page_url = [&](const std::string& bound, const char* path) {
    return (facts.tls ? "https://" : "http://") + authority(facts, bound, true) + path;
  };
  if (!facts.metrics_listen.empty()) line.field("metrics_url", page_url(facts.metrics_listen, "/metrics"));
  if (!facts.stats_listen.empty()) line.field("stats_url", page_url(facts.stats_listen, "/stats/v1/bandwidth"));
  line.end();
  return text;
}

}  // namespace flowersec::apps
