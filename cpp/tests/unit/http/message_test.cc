// HTTP messages as data: texts of responses, URLs, redirects.
#include "flowersec/http/message.h"

#include <gtest/gtest.h>

#include "flowersec/http/client.h"

namespace flowersec::http {
namespace {

TEST(responses, the_common_answers_have_their_exact_text) {
  EXPECT_EQ(serialize(not_found()),
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
            "Content-Length: 19\r\nConnection: close\r\n\r\n404 page not found\n");
  EXPECT_EQ(serialize(healthy(), {.keep_alive = true}),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(serialize(method_not_allowed(), {.keep_alive = true}),
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(serialize(json_response(200, "{}"), {.keep_alive = true}),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(responses, to_head_have_the_length_and_not_the_body) {
  const auto text = serialize(healthy(), {.keep_alive = true, .head_request = true});
  EXPECT_NE(text.find("Content-Length: 2\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(responses, of_304_have_no_length) {
  EXPECT_EQ(serialize({.status = 304, .headers = {{"ETag", "\"a\""}}}, {.keep_alive = true}),
            "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n");
}

TEST(responses, dates_follow_the_rfc) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_NE(serialize(healthy(), {.date = "today"}).find("\r\nDate: today\r\n"), std::string::npos);
}

TEST(responses, an_unknown_status_has_a_phrase_too) { EXPECT_EQ(reason_phrase(299), "Unknown"); }

TEST(requests, path_and_query_are_parts_of_the_target) {
  const request with{.method = "GET", .target = "/a/b?c=d?e"};
  EXPECT_EQ(with.path(), "/a/b");
  EXPECT_EQ(with.query(), "c=d?e");
  const request without{.method = "GET", .target = "/a"};
  EXPECT_EQ(without.path(), "/a");
  EXPECT_EQ(without.query(), "");
}

TEST(requests, header_names_ignore_case) {
  const std::vector<header> headers = {{"A", "1"}, {"b", "2"}, {"B", "3"}};
  EXPECT_EQ(find_header(headers, "B"), "2");
  EXPECT_EQ(find_header(headers, "c"), std::nullopt);
}

TEST(http_url, parts_and_refusals) {
  const auto url = parse_url("HTTPS://Policy.Example:8443/a?b#c").value();
  EXPECT_TRUE(url.secure);
  EXPECT_EQ(url.host, "policy.example");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/a?b");
  EXPECT_EQ(url.host_header(), "policy.example:8443");
  EXPECT_EQ(parse_url("http://[::1]")->host_header(), "[::1]");
  for (const auto* text : {"", "policy.example", "ws://h", "ftp://h", "http://", "http:///x", "http://u@h",
                           "http://u:p@h", "http://h:0", "http://h:65536", "http://h:x", "http://h h", "http://h/\n"}) {
    EXPECT_EQ(parse_url(text).has_value(), false) << text;
  }
}

TEST(redirects, locations_are_seen_from_where_they_were_found) {
  const auto base = parse_url("http://h:81/a/b?c").value();
  const auto leads_to = [&](std::string_view location) {
    const auto to = resolve_location(base, location);
    return to ? (to->secure ? "https://" : "http://") + to->host_header() + to->target : std::string{"refused"};
  };
  EXPECT_EQ(leads_to("/x?y"), "http://h:81/x?y");
  EXPECT_EQ(leads_to("x"), "http://h:81/a/x");
  EXPECT_EQ(leads_to("../x"), "http://h:81/x");
  EXPECT_EQ(leads_to("https://other/x"), "https://other/x");
  EXPECT_EQ(leads_to("//other/x"), "http://other/x");
  for (const auto* location : {"ftp://h/x", "http://u@h/x", "http://h/a b", "http://[::1"}) {
    EXPECT_EQ(leads_to(location), "refused") << location;
  }
}

TEST(redirects, the_same_origin_means_scheme_host_and_effective_port) {
  const auto base = parse_url("http://h/a").value();
  EXPECT_TRUE(base.same_origin(parse_url("http://H:80/b").value()));
  for (const auto* other : {"https://h/a", "http://h:81/a", "http://x.h/a", "https://h:80/"}) {
    EXPECT_FALSE(base.same_origin(parse_url(other).value())) << other;
  }
}

TEST(http_errors, every_value_has_its_own_text) {
  std::vector<std::string> texts;
  for (int value = 1; value <= static_cast<int>(http_errc::stop_deadline); ++value) {
    texts.push_back(make_error_code(static_cast<http_errc>(value)).message());
    EXPECT_NE(texts.back(), "unknown HTTP error") << value;
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::adjacent_find(texts.begin(), texts.end()), texts.end());
}

}  // namespace
}  // namespace flowersec::http
