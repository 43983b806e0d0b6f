// Grants and direct infos: codecs, wrappers, roles.
#include "flowersec/messages/grant_file.h"

#include "unit/messages/decoding.h"

namespace flowersec::messages {
namespace {

using controlplane::v1::channel_init_grant;
using controlplane::v1::role;
using controlplane::v1::suite;
using direct::v1::direct_connect_info;
using flowersec::testing::with_raw_member;

const std::string client_grant =
    R"({"tunnel_url":"wss://t/ws","channel_id":"c","channel_init_expire_at_unix_s":1800000120,)"
    R"("idle_timeout_seconds":60,"role":1,"token":"FST2.p.s",)"
    R"("e2ee_psk_b64u":"EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8","allowed_suites":[1,2],"default_suite":2})";
const std::string server_grant = with_raw_member(client_grant, "role", "2");
const std::string info =
    R"({"ws_url":"ws://h/x","channel_id":"c","e2ee_psk_b64u":"AAAA","channel_init_expire_at_unix_s":7,"default_suite":1})";

constexpr auto decode_grant = [](std::string_view text) { return controlplane::v1::decode_channel_init_grant(text); };
constexpr auto decode_info = [](std::string_view text) { return direct::v1::decode_direct_connect_info(text); };

messages_errc failure_of(const decoded<channel_init_grant>& grant) {
  return grant ? messages_errc{} : grant.error().code;
}

TEST(grant, survives_a_round_trip_byte_for_byte) {
  const auto grant = decode_grant(client_grant);
  ASSERT_TRUE(grant.has_value()) << grant.error().text();
  EXPECT_EQ(encode(*grant), client_grant);
  EXPECT_EQ(grant->role, role::client);
  EXPECT_EQ(grant->default_suite, suite::p256_hkdf_sha256_aes_256_gcm);
  EXPECT_EQ(grant->allowed_suites.size(), 2U);
}

TEST(grant, clone_is_a_second_owner_of_everything) {
  const auto grant = decode_grant(client_grant);
  ASSERT_TRUE(grant.has_value());
  EXPECT_EQ(encode(grant->clone()), client_grant);
}

TEST(grant, zeros_and_empty_lists_are_written) {
  EXPECT_EQ(encode(channel_init_grant{}),
            R"({"tunnel_url":"","channel_id":"","channel_init_expire_at_unix_s":0,"idle_timeout_seconds":0,"role":0,)"
            R"("token":"","e2ee_psk_b64u":"","allowed_suites":[],"default_suite":0})");
}

TEST(grant, refuses_every_truncation_and_every_trailing_byte) {
  expect_refuses_broken_texts(decode_grant, client_grant);
}
TEST(grant, refuses_missing_null_and_mistyped_members) { expect_refuses_broken_members(decode_grant, client_grant); }
TEST(grant, accepts_any_order_white_space_and_strangers) {
  expect_accepts_harmless_variants(decode_grant, client_grant);
}

TEST(grant, suites_are_a_closed_set) {
  for (const auto* raw : {"[0]", "[3]", "[1,3]", "[65537]", "[1.0]", "[\"1\"]", "[null]", "[-1]", "[[1]]"}) {
    const auto grant = decode_grant(with_raw_member(client_grant, "allowed_suites", raw));
    ASSERT_FALSE(grant.has_value()) << raw;
    EXPECT_EQ(grant.error().text(), "bad ChannelInitGrant.allowed_suites[]");
  }
  for (const auto* raw : {"0", "3", "65537", "-1"}) {
    EXPECT_EQ(decode_grant(with_raw_member(client_grant, "default_suite", raw)).error().field, "default_suite") << raw;
  }
}

TEST(grant, an_empty_suite_list_decodes_and_is_refused_later) {
  EXPECT_TRUE(decode_grant(with_raw_member(client_grant, "allowed_suites", "[]")).has_value());
}

TEST(grant, integers_keep_their_width) {
  EXPECT_TRUE(decode_grant(with_raw_member(client_grant, "idle_timeout_seconds", "2147483647")).has_value());
  EXPECT_TRUE(decode_grant(with_raw_member(client_grant, "idle_timeout_seconds", "-2147483648")).has_value());
  EXPECT_FALSE(decode_grant(with_raw_member(client_grant, "idle_timeout_seconds", "2147483648")).has_value());
  EXPECT_FALSE(decode_grant(with_raw_member(client_grant, "idle_timeout_seconds", "-2147483649")).has_value());
  const std::string_view init = "channel_init_expire_at_unix_s";
  EXPECT_TRUE(decode_grant(with_raw_member(client_grant, init, "9007199254740991")).has_value());
  EXPECT_TRUE(decode_grant(with_raw_member(client_grant, init, "-9007199254740991")).has_value());
  EXPECT_FALSE(decode_grant(with_raw_member(client_grant, init, "9007199254740992")).has_value());
  EXPECT_FALSE(decode_grant(with_raw_member(client_grant, init, "-9007199254740992")).has_value());
}

TEST(grant_file, reads_raw_and_wrapped_grants) {
  EXPECT_TRUE(read_client_grant(client_grant).has_value());
  EXPECT_TRUE(read_client_grant("{\"grant_client\":" + client_grant + "}").has_value());
  EXPECT_TRUE(read_server_grant(server_grant).has_value());
  EXPECT_TRUE(read_server_grant("{\"grant_server\":" + server_grant + "}").has_value());
  EXPECT_TRUE(read_raw_grant(client_grant).has_value());
  EXPECT_TRUE(read_raw_grant(server_grant).has_value());
}

TEST(grant_file, finds_each_grant_in_the_output_of_the_minting_tool) {
  const auto both = R"({"version":"v","commit":"c","date":"d","grant_client":)" + client_grant + R"(,"grant_server":)" +
                    server_grant + "}\n";
  ASSERT_TRUE(read_client_grant(both).has_value());
  EXPECT_EQ(read_client_grant(both)->role, role::client);
  ASSERT_TRUE(read_server_grant(both).has_value());
  EXPECT_EQ(read_server_grant(both)->role, role::server);
}

TEST(grant_file, refuses_a_grant_for_the_other_role) {
  EXPECT_EQ(failure_of(read_client_grant(server_grant)), messages_errc::wrong_role);
  EXPECT_EQ(failure_of(read_server_grant(client_grant)), messages_errc::wrong_role);
  EXPECT_EQ(failure_of(read_client_grant("{\"grant_client\":" + server_grant + "}")), messages_errc::wrong_role);
  EXPECT_EQ(failure_of(read_server_grant("{\"grant_server\":" + client_grant + "}")), messages_errc::wrong_role);
}

TEST(grant_file, refuses_a_wrapper_without_an_object) {
  for (const auto* held : {"null", "[]", "1", "\"x\"", "false"}) {
    const auto grant = read_client_grant(std::string{"{\"grant_client\":"} + held + "}");
    ASSERT_FALSE(grant.has_value()) << held;
    EXPECT_EQ(grant.error().field, "grant_client");
  }
}

TEST(grant_file, a_null_wrapper_beside_raw_fields_is_still_an_error) {
  EXPECT_FALSE(read_client_grant("{\"grant_client\":null," + client_grant.substr(1)).has_value());
}

TEST(grant_file, a_wrapper_for_the_other_role_is_no_grant) {
  EXPECT_EQ(failure_of(read_client_grant("{\"grant_server\":" + server_grant + "}")), messages_errc::bad_field);
  EXPECT_EQ(failure_of(read_raw_grant("{\"grant_client\":" + client_grant + "}")), messages_errc::bad_field);
}

TEST(grant_file, input_is_limited_to_one_mebibyte) {
  const auto padded = client_grant + std::string(max_text_bytes - client_grant.size(), ' ');
  EXPECT_TRUE(read_client_grant(padded).has_value());
  EXPECT_EQ(failure_of(read_client_grant(padded + " ")), messages_errc::not_an_object);
}

TEST(direct_info, survives_a_round_trip_byte_for_byte) {
  const auto decoded = decode_info(info);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(encode(*decoded), info);
  EXPECT_EQ(encode(decoded->clone()), info);
}

TEST(direct_info, refuses_every_truncation_and_every_trailing_byte) { expect_refuses_broken_texts(decode_info, info); }
TEST(direct_info, refuses_missing_null_and_mistyped_members) { expect_refuses_broken_members(decode_info, info); }
TEST(direct_info, accepts_any_order_white_space_and_strangers) { expect_accepts_harmless_variants(decode_info, info); }

TEST(direct_info, version_keys_of_the_tools_are_ignored) {
  EXPECT_TRUE(read_direct_info(R"({"version":"1","commit":"c","date":"d",)" + info.substr(1)).has_value());
}

}  // namespace
}  // namespace flowersec::messages
