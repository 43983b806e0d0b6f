// The page about readiness.
#include "tunnel/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tunnel/http_site.h"

namespace flowersec::tunnel {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(readiness, names_tenants_and_key_ids) {
  const auto text = loaded_keys_text({{"r", "tunnel", "red", {"k1", "k2"}}, {"", "tunnel", std::nullopt, {}}});
  EXPECT_EQ(text, R"([{"id":"r","aud":"tunnel","iss":"red","key_ids":["k1","k2"]},{"aud":"tunnel","key_ids":[]}])");
  EXPECT_EQ(readiness_text(true, text), "{\"ready\":true,\"tenants\":" + text + "}\n");
  EXPECT_EQ(readiness_text(false, "[]"), "{\"ready\":false,\"tenants\":[]}\n");
}

TEST(readiness, names_are_escaped) {
  EXPECT_EQ(loaded_keys_text({{"", "a\"b", "c\n", {"\\"}}}), R"([{"aud":"a\"b","iss":"c\n","key_ids":["\\"]}])");
}

class readiness_page : public ::testing::Test {
 protected:
  static server_options options() {
    server_options o;
    o.origins.loopback_only = true;
    return o;
  }
  [[nodiscard]] static http_answer ask(const http_site& site, std::string_view method, tunnel_phase phase) {
    ws::request_head head;
    head.method = method;
    head.target = "/readyz";
    head.keep_alive = true;
    return site.answer(head, phase);
  }
  http_site site = *http_site::make(options(), nullptr, [] { return std::string{"[]"}; });
};

TEST_F(readiness_page, answers_200_while_newcomers_are_welcome) {
  const auto answer = ask(site, "GET", tunnel_phase::serving);
  EXPECT_THAT(answer.text, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer.text, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(answer.text, EndsWith("\r\n\r\n{\"ready\":true,\"tenants\":[]}\n"));
  EXPECT_EQ(answer.next, http_answer::then::keep);
}

TEST_F(readiness_page, answers_503_on_the_way_down) {
  const auto answer = ask(site, "GET", tunnel_phase::closing);
  EXPECT_THAT(answer.text, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer.text, EndsWith("\r\n\r\n{\"ready\":false,\"tenants\":[]}\n"));
  EXPECT_EQ(answer.next, http_answer::then::close);
}

TEST_F(readiness_page, a_head_request_gets_no_body) {
  EXPECT_THAT(ask(site, "HEAD", tunnel_phase::serving).text, EndsWith("\r\n\r\n"));
}

TEST_F(readiness_page, its_path_is_taken) {
  auto o = options();
  o.ws_path = "/readyz";
  EXPECT_FALSE(http_site::make(o, nullptr));
}

}  // namespace
}  // namespace flowersec::tunnel
