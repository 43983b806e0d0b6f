#include "flowersec/http/message.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "flowersec/base/text.h"

namespace flowersec::http {

std::optional<std::string_view> find_header(const std::vector<header>& headers, std::string_view name) noexcept {
  for (const auto& entry : headers) {
    if (ascii_iequals(entry.name, name)) return entry.value;
  }
  return std::nullopt;
}

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view symbols = "!#$%&'*+-.^_`|~";  // RFC 9110 section 5.6.2
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           symbols.find(c) != std::string_view::npos;
  });
}

bool can_send(const header& entry) noexcept {
  constexpr std::array<std::string_view, 4> written_for_caller{"Host", "Connection", "Content-Length",
                                                               "Transfer-Encoding"};
  const auto is_entry = [&](std::string_view name) { return ascii_iequals(entry.name, name); };
  if (!is_token(entry.name) || std::ranges::any_of(written_for_caller, is_entry)) return false;
  // Above all no line break, which would start a header of the caller's making.
  return std::ranges::all_of(entry.value, [](unsigned char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
}

std::string_view reason_phrase(unsigned status) noexcept {
  struct phrase {
    unsigned status;
    std::string_view text;
  };
  static constexpr std::array phrases = {
      phrase{200, "OK"},
      phrase{201, "Created"},
      phrase{202, "Accepted"},
      phrase{204, "No Content"},
      phrase{301, "Moved Permanently"},
      phrase{302, "Found"},
      phrase{303, "See Other"},
      phrase{304, "Not Modified"},
      phrase{307, "Temporary Redirect"},
      phrase{308, "Permanent Redirect"},
      phrase{400, "Bad Request"},
      phrase{401, "Unauthorized"},
      phrase{403, "Forbidden"},
      phrase{404, "Not Found"},
      phrase{405, "Method Not Allowed"},
      phrase{408, "Request Timeout"},
      phrase{409, "Conflict"},
      phrase{410, "Gone"},
      phrase{413, "Content Too Large"},
      phrase{415, "Unsupported Media Type"},
      phrase{429, "Too Many Requests"},
      phrase{431, "Request Header Fields Too Large"},
      phrase{500, "Internal Server Error"},
      phrase{502, "Bad Gateway"},
      phrase{503, "Service Unavailable"},
      phrase{504, "Gateway Timeout"},
  };
  for (const auto& known : phrases) {
    if (known.status == status) return known.text;
  }
  return "Unknown";
}

response text_response(unsigned status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = std::move(body)};
}

response error_response(unsigned status, std::string_view line) {
  auto answer = text_response(status, std::string{line} + '\n');
  answer.headers.push_back({"X-Content-Type-Options", "nosniff"});
  return answer;
}

response not_found() { return error_response(404, "404 page not found"); }

response method_not_allowed() { return {.status = 405, .headers = {}, .body = {}}; }

response healthy() { return text_response(200, "ok"); }

response json_response(unsigned status, std::string json) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(json)};
}

std::string serialize(const response& message, const serialize_options& options) {
  std::string text = "HTTP/1.1 " + std::to_string(message.status) + ' ';
  text += reason_phrase(message.status);
  text += "\r\n";
  for (const auto& entry : message.headers) text.append(entry.name).append(": ").append(entry.value).append("\r\n");
  if (!options.date.empty()) text.append("Date: ").append(options.date).append("\r\n");
  // RFC 9110 section 8.6: in a 304 the header would speak of the answer that the client has.
  if (message.status != 304) text += "Content-Length: " + std::to_string(message.body.size()) + "\r\n";
  if (!options.keep_alive) text += "Connection: close\r\n";
  text += "\r\n";
  if (!options.head_request) text += message.body;
  return text;
}

std::string http_date(long long unix_seconds) {
  static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return {};
  std::array<char, 64> text;
  const int length = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                   days[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                   months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                                   parts.tm_min, parts.tm_sec);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace flowersec::http
