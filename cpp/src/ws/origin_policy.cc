#include "flowersec/ws/origin_policy.h"

#include <algorithm>
#include <string>

#include "flowersec/base/text.h"

namespace flowersec::ws {
namespace {

/// The parts of an Origin that count. All empty when the text is not a URL.
struct origin_parts {
  std::string_view scheme;
  std::string_view host;      ///< with port as written, IPv6 in brackets
  std::string_view hostname;  ///< without port and brackets
  std::string_view port;
};

bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) noexcept { return std::ranges::all_of(text, is_digit); }

bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && is_alpha(text.front()) && std::ranges::all_of(text, [](char c) {
    return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

bool is_host_character(char c) noexcept {
  constexpr std::string_view refused = " %\\^`{|}/?#@";
  const auto code = static_cast<unsigned char>(c);
  return code > 0x20 && code != 0x7f && refused.find(c) == std::string_view::npos;
}

/// `host` as in an authority: name, name:port, [v6] or [v6]:port, with digits as port.
std::optional<origin_parts> split_host(std::string_view host) noexcept {
  if (!std::ranges::all_of(host, is_host_character)) return std::nullopt;
  origin_parts parts{.scheme = {}, .host = host, .hostname = host, .port = {}};
  std::string_view behind;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    parts.hostname = host.substr(1, end - 1);
    behind = host.substr(end + 1);
    if (!behind.empty() && behind.front() != ':') return std::nullopt;
  } else if (const auto colon = host.rfind(':'); colon != std::string_view::npos) {
    parts.hostname = host.substr(0, colon);
    behind = host.substr(colon);
  }
  if (!behind.empty()) parts.port = behind.substr(1);
  if (!all_digits(parts.port)) return std::nullopt;
  return parts;
}

/// Only scheme and authority matter; path, query, fragment and user-info are ignored.
origin_parts parse_origin(std::string_view text) noexcept {
  const auto mark = text.find("://");
  if (mark == std::string_view::npos || !is_scheme(text.substr(0, mark))) return {};
  auto authority = text.substr(mark + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  auto parts = split_host(authority);
  if (!parts) return {};
  parts->scheme = text.substr(0, mark);
  return *parts;
}

std::string_view effective_port(const origin_parts& parts) noexcept {
  if (!parts.port.empty()) return parts.port;
  if (ascii_iequals(parts.scheme, "http")) return "80";
  if (ascii_iequals(parts.scheme, "https")) return "443";
  return {};
}

bool same_origin(const origin_parts& a, const origin_parts& b) noexcept {
  if (a.hostname.empty() || b.hostname.empty()) return false;
  return ascii_iequals(a.scheme, b.scheme) && ascii_iequals(a.hostname, b.hostname) &&
         effective_port(a) == effective_port(b);
}

bool is_subdomain(std::string_view hostname, std::string_view base) noexcept {
  if (base.empty() || hostname.size() <= base.size() + 1) return false;
  const auto tail = hostname.substr(hostname.size() - base.size() - 1);
  return tail.front() == '.' && ascii_iequals(tail.substr(1), base);
}

/// One colon outside brackets, or [v6]:port.
bool is_host_with_port(std::string_view entry) noexcept {
  if (entry.starts_with('[')) {
    const auto end = entry.find(']');
    return end != std::string_view::npos && end + 1 < entry.size() && entry[end + 1] == ':' &&
           entry.find(':', end + 2) == std::string_view::npos;
  }
  return std::ranges::count(entry, ':') == 1;
}

bool matches(std::string_view entry, std::string_view origin, const origin_parts& parts) noexcept {
  if (entry.find("://") != std::string_view::npos) {
    return same_origin(parse_origin(entry), parts) || ascii_iequals(entry, origin);
  }
  if (entry.starts_with("*.")) return is_subdomain(parts.hostname, entry.substr(2));
  if (!parts.host.empty() && is_host_with_port(entry)) return ascii_iequals(parts.host, entry);
  if (!parts.hostname.empty() && ascii_iequals(parts.hostname, entry)) return true;
  return entry == origin;
}

/// One decimal part of an IPv4 address as it is written canonically.
bool is_octet(std::string_view part) noexcept {
  if (part.empty() || part.size() > 3 || !all_digits(part)) return false;
  return (part.size() == 1 || part.front() != '0') && (part.size() < 3 || part <= "255");
}

bool is_loopback_ipv4(std::string_view hostname) noexcept {
  if (!hostname.starts_with("127.")) return false;
  for (int dots = 0; dots < 3; ++dots) {
    const auto dot = hostname.find('.');
    if (dot == std::string_view::npos || !is_octet(hostname.substr(0, dot))) return false;
    hostname.remove_prefix(dot + 1);
  }
  return is_octet(hostname);
}

bool is_loopback(const origin_parts& parts) noexcept {
  if (!ascii_iequals(parts.scheme, "http") && !ascii_iequals(parts.scheme, "https")) return false;
  if (parts.host.starts_with('[')) return parts.hostname == "::1";
  return ascii_iequals(parts.hostname, "localhost") || is_loopback_ipv4(parts.hostname);
}

}  // namespace

std::optional<origin_policy> origin_policy::allow_list(const std::vector<std::string>& entries, bool allow_missing) {
  origin_policy policy;
  policy.allow_missing_ = allow_missing;
  for (const auto& entry : entries) {
    if (const auto trimmed = trim(entry); !trimmed.empty()) policy.entries_.emplace_back(trimmed);
  }
  if (policy.entries_.empty()) return std::nullopt;
  return policy;
}

origin_policy origin_policy::loopback_only() {
  origin_policy policy;
  policy.allow_missing_ = true;
  policy.loopback_ = true;
  return policy;
}

origin_policy origin_policy::everybody() {
  origin_policy policy;
  policy.everybody_ = true;
  return policy;
}

bool origin_policy::allows(std::optional<std::string_view> origin) const {
  if (everybody_) return true;
  const auto trimmed = origin ? trim(*origin) : std::string_view{};
  if (trimmed.empty()) return allow_missing_;
  const auto parts = parse_origin(trimmed);
  if (loopback_ && is_loopback(parts)) return true;
  return std::ranges::any_of(entries_, [&](const auto& entry) { return matches(entry, trimmed, parts); });
}

}  // namespace flowersec::ws
