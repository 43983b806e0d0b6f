// What flowersec-peer makes of its files and flags before it touches the network.
#include <gmock/gmock.h>

#include "peer/credentials.h"
#include "peer/listen_address.h"
#include "peer/progress.h"
#include "peer/report.h"

namespace flowersec::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string grant(int role) {
  return R"({"tunnel_url":"ws://t/ws","channel_id":"c","channel_init_expire_at_unix_s":1,"idle_timeout_seconds":60,"role":)" +
         std::to_string(role) + R"(,"token":"t","e2ee_psk_b64u":"p","allowed_suites":[1],"default_suite":1})";
}

const std::string info =
    R"({"ws_url":"ws://d/","channel_id":"c","e2ee_psk_b64u":"p","channel_init_expire_at_unix_s":1,"default_suite":2})";

TEST(grant_input, comes_in_every_form_that_tools_write) {
  for (const auto& text :
       {grant(1), R"({"version":"dev","grant_client":)" + grant(1) + R"(,"grant_server":)" + grant(2) + "}",
        R"({"v":1,"transport":"tunnel","tunnel_grant":)" + grant(1) + "}",
        R"({"connect_artifact":{"v":1,"transport":"tunnel","tunnel_grant":)" + grant(1) + "}}\n"}) {
    EXPECT_TRUE(parse_grant(text, endpoint::role::client)) << text;
  }
  for (const auto& text : {grant(2), R"({"grant_client":{},"grant_server":)" + grant(2) + "}"}) {
    EXPECT_TRUE(parse_grant(text, endpoint::role::server)) << text;
  }
}

TEST(grant_input, refusals_say_what_is_wrong) {
  const auto why = [](const std::string& text, endpoint::role role) {
    const auto parsed = parse_grant(text, role);
    return parsed ? std::string{} : parsed.error().text;
  };
  EXPECT_THAT(why("", endpoint::role::client), HasSubstr("ChannelInitGrant"));
  EXPECT_THAT(why("{}", endpoint::role::client), HasSubstr("tunnel_url"));
  EXPECT_NE(why(grant(2), endpoint::role::client), "");
  EXPECT_NE(why(grant(1), endpoint::role::server), "");
  EXPECT_NE(why(R"({"grant_client":null})", endpoint::role::client), "");
  EXPECT_NE(why(R"({"connect_artifact":null})", endpoint::role::client), "");
  EXPECT_NE(why(R"({"error":{"code":"endpoint_offline","message":"no"}})", endpoint::role::client), "");
  EXPECT_THAT(
      why(R"({"connect_artifact":{"v":1,"transport":"direct","direct_info":)" + info + "}}", endpoint::role::client),
      HasSubstr("--info"));
  EXPECT_THAT(why(R"({"v":1,"transport":"direct","direct_info":)" + info + "}", endpoint::role::client),
              HasSubstr("--info"));
}

TEST(info_input, comes_bare_or_in_an_artifact) {
  EXPECT_TRUE(parse_info(info));
  EXPECT_TRUE(parse_info(R"({"v":1,"transport":"direct","direct_info":)" + info + "}"));
  EXPECT_TRUE(parse_info(R"({"connect_artifact":{"v":1,"transport":"direct","direct_info":)" + info + "}}"));
  EXPECT_THAT(parse_info(R"({"grant_client":)" + grant(1) + "}").error().text, HasSubstr("--grant"));
  EXPECT_THAT(parse_info("{}").error().text, HasSubstr("ws_url"));
}

serve_command direct(std::string address) {
  serve_command command;
  command.direct = std::move(address);
  return command;
}

TEST(listen_input, takes_the_address_from_the_flag_and_the_path_from_the_url) {
  const auto options = listen_options_of(direct("127.0.0.1:9000"), "wss://box.example/a/b?x=1");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->address, "127.0.0.1");
  EXPECT_EQ(options->port, 9000);
  EXPECT_EQ(options->path, "/a/b");
  EXPECT_EQ(listen_options_of(direct("[::1]:0"), "ws://x")->address, "::1");
  EXPECT_EQ(listen_options_of(direct("[::1]:0"), "ws://x")->path, "/");
}

TEST(listen_input, needs_an_origin_unless_it_is_loopback) {
  EXPECT_TRUE(listen_options_of(direct("127.0.0.1:0"), "ws://x/")->allow_missing_origin);
  EXPECT_THAT(listen_options_of(direct("0.0.0.0:0"), "ws://x/").error().text, HasSubstr("missing --allow-origin"));
  auto command = direct("0.0.0.0:0");
  command.allowed_origins = {"https://a.example"};
  const auto options = listen_options_of(command, "ws://x/");
  EXPECT_THAT(options->allowed_origins, ElementsAre("https://a.example"));
  EXPECT_FALSE(options->allow_missing_origin);
}

TEST(listen_input, refuses_what_is_no_address) {
  for (const auto* text : {"", "127.0.0.1", "127.0.0.1:", ":9000", "localhost:1", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1:1x", "127.1:80"}) {
    EXPECT_FALSE(listen_options_of(direct(text), "ws://x/")) << text;
  }
  EXPECT_FALSE(listen_options_of(direct("127.0.0.1:0"), "http://x/"));
}

TEST(client_report, holds_only_when_every_check_does) {
  client_report report;
  EXPECT_FALSE(report.ok()) << "nothing was checked";
  report.passed("call");
  report.figure("call_us", 12.34);
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.line("tunnel"),
            R"({"role":"client","path":"tunnel","ok":true,"checks":{"call":"ok"},"figures":{"call_us":12.3}})");
  report.failed("echo", "lost \"it\"");
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.line("tunnel"), HasSubstr(R"("ok":false,"checks":{"call":"ok","echo":"lost \"it\""})"));
}

TEST(progress_text, shows_part_total_and_rate) {
  EXPECT_EQ(progress_text("sending", 8 << 20, 32 << 20, 2.0),
            "  sending   [#######-----------------------]  25 %  8.0 of 32.0 MiB  4 MiB/s");
  EXPECT_THAT(progress_text("x", 0, 0, 0), HasSubstr("100 %"));
}

}  // namespace
}  // namespace flowersec::apps
