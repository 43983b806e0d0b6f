// A small HTTP/1.1 client: one exchange per call, bounded in time and size.
// Layer http, on Beast. Follows redirects on the same origin only, so that what the headers carry stays there.
// Source: RFC 9110; PROTOCOL, "Plain HTTP behaviour".
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "flowersec/base/web_url.h"
#include "flowersec/http/error.h"
#include "flowersec/http/message.h"

struct ssl_ctx_st;

namespace flowersec::http {

/// An absolute http or https URL, taken apart.
using url = web_url;

/// Errors   url_invalid, for the reasons of parse_web_url().
[[nodiscard]] result<url> parse_url(std::string_view text);
/// Where a Location header leads, seen from `base`. Errors: redirect_invalid.
[[nodiscard]] result<url> resolve_location(const url& base, std::string_view location);

struct fetch_request {
  url to{};
  std::string method = "GET";
  std::vector<header> headers{};  ///< added to Host, Content-Length and Connection, which are written for you
  std::string body{};
};

/// POST with JSON in and out.
[[nodiscard]] fetch_request json_post(url to, std::string json, std::vector<header> extra_headers = {});

/// Certificates to trust: these, or the system's. TLS 1.2 or newer. May be used by many calls of one thread.
/// Errors   tls_config_invalid.
[[nodiscard]] result<std::shared_ptr<ssl_ctx_st>> load_client_tls(const std::optional<std::string>& ca_pem = {});

struct fetch_options {
  std::chrono::milliseconds timeout{3000};   ///< the whole call, redirects included
  std::size_t max_header_bytes = 32 * 1024;  ///< a server can make us hold this much,
  std::size_t max_body_bytes = 1048576;      ///< and this much
  bool follow_redirects = true;              ///< false: a redirect is a response like any other
  unsigned max_redirects = 10;
  std::optional<std::string> ca_pem{};  ///< trust only these certificates; nullopt: the system's
  /// From load_client_tls(), for callers with many calls: reading the system's certificates takes milliseconds. Instead
  /// of ca_pem. nullptr: read them for this call.
  std::shared_ptr<ssl_ctx_st> trust{};

  [[nodiscard]] bool validate() const noexcept;
};

namespace detail {
using fetch_handler = boost::asio::any_completion_handler<void(error_code, response)>;
void start_fetch(boost::asio::any_io_executor executor, fetch_request request, fetch_options options,
                 fetch_handler handler);
}  // namespace detail

/// Completion    void(error_code, response); a status of 400 or more is a response, not an error. With body_too_large
///               the response has status and headers
/// Cancellation  terminal, partial and total; completes at once
/// Errors        every http_errc of a client, or those of resolving and connecting
template <typename Token = boost::asio::use_awaitable_t<>>
auto async_fetch(boost::asio::any_io_executor executor, fetch_request request, fetch_options options,
                 Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, response)>(
      [](auto handler, boost::asio::any_io_executor ex, fetch_request what, fetch_options how) {
        detail::start_fetch(std::move(ex), std::move(what), std::move(how), std::move(handler));
      },
      token, std::move(executor), std::move(request), std::move(options));
}

}  // namespace flowersec::http
