// Tenants of a real tunnel: tokens at their limits, scopes apart, and files that are refused at start.
#include "keys_fixture.h"

namespace flowersec::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing_support::http_get;
using testing_support::run_program;

class tenants_tunnel : public ::testing::Test, public tenant_files {
 protected:
  running_tunnel tunnel{{"--tenants-file", tenants}};

  void expect_invalid(const token_mint& mint, const token_mint::payload& payload) {
    expect_refused(tunnel.address, mint.attach_text(payload), "invalid_token");
  }
};

TEST_F(tenants_tunnel, item_04_tokens_inside_the_limits_pair) {
  int room = 0;
  const auto accepted = [&](auto change) {
    const auto name = "room-" + std::to_string(room++);
    auto client = red.draft(name, 1);
    auto server = red.draft(name, 2);
    change(client);
    change(server);
    EXPECT_TRUE(tunnel.pair_with(red, client, server).works()) << name;
  };
  const auto now = unix_now();
  accepted([](auto&) {});
  accepted([&](auto& p) { p.iat = now, p.exp = p.init_exp = now + 120; });
  accepted([&](auto& p) { p.iat = now - 60, p.exp = now - 10; });
  accepted([&](auto& p) { p.iat = now + 20, p.exp = now + 60; });
  accepted([&](auto& p) { p.init_exp = now + 150; });
}

TEST_F(tenants_tunnel, item_04_tokens_outside_the_limits_are_refused) {
  const auto refused = [&](auto change) {
    auto p = red.draft("room", 1);
    change(p);
    expect_invalid(red, p);
  };
  const auto now = unix_now();
  refused([&](auto& p) { p.iat = now, p.exp = p.init_exp = now + 121; });
  refused([&](auto& p) { p.iat = now - 100, p.exp = now - 40; });
  refused([&](auto& p) { p.iat = now + 90, p.exp = p.init_exp = now + 100; });
  refused([&](auto& p) { p.init_exp = now + 300; });
  refused([&](auto& p) { p.aud = "another"; });
  refused([&](auto& p) { p.iss = "another"; });
  refused([&](auto& p) { p.iss = "blue"; });
  refused([&](auto& p) { p.iss.reset(); });
  refused([&](auto& p) { p.kid = "k2"; });
  expect_invalid(blue, red.draft("room", 1));
}

TEST_F(tenants_tunnel, item_04_older_tokens_and_blank_ids_are_refused) {
  auto old = red.sign(red.draft("room", 1));
  old[3] = '1';
  expect_refused(tunnel.address, token_mint::attach_text("room", 1, old), "invalid_token");
  // An issuer would not sign this one, so it is written by hand.
  auto blank = red.draft("room", 1);
  blank.token_id = " \t";
  std::array<std::byte, crypto::ed25519_seed_bytes> seed;
  seed.fill(std::byte{1});
  const auto key = crypto::ed25519_signing_key::from_seed(seed);
  auto text = "FST2." + encode_base64url(as_bytes(encode(blank)));
  text += '.' + encode_base64url(key.sign(as_bytes(text)));
  expect_refused(tunnel.address, token_mint::attach_text("room", 1, text), "invalid_token");
}

TEST_F(tenants_tunnel, item_07_scopes_are_apart) {
  auto of_red = red.draft("room", 1);
  auto of_blue = blue.draft("room", 1);
  of_red.token_id = of_blue.token_id = "one id";
  auto reds = tunnel.pair_with(red, of_red, red.draft("room", 2));
  auto blues = tunnel.pair_with(blue, of_blue, blue.draft("room", 2));
  EXPECT_TRUE(reds.works());
  EXPECT_TRUE(blues.works());
  reds.client.binary("for red");
  blues.client.binary("for blue");
  EXPECT_EQ(blues.server.message(), "for blue");
  EXPECT_EQ(reds.server.message(), "for red");
  expect_refused(tunnel.address, red.attach_text(of_red), "token_replay");
  expect_refused(tunnel.address, blue.attach_text(of_blue), "token_replay");
}

TEST_F(tenants_tunnel, budgets_are_named_after_audience_and_issuer) {
  tunnel.program.send_signal(SIGUSR1);
  ASSERT_TRUE(tunnel.program.wait_for_err(" metrics enabled\n"));
  auto waiting = tunnel_client::attached(tunnel.address, red.attach_text("room", 1));
  waiting.binary("held");
  // The pong comes after what was sent before it.
  waiting.send(client_frame(op_ping, "x"));
  ASSERT_EQ(waiting.frame()->op, op_pong);
  const auto metrics = http_get(tunnel.address, "/metrics");
  EXPECT_THAT(metrics, HasSubstr("\nflowersec_tunnel_tenant_queued_bytes{tenant=\"tunnel|red\"} 4\n"));
  EXPECT_THAT(metrics, Not(HasSubstr("tunnel|blue")));
}

TEST_F(tenants_tunnel, readiness_lists_the_loaded_key_ids_and_no_key) {
  const auto page = http_get(tunnel.address, "/readyz");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(page, EndsWith("\r\n\r\n{\"ready\":true,\"tenants\":["
                             "{\"id\":\"r\",\"aud\":\"tunnel\",\"iss\":\"red\",\"key_ids\":[\"k1\"]},"
                             "{\"id\":\"b\",\"aud\":\"tunnel\",\"iss\":\"blue\",\"key_ids\":[\"k1\"]}]}\n"));
  write_keys(red_keys, new_red, "k2");
  ASSERT_TRUE(tunnel.hang_up(keys_reloaded));
  EXPECT_THAT(http_get(tunnel.address, "/readyz"), HasSubstr("\"iss\":\"red\",\"key_ids\":[\"k2\"]}"));
}

TEST(tenants_program, paths_of_keysets_are_relative_to_the_working_folder) {
  temporary_folder folder;
  token_mint mint{unix_now(), "a", "i"};
  write_whole_file(folder.file("keys.json"), keyset_text(mint));
  write_whole_file(folder.file("tenants.json"),
                   R"({"tenants":[{"aud":"a","iss":"i","issuer_keys_file":"keys.json"}]})");
  running_tunnel tunnel{{"--tenants-file", "tenants.json"}, folder.path()};
  EXPECT_TRUE(tunnel.pair(mint, "room").works());
}

class tenants_refusals : public ::testing::Test, public tenant_files {
 protected:
  [[nodiscard]] testing_support::process_result start(process::words more = {}) const {
    more.insert(more.end(), {"--tenants-file", tenants, "--allow-origin", "https://app.example"});
    return run_program("flowersec-tunnel", std::move(more));
  }
  void expect_usage_error(const std::string& message) const {
    const auto result = start();
    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_EQ(result.out, "") << message;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_THAT(result.err, HasSubstr("\nUsage:")) << message;
  }
};

TEST_F(tenants_refusals, bad_files_are_usage_errors_that_name_file_tenant_and_member) {
  const auto prefix = "bad tenants file " + tenants + ": ";
  const auto entry = [](const std::string& audience, const std::string& issuer, const std::string& file,
                        const std::string& id = "") {
    return R"({"id":")" + id + R"(","aud":")" + audience + R"(","iss":")" + issuer + R"(","issuer_keys_file":")" +
           file + "\"}";
  };
  const auto list = [](const std::string& entries) { return "{\"tenants\":[" + entries + "]}"; };
  const auto missing = folder.file("missing.json");
  const auto empty = folder.file("empty.json");
  write_whole_file(empty, R"({"keys":[]})");
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", "TenantsFile"},
      {"{}", "TenantsFile"},
      {list(""), "tenants: at least one entry is needed"},
      {list(entry("", "i", red_keys)), R"(tenants[0] (aud "", iss "i"): aud is empty)"},
      {list(entry("a", " ", red_keys)), R"(tenants[0] (aud "a", iss ""): iss is empty)"},
      {list(entry("a", "i", " ")), R"(tenants[0] (aud "a", iss "i"): issuer_keys_file is empty)"},
      {list(entry("a", "i", red_keys) + ',' + entry(" a", "i ", blue_keys)), "duplicate aud and iss"},
      {list(entry("a", "i", red_keys, "t") + ',' + entry("a", "j", blue_keys, "t")), R"(duplicate id "t")"},
      {list(entry("a", "i", missing)), "issuer_keys_file: cannot read " + missing},
      {list(entry("a", "i", red_keys) + ',' + entry("a", "j", empty)),
       R"(tenants[1] (aud "a", iss "j"): issuer_keys_file: bad keyset file )" + empty},
  };
  for (const auto& [text, message] : rows) {
    write_whole_file(tenants, text);
    expect_usage_error(prefix);
    expect_usage_error(message);
  }
  std::filesystem::remove(tenants);
  expect_usage_error("cannot read " + tenants);
}

TEST_F(tenants_refusals, a_bad_file_is_reported_in_its_place_in_the_order) {
  write_whole_file(tenants, "{}");
  EXPECT_THAT(start({"--ws-path", "x"}).err, StartsWith("bad tenants file"));
  EXPECT_THAT(start({"--max-conns", "-1"}).err, HasSubstr("--max-conns must be >= 0"));
  EXPECT_THAT(start({"--aud", "a"}).err, HasSubstr("cannot combine --tenants-file"));
  const auto no_origin = run_program("flowersec-tunnel", {"--tenants-file", tenants});
  EXPECT_EQ(no_origin.exit_code, 2);
  EXPECT_THAT(no_origin.err, HasSubstr("missing --allow-origin"));
}

}  // namespace
}  // namespace flowersec::testing
