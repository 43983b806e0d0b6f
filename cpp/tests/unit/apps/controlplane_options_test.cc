// What flowersec-controlplane is told, before anything is opened.
#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "controlplane/bearer_key.h"
#include "controlplane/options.h"
#include "controlplane/tunnel_keys.h"
#include "support/process.h"
#include "support/standstill.h"

namespace flowersec::apps::plane {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

serve_command good() {
  serve_command c;
  c.files.state = "plane.db";
  c.bearer_key_file = "bearer.key";
  c.tunnel_urls = {"wss://tunnel.example/ws"};
  c.audience = "aud";
  c.issuer = "iss";
  return c;
}

template <class Change>
std::string problem_after(Change change) {
  auto c = good();
  change(c);
  return usage_problem(c).value_or("none");
}

TEST(controlplane_options, what_is_needed_is_asked_for_by_its_flag) {
  EXPECT_EQ(problem_after([](auto&) {}), "none");
  EXPECT_THAT(problem_after([](auto& c) { c.files.state.clear(); }), HasSubstr("missing --state"));
  EXPECT_THAT(problem_after([](auto& c) { c.bearer_key_file.clear(); }), HasSubstr("missing --bearer-key-file"));
  EXPECT_THAT(problem_after([](auto& c) { c.demo = true; }), HasSubstr("--demo and --bearer-key-file exclude"));
  EXPECT_THAT(problem_after([](auto& c) { c.tunnel_urls.clear(); }), HasSubstr("missing --tunnel-url"));
  EXPECT_THAT(problem_after([](auto& c) { c.audience.clear(); }), HasSubstr("missing --aud"));
  EXPECT_THAT(problem_after([](auto& c) { c.issuer.clear(); }), HasSubstr("missing --iss"));
}

TEST(controlplane_options, values_are_bounded_at_their_edges) {
  EXPECT_EQ(problem_after([](auto& c) { c.token_lifetime = 1s; }), "none");
  EXPECT_EQ(problem_after([](auto& c) { c.token_lifetime = 120s; }), "none");
  EXPECT_THAT(problem_after([](auto& c) { c.token_lifetime = 999ms; }), HasSubstr("--token-lifetime"));
  EXPECT_THAT(problem_after([](auto& c) { c.token_lifetime = 121s; }), HasSubstr("--token-lifetime"));
  EXPECT_THAT(problem_after([](auto& c) { c.idle_timeout = 0s; }), HasSubstr("--idle-timeout"));
  EXPECT_EQ(problem_after([](auto& c) { c.max_conns = 1; }), "none");
  EXPECT_THAT(problem_after([](auto& c) { c.max_conns = 0; }), HasSubstr("--max-conns"));
  EXPECT_EQ(problem_after([](auto& c) { c.max_endpoints = 1'000'000; }), "none");
  EXPECT_THAT(problem_after([](auto& c) { c.max_endpoints = 1'000'001; }), HasSubstr("--max-endpoints"));
  EXPECT_THAT(problem_after([](auto& c) { c.request_timeout = 99ms; }), HasSubstr("--request-timeout"));
  EXPECT_EQ(problem_after([](auto& c) { c.delivery_timeout = 100ms; }), "none");
  EXPECT_THAT(problem_after([](auto& c) { c.delivery_timeout = 99ms; }), HasSubstr("--delivery-timeout"));
  EXPECT_THAT(problem_after([](auto& c) { c.delivery_timeout = 1h + 1ms; }), HasSubstr("--delivery-timeout"));
  EXPECT_THAT(problem_after([](auto& c) { c.shutdown_timeout = -1ms; }), HasSubstr("--shutdown-timeout"));
  EXPECT_THAT(problem_after([](auto& c) { c.tls_cert_file = "cert.pem"; }), HasSubstr("--tls-key-file"));
  EXPECT_EQ(problem_after([](auto& c) { c.trusted_proxies = {"192.0.2.0/24", "::1"}; }), "none");
  EXPECT_THAT(problem_after([](auto& c) { c.trusted_proxies = {"proxy.example"}; }), HasSubstr("--trusted-proxy"));
  EXPECT_THAT(problem_after([](auto& c) { c.log_level = "loud"; }), HasSubstr("--log-level"));
}

TEST(controlplane_options, a_tunnels_url_is_one_that_can_be_dialled) {
  for (const std::string url : {"ws://127.0.0.1:8080/ws", "wss://tunnel.example", "wss://[::1]:9/a/b"}) {
    EXPECT_EQ(problem_after([&](auto& c) { c.tunnel_urls.push_back(url); }), "none") << url;
  }
  for (const std::string url : {"https://tunnel.example/ws", "ws:// bad host", "ws://", "ws:///ws", "wss://u@host/ws",
                                "wss://tunnel.example:0x50/ws", "tunnel.example", ""}) {
    EXPECT_THAT(problem_after([&](auto& c) { c.tunnel_urls.push_back(url); }),
                HasSubstr("invalid --tunnel-url: " + url));
  }
  EXPECT_EQ(problem_after([](auto& c) { c.tunnel_urls = {"wss://tunnel.example/ws#part"}; }),
            "invalid --tunnel-url: wss://tunnel.example/ws#part has a fragment");
}

TEST(controlplane_options, an_id_of_something_new_has_no_control_characters) {
  for (const std::string good : {"k1", "caf\xc3\xa9", "two words", "\xc2\xa0", "\xc4\x80"}) {
    EXPECT_EQ(new_id_problem("--kid", good), std::nullopt) << good;
  }
  EXPECT_EQ(new_id_problem("--kid", ""), "missing --kid");
  for (const std::string bad : {"a\nb", "a\x1b[2J", "\x7f", "a\xc2\x85", "\xc2\x9f"}) {
    EXPECT_EQ(new_id_problem("--kid", bad), "invalid --kid: an id has no control characters") << bad;
  }
}

TEST(controlplane_options, every_command_refuses_words_that_are_no_flags) {
  serve_command serve;
  EXPECT_TRUE(describe_serve(serve).refuses_words);
  EXPECT_TRUE(describe_controlplane().refuses_words);
  for (const auto describe : {describe_init, describe_add_endpoint, describe_revoke_endpoint, describe_list_endpoints,
                              describe_make_ticket, describe_list_keys, describe_publish_key, describe_rotate_key,
                              describe_retire_key, describe_export_key, describe_back_up}) {
    admin_command command;
    EXPECT_TRUE(describe(command).refuses_words);
  }
}

TEST(controlplane_options, the_keyset_file_lies_beside_the_state_file_unless_told_otherwise) {
  EXPECT_EQ((state_files{.state = "/var/lib/plane.db", .issuer_keys_file = {}}.keyset_path()),
            "/var/lib/issuer_keys.json");
  EXPECT_EQ((state_files{.state = "plane.db", .issuer_keys_file = {}}.keyset_path()), "issuer_keys.json");
  EXPECT_EQ((state_files{.state = "plane.db", .issuer_keys_file = "/etc/k.json"}.keyset_path()), "/etc/k.json");
}

TEST(tunnel_keys, a_ready_page_lists_what_its_tenants_have_loaded) {
  const std::string page = R"({"ready":false,"tenants":[)"
                           R"({"id":"a","aud":"aud","iss":"other","key_ids":["k1"]},)"
                           R"({"id":"b","aud":"aud","iss":"iss","key_ids":["k2","k3"]}]})";
  const auto lists = [&](std::string kid, std::string audience = "aud", std::string issuer = "iss") {
    return lists_key(page, {.kid = std::move(kid), .audience = std::move(audience), .issuer = std::move(issuer)});
  };
  EXPECT_TRUE(lists("k2"));
  EXPECT_TRUE(lists("k3"));
  EXPECT_FALSE(lists("k"));
  EXPECT_FALSE(lists("k1")) << "somebody else's key of that name";
  EXPECT_TRUE(lists("k1", "aud", "other"));
  EXPECT_FALSE(lists("k2", "other"));
}

TEST(tunnel_keys, a_tenant_without_an_issuer_takes_tokens_of_any) {
  const std::string page = R"({"ready":true,"tenants":[{"aud":"aud","key_ids":["k1"]}]})";
  EXPECT_TRUE(lists_key(page, {.kid = "k1", .audience = "aud", .issuer = "iss"}));
  EXPECT_FALSE(lists_key(page, {.kid = "k1", .audience = "other", .issuer = "iss"}));
}

TEST(tunnel_keys, a_page_of_another_shape_lists_nothing) {
  for (const auto* other :
       {"", "ok", "{}", R"({"tenants":null})", R"({"tenants":["k1"]})", R"({"tenants":[{}]})",
        R"({"tenants":[{"aud":"aud"}]})", R"({"tenants":[{"aud":"aud","key_ids":"k1"}]})",
        R"({"tenants":[{"aud":"aud","key_ids":[1]}]})", R"({"tenants":[{"aud":"aud","iss":null,"key_ids":["k1"]}]})",
        R"({"tenants":[{"aud":1,"key_ids":["k1"]}]})", R"({"tenants":[{"key_ids":["k1"]}]})"}) {
    EXPECT_FALSE(lists_key(other, {.kid = "k1", .audience = "aud", .issuer = "iss"})) << other;
  }
}

TEST(tunnel_keys, a_page_that_is_none_is_named) {
  const key_of_issuer key{.kid = "k1", .audience = "aud", .issuer = "iss"};
  EXPECT_THAT(wait_for_key({"ftp://tunnel.example"}, key, 0s).value_or(""),
              HasSubstr("invalid --tunnel-ready-url: ftp://tunnel.example"));
  EXPECT_THAT(wait_for_key({"http://127.0.0.1:1/readyz"}, key, 0s).value_or(""),
              HasSubstr("http://127.0.0.1:1/readyz"));
  EXPECT_FALSE(wait_for_key({}, key, 0s));
}

TEST(tunnel_keys, a_page_that_does_not_come_takes_no_longer_than_the_wait) {
  boost::asio::io_context context;
  boost::asio::ip::tcp::acceptor never_answers{context, {boost::asio::ip::address_v4::loopback(), 0}};
  const auto url = "http://127.0.0.1:" + std::to_string(never_answers.local_endpoint().port()) + "/readyz";
  testing::undisturbed_time taken;
  EXPECT_THAT(wait_for_key({url}, {.kid = "k1", .audience = "aud", .issuer = "iss"}, 200ms).value_or(""),
              HasSubstr(url));
  EXPECT_LT(taken.elapsed(), 2s) << "a request alone may take 3 s";
}

TEST(bearer_key, is_one_word_of_16_to_4096_characters) {
  const testing_support::temporary_folder folder;
  const auto read = [&](const std::string& text) {
    testing_support::write_whole_file(folder.file("key"), text);
    auto key = read_bearer_key(folder.file("key"));
    return key ? std::string{key->view()} : "refused";
  };
  const std::string shortest(16, 'a');
  const std::string longest(4096, 'a');
  EXPECT_EQ(read(shortest), shortest);
  EXPECT_EQ(read(shortest + "\r\n"), shortest);
  EXPECT_EQ(read(longest + "\n"), longest);
  EXPECT_EQ(read(shortest.substr(1)), "refused");
  EXPECT_EQ(read(longest + 'a'), "refused");
  EXPECT_EQ(read("two words, long enough"), "refused");
  EXPECT_EQ(read("caf\xc3\xa9, long-enough"), "refused");
  EXPECT_EQ(read(""), "refused");
}

TEST(bearer_key, is_read_from_a_file_that_only_its_owner_can_use) {
  using std::filesystem::perms;
  const testing_support::temporary_folder folder;
  const auto file = folder.file("key");
  testing_support::write_whole_file(file, "sixteen-letters-");
  for (const auto open : {perms::group_read, perms::group_write, perms::others_read, perms::others_write}) {
    std::filesystem::permissions(file, perms::owner_read | open);
    const auto key = read_bearer_key(file);
    ASSERT_FALSE(key) << static_cast<unsigned>(open);
    EXPECT_THAT(key.error().text, HasSubstr("--bearer-key-file: others can read or write " + file));
    EXPECT_THAT(key.error().text, HasSubstr("chmod 600"));
  }
  std::filesystem::permissions(file, perms::owner_read);
  EXPECT_TRUE(read_bearer_key(file));
}

TEST(bearer_key, is_never_in_what_is_said_about_it) {
  const testing_support::temporary_folder folder;
  testing_support::write_whole_file(folder.file("key"), "secret but two words");
  const auto key = read_bearer_key(folder.file("key"));
  ASSERT_FALSE(key);
  EXPECT_THAT(key.error().text, HasSubstr(folder.file("key")));
  EXPECT_THAT(key.error().text, Not(HasSubstr("secret")));
  EXPECT_THAT(read_bearer_key(folder.file("none")).error().text, HasSubstr("--bearer-key-file"));
}

}  // namespace
}  // namespace flowersec::apps::plane
