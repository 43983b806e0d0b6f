// Answers of the public port to plain requests.
#include "ownwire_assets/answer.h"

#include <gmock/gmock.h>

#include "unit/apps/ownwire_files.h"

namespace flowersec::apps {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ownwire_answer : public testing::Test {
 protected:
  std::string get(std::string_view path) const { return answer_page(assets, {.method = "GET", .path = path}).text; }

  const asset_set assets{small_files, {.server_keys = {"KEY"}}};
};

TEST_F(ownwire_answer, each_asset_has_its_type_in_utf8) {
  EXPECT_THAT(get("/"), HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(get("/embed_example.html"), HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(get("/css/style.css"), HasSubstr("\r\nContent-Type: text/css; charset=utf-8\r\n"));
  EXPECT_THAT(get("/js/ownwire.js"), HasSubstr("\r\nContent-Type: text/javascript; charset=utf-8\r\n"));
  EXPECT_THAT(get("/assets/chat-icon.png"), HasSubstr("\r\nContent-Type: image/png\r\n"));
}

TEST_F(ownwire_answer, every_asset_is_revalidated_never_sniffed_and_usable_from_other_origins) {
  for (const auto& one : assets.all()) {
    EXPECT_THAT(
        get(one.path),
        AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nETag: " + one.entity_tag + "\r\n"),
              HasSubstr("\r\nCache-Control: no-cache\r\n"), HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"),
              HasSubstr("\r\nCross-Origin-Resource-Policy: cross-origin\r\n"), EndsWith("\r\n\r\n" + one.body),
              HasSubstr("\r\nConnection: close\r\n"), Not(HasSubstr("X-Frame-Options"))));
  }
}

TEST_F(ownwire_answer, scripts_and_styles_are_open_to_integrity_checks_and_pages_are_not) {
  constexpr auto open = "\r\nAccess-Control-Allow-Origin: *\r\n";
  for (const auto* path : {"/js/ownwire.js", "/js/ownwire_nokeys.js", "/css/style.css"}) {
    EXPECT_THAT(get(path), HasSubstr(open)) << path;
  }
  for (const auto* path : {"/", "/embed_example.html"}) {
    EXPECT_THAT(get(path), Not(HasSubstr(open))) << path;
  }
}

TEST_F(ownwire_answer, pages_have_a_policy_and_no_referrer) {
  for (const auto* path : {"/", "/embed_example.html"}) {
    EXPECT_THAT(get(path), AllOf(HasSubstr("\r\nContent-Security-Policy: default-src 'none'; script-src 'self'"),
                                 HasSubstr("\r\nReferrer-Policy: no-referrer\r\n")));
  }
  EXPECT_THAT(get("/js/ownwire.js"), Not(HasSubstr("Content-Security-Policy")));
}

TEST_F(ownwire_answer, a_client_that_has_the_bytes_gets_304_without_a_length) {
  const auto& one = *assets.find("/js/ownwire.js");
  const auto known = answer_page(assets, {.method = "GET", .path = one.path, .if_none_match = one.entity_tag});
  EXPECT_EQ(known.status, 304U);
  EXPECT_THAT(known.text, AllOf(StartsWith("HTTP/1.1 304 Not Modified\r\n"), HasSubstr("ETag: " + one.entity_tag),
                                HasSubstr("Cache-Control: no-cache"), HasSubstr("Access-Control-Allow-Origin: *"),
                                Not(HasSubstr("Content-Length")), EndsWith("\r\n\r\n")));
  EXPECT_EQ(answer_page(assets, {.method = "GET", .path = one.path, .if_none_match = "\"old\""}).status, 200U);
}

TEST_F(ownwire_answer, head_is_get_without_the_body) {
  const auto head = answer_page(assets, {.method = "HEAD", .path = "/css/style.css"});
  const auto full = get("/css/style.css");
  EXPECT_EQ(head.text, full.substr(0, full.find("\r\n\r\n") + 4));
}

TEST_F(ownwire_answer, other_methods_are_405_and_unknown_paths_404) {
  for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    EXPECT_THAT(answer_page(assets, {.method = method, .path = "/"}).text,
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("\r\nAllow: GET, HEAD\r\n")))
        << method;
  }
  EXPECT_EQ(answer_page(assets, {.method = "POST", .path = "/healthz"}).status, 405U);
  for (const auto* path : {"/index.html", "/js/", "/js/../js/ownwire.js", "/css/style.css/", "/favicon.ico", ""}) {
    EXPECT_EQ(answer_page(assets, {.method = "GET", .path = path}).status, 404U) << path;
  }
}

TEST_F(ownwire_answer, health_is_ok) {
  EXPECT_THAT(get("/healthz"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\nok")));
}

}  // namespace
}  // namespace flowersec::apps
