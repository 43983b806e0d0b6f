#include "ownwire_assets/page_policy.h"

#include <algorithm>

#include "cli/values.h"
#include "flowersec/base/text.h"
#include "flowersec/base/web_url.h"
#include "ownwire_assets/integrity.h"

namespace flowersec::apps {
namespace {

constexpr std::string_view to_websockets = " connect-src 'self' wss: ws://localhost:* ws://127.0.0.1:*;";

/// Letters, digits and what else a host-source has: nothing that could end the expression or the header.
bool is_host_source(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_' || c == '*' || c == ':';
  });
}

std::string origin_of(std::string_view assets_url) {
  const auto url = parse_web_url(assets_url, http_schemes);
  return url ? (url->secure ? " https://" : " http://") + url->host_header() : std::string{};
}

/// Digests of the scripts that stand in the page itself.
std::string inline_scripts(std::string_view html) {
  constexpr std::string_view begin = "<script";
  constexpr std::string_view end = "</script>";
  std::string sources;
  for (auto at = html.find(begin); at != html.npos; at = html.find(begin, at)) {
    const auto open = html.find('>', at);
    const auto close = html.find(end, at);
    if (open == html.npos || close == html.npos || close < open) break;
    if (html.substr(at, open - at).find(" src=") == html.npos) {
      sources += ' ' + script_hash_source(html.substr(open + 1, close - open - 1));
    }
    at = close;
  }
  return sources;
}

}  // namespace

std::string frame_ancestors_of(std::string_view entry) {
  entry = trim(entry);
  if (const auto scheme_end = entry.find("://"); scheme_end != entry.npos) {
    const auto scheme = entry.substr(0, scheme_end);
    const auto rest = entry.substr(scheme_end + 3);
    const bool web = ascii_iequals(scheme, "https") || ascii_iequals(scheme, "http");
    return web && is_host_source(rest) ? std::string{entry} : std::string{};
  }
  if (!is_host_source(entry) || ascii_iequals(entry, "null")) return {};
  const auto host = entry.substr(0, entry.find(':'));
  const auto with_port = host.size() == entry.size() ? std::string{entry} + ":*" : std::string{entry};
  auto sources = "https://" + with_port;
  if (is_loopback_host(host)) sources += " http://" + with_port;
  return sources;
}

std::string page_policy(page_role role, std::string_view html, std::string_view assets_url,
                        const std::vector<std::string>& allowed_origins) {
  const auto copy = origin_of(assets_url);
  std::string policy = "default-src 'none'; script-src 'self'" + copy + inline_scripts(html) + "; style-src 'self'";
  // A page that shows the widget is an ordinary one, where the loader brings rules for its launcher.
  if (role == page_role::example) policy += " 'unsafe-inline'";
  policy += copy + "; img-src 'self' https: data:; font-src 'self' https: data:;";
  policy += to_websockets;
  if (role == page_role::example) policy += " frame-src 'self';";
  policy += " base-uri 'none'; form-action 'none'";
  std::string ancestors;
  for (const auto& entry : allowed_origins) {
    if (const auto sources = frame_ancestors_of(entry); !sources.empty()) ancestors += ' ' + sources;
  }
  const bool has_list = std::ranges::any_of(allowed_origins, [](const auto& entry) { return !is_blank(entry); });
  if (has_list) policy += "; frame-ancestors 'self'" + ancestors;
  return policy;
}

}  // namespace flowersec::apps
