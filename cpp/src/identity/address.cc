#include "flowersec/identity/address.h"

#include <algorithm>
#include <array>

#include "flowersec/base/text.h"

namespace flowersec::identity {
namespace {

constexpr std::string_view mark = "://";
constexpr std::array<std::string_view, 4> schemes = {"http", "https", "ws", "wss"};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_path_character(char c) noexcept {
  return is_digit(c) || is_letter(c) || std::string_view{"-._~/"}.find(c) != std::string_view::npos;
}

bool is_port(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || text.front() == '0' || !std::ranges::all_of(text, is_digit)) return false;
  unsigned port = 0;
  for (const char c : text) port = port * 10 + static_cast<unsigned>(c - '0');
  return port <= 65535;
}

bool is_name(std::string_view host) noexcept {
  if (host.empty() || host.size() > max_host_characters || host.find("..") != std::string_view::npos) return false;
  const auto is_edge = [](char c) { return is_digit(c) || is_letter(c); };
  return is_edge(host.front()) && is_edge(host.back()) &&
         std::ranges::all_of(host, [&](char c) { return is_edge(c) || c == '-' || c == '.'; });
}

/// Whether it looks like an IPv6 address; whether it is one shows when it is dialled.
bool is_ipv6(std::string_view host) noexcept {
  constexpr std::string_view allowed = "0123456789abcdefABCDEF:.";
  return host.size() >= 2 && host.size() <= 45 && host.find(':') != std::string_view::npos &&
         host.find_first_not_of(allowed) == std::string_view::npos;
}

/// host [":" port]
bool is_authority(std::string_view text) noexcept {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) return false;
    rest = text.substr(end + 1);
  } else {
    const auto end = std::min(text.find(':'), text.size());
    if (!is_name(text.substr(0, end))) return false;
    rest = text.substr(end);
  }
  return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

bool is_site(std::string_view lower) noexcept {
  const auto at = lower.find(mark);
  if (at == std::string_view::npos) return is_authority(lower);
  return std::ranges::find(schemes, lower.substr(0, at)) != schemes.end() &&
         is_authority(lower.substr(at + mark.size()));
}

}  // namespace

result<address> parse_address(std::string_view text) {
  const auto slash = text.rfind('/');
  std::optional<std::string> site;
  if (slash != std::string_view::npos) {
    site = ascii_lower(text.substr(0, slash));
    if (!is_site(*site)) return identity_errc::bad_address;
  }
  const auto key = public_key::parse(site ? text.substr(slash + 1) : text);
  if (!key) return key.error();
  return address{.site = std::move(site), .key = *key};
}

std::string format_address(const address& from) {
  return from.site ? *from.site + "/" + from.key.text() : from.key.text();
}

std::optional<std::string> parse_registry_url(std::string_view text) {
  if (text.size() > max_registry_url_bytes) return std::nullopt;
  const auto after = text.find(mark);
  if (after == std::string_view::npos) return std::nullopt;
  const auto path_at = std::min(text.find('/', after + mark.size()), text.size());
  auto url = ascii_lower(text.substr(0, path_at));
  const auto path = text.substr(path_at);
  if (!url.starts_with("ws") || !is_site(url) || !std::ranges::all_of(path, is_path_character)) return std::nullopt;
  return url.append(path);
}

}  // namespace flowersec::identity
