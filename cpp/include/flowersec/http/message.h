// HTTP requests and responses as plain data, the answers every server here gives, and their text.
// Layer http, no I/O. Source: RFC 9110, RFC 9112; PROTOCOL, "Plain HTTP behaviour".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowersec::http {

struct header {
  std::string name;
  std::string value;

  friend bool operator==(const header&, const header&) = default;
};

/// First header of that name, ignoring case.
[[nodiscard]] std::optional<std::string_view> find_header(const std::vector<header>& headers,
                                                          std::string_view name) noexcept;

/// A method or the name of a header. Source: RFC 9110 section 5.6.2.
[[nodiscard]] bool is_token(std::string_view text) noexcept;
/// Whether a request may carry this header: the name is a token and none that is written for the caller (Host,
/// Connection, Content-Length, Transfer-Encoding), and the value holds no control character.
[[nodiscard]] bool can_send(const header& entry) noexcept;

struct request {
  std::string method = "GET";
  std::string target = "/";  ///< path and query, as sent
  std::vector<header> headers{};
  std::string body{};
  std::string remote_address{};  ///< address and port of the TCP peer; filled in by the server

  [[nodiscard]] std::string_view path() const noexcept { return std::string_view{target}.substr(0, target.find('?')); }
  [[nodiscard]] std::string_view query() const noexcept {
    const auto mark = target.find('?');
    return mark == std::string::npos ? std::string_view{} : std::string_view{target}.substr(mark + 1);
  }
};

struct response {
  unsigned status = 200;
  std::vector<header> headers{};  ///< without Content-Length, Connection and Date: those are written for you
  std::string body{};
};

/// Answers one request; call it once. Later calls do nothing. Dropping every copy uncalled answers 500.
using responder = std::function<void(response)>;
using request_handler = std::function<void(request, responder)>;

/// "OK", "Not Found", ...; "Unknown" for a status without a standard phrase.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

/// `body` as it is, as text/plain in UTF-8.
[[nodiscard]] response text_response(unsigned status, std::string body);
/// `line` and a newline, with X-Content-Type-Options: nosniff: the form of every refusal.
[[nodiscard]] response error_response(unsigned status, std::string_view line);
/// 404 "404 page not found".
[[nodiscard]] response not_found();
/// 405 with an empty body.
[[nodiscard]] response method_not_allowed();
/// 200 "ok" for the health path.
[[nodiscard]] response healthy();
[[nodiscard]] response json_response(unsigned status, std::string json);

/// How a response is written.
struct serialize_options {
  bool keep_alive = false;    ///< else "Connection: close"
  bool head_request = false;  ///< headers of the body, not the body
  std::string_view date{};    ///< value of the Date header; empty leaves it out
};
/// The whole response as it goes on the wire.
[[nodiscard]] std::string serialize(const response& message, const serialize_options& options = {});

/// Value of a Date header for a time in seconds since 1970. Source: RFC 9110 section 5.6.7.
[[nodiscard]] std::string http_date(long long unix_seconds);

}  // namespace flowersec::http
