#include "tunneld/authorizer_options.h"

#include <gmock/gmock.h>

namespace flowersec::apps {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::StartsWith;

tunnel_command asking() {
  tunnel_command command;
  command.attach_authorizer_url = "https://policy.example/attach";
  return command;
}

TEST(authorizer_options, are_none_without_a_url) { EXPECT_FALSE(authorizer_options_of({})); }

TEST(authorizer_options, have_the_documented_defaults) {
  for (const bool zeros : {false, true}) {
    auto command = asking();
    if (zeros) {
      command.policy_request_timeout = 0s;
      command.policy_observe_interval = 0s;
      command.policy_batch_size = 0;
    }
    const auto options = authorizer_options_of(command);
    ASSERT_TRUE(options);
    EXPECT_EQ(options->attach.host, "policy.example");
    EXPECT_FALSE(options->observe);
    EXPECT_TRUE(options->headers.empty());
    EXPECT_EQ(options->request_timeout, 3s);
    EXPECT_EQ(options->observe_interval, 10s);
    EXPECT_EQ(options->batch_size, 256u);
  }
}

TEST(authorizer_options, bound_the_time_of_a_call) {
  auto command = asking();
  command.policy_request_timeout = 30s;
  EXPECT_EQ(authorizer_options_of(command)->request_timeout, 30s);
  command.policy_request_timeout = 31s;
  EXPECT_EQ(authorizer_options_of(command)->request_timeout, 30s);
  command.policy_request_timeout = 1ns;
  EXPECT_EQ(authorizer_options_of(command)->request_timeout, 1ms) << "a positive time is not none";
  command.policy_observe_interval = std::chrono::nanoseconds::max();
  EXPECT_EQ(authorizer_options_of(command)->observe_interval, tunnel::longest_time) << "and added to the clock";
}

TEST(authorizer_options, take_what_was_given) {
  auto command = asking();
  command.observe_authorizer_url = "http://policy.example:81/observe";
  command.policy_observe_interval = 250ms;
  command.policy_batch_size = 7;
  command.authorizer_headers = {" X-Key :  one ", "", "  ", "X-Key:two", "Authorization: Bearer a:b"};
  const auto options = authorizer_options_of(command);
  EXPECT_EQ(options->observe->port, 81);
  EXPECT_EQ(options->observe_interval, 250ms);
  EXPECT_EQ(options->batch_size, 7u);
  EXPECT_THAT(options->headers, ElementsAre(http::header{"X-Key", "one"}, http::header{"X-Key", "two"},
                                            http::header{"Authorization", "Bearer a:b"}));
}

TEST(authorizer_headers, are_pairs_that_http_can_carry) {
  tunnel_command command;
  command.authorizer_headers = {"a:b", "A-b_c: d:e", " "};
  EXPECT_EQ(authorizer_header_problem(command), std::nullopt);
  for (const auto* bad : {"a", "a:", ":b", "a b: c", "a: b\r\nc: d", "Host: x", "content-length: 1",
                          "Connection: close", "Transfer-Encoding: chunked"}) {
    command.authorizer_headers = {"good: one", bad};
    ASSERT_TRUE(authorizer_header_problem(command)) << bad;
    EXPECT_THAT(*authorizer_header_problem(command), StartsWith("invalid --authorizer-header")) << bad;
  }
}

TEST(authorizer_urls, are_web_addresses) {
  for (const auto* good : {"", "http://h", "HTTPS://h:8443/p?q=1", "http://[::1]/", "http://192.0.2.1/x"}) {
    tunnel_command command;
    command.attach_authorizer_url = good;
    EXPECT_EQ(authorizer_url_problem(command), std::nullopt) << good;
  }
  for (const auto* bad : {"h", "/p", "//h/p", "ftp://h", "ws://h", "http://", "http:///p", "http://u@h", "http://u:p@h",
                          "http://h:0", "http://h:65536", "http://h p/"}) {
    tunnel_command command;
    command.attach_authorizer_url = bad;
    ASSERT_TRUE(authorizer_url_problem(command)) << bad;
    EXPECT_THAT(*authorizer_url_problem(command), StartsWith("invalid --attach-authorizer-url")) << bad;
    command.attach_authorizer_url = "http://h";
    command.observe_authorizer_url = bad;
    EXPECT_THAT(authorizer_url_problem(command).value(), StartsWith("invalid --observe-authorizer-url")) << bad;
  }
}

}  // namespace
}  // namespace flowersec::apps
