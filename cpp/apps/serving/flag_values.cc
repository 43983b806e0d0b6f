#include "serving/flag_values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cli/values.h"
#include "flowersec/base/text.h"
#include "flowersec/base/web_url.h"

namespace flowersec::apps {
namespace {

constexpr std::int64_t max_port = 65'535;

bool is_ip(const std::string& text, int family) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(family, text.c_str(), address.data()) == 1;
}

/// 0 to `most`, in digits.
bool is_number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  return wrong == std::errc{} && end == text.data() + text.size() && value <= most;
}

}  // namespace

std::optional<log_level> parse_level_word(std::string_view word) noexcept {
  return parse_log_level(word == "warn" ? "warning" : word);
}

std::optional<std::string> address_problem(std::string_view flag, std::string_view address) {
  const auto colon = address.rfind(':');
  const bool has_port = colon != address.npos && is_number(address.substr(colon + 1), max_port);
  const auto host = address.substr(0, std::min(colon, address.size()));
  const bool bare_v6 = host.find(':') != host.npos && !(host.starts_with('[') && host.ends_with(']'));
  if (has_port && !bare_v6) return std::nullopt;
  return "invalid " + std::string{flag} + ": " + std::string{address} +
         " is not host:port with a port of 0 to 65535 (IPv6 in brackets)";
}

bool is_loopback_address(std::string_view address) { return is_loopback_host(address.substr(0, address.rfind(':'))); }

bool is_network(const std::string& text) {
  const auto slash = std::min(text.find('/'), text.size());
  const auto address = text.substr(0, slash);
  const bool is_v4 = is_ip(address, AF_INET);
  if (!is_v4 && !is_ip(address, AF_INET6)) return false;
  return slash == text.size() || is_number(std::string_view{text}.substr(slash + 1), is_v4 ? 32 : 128);
}

std::optional<std::string> origins_problem(const std::vector<std::string>& allowed) {
  for (const auto& entry : allowed) {
    if (trim(entry) == "*") {
      return "invalid --allow-origin: * is no origin; name each site, or *.example.org for the subdomains of one";
    }
    if (entry.find(',') != entry.npos) {
      return "invalid --allow-origin: " + entry + " has a comma; one origin each, repeat the flag";
    }
  }
  return std::nullopt;
}

std::optional<std::string> proxies_problem(const std::vector<std::string>& trusted) {
  for (const auto& text : trusted) {
    if (!is_blank(text) && !is_network(text)) {
      return "invalid --trusted-proxy: " + text + " is neither an address nor a network such as 192.0.2.0/24";
    }
  }
  return std::nullopt;
}

}  // namespace flowersec::apps
