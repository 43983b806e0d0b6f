// The issuer's keys: life cycle, refusals that change nothing, files.
#include "flowersec/controlplane/issuer_keyset.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>
#include <type_traits>

#include "flowersec/base/base64url.h"
#include "flowersec/controlplane/file.h"
#include "flowersec/token/verify.h"
#include "support/literals.h"
#include "support/random_sources.h"
#include "support/temporary_folder.h"

namespace flowersec::controlplane {
namespace {

using flowersec::testing::seeded_random;
using flowersec::testing_support::temporary_folder;

static_assert(!std::is_copy_constructible_v<issuer_keyset> && std::is_nothrow_move_constructible_v<issuer_keyset>);

const std::string seed_hex = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
const std::string private_text =
    "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8prLrhQbzK8LIuGpTTTQvHNh5SbQv-EsiXlLyTIpZt1w";
const std::string public_text = "Kay64UG8yvCyLhqU000LxzYeUm0L_hLIl5S8kyKWbdc";

crypto::ed25519_signing_key key_of(std::string_view seed) {
  const auto bytes = flowersec::testing::hex(seed);
  return crypto::ed25519_signing_key::from_seed(byte_view{bytes}.first<crypto::ed25519_seed_bytes>());
}

crypto::ed25519_signing_key key_1() { return key_of(seed_hex); }
crypto::ed25519_signing_key key_2() { return key_of(std::string(64, '2')); }

issuer_keyset issuer_k1() { return issuer_keyset::create("k1", key_1()).value(); }

std::vector<std::string> published(const issuer_keyset& issuer) {
  std::vector<std::string> kids;
  for (const auto& [kid, key] : issuer.public_keys()) kids.push_back(kid);
  return kids;
}

messages::token::v1::token_payload payload() {
  return {.kid = "ignored",
          .aud = "a",
          .iss = "i",
          .channel_id = "c",
          .role = 1,
          .token_id = "t",
          .init_exp = 200,
          .idle_timeout_seconds = 60,
          .iat = 100,
          .exp = 160};
}

TEST(issuer_keyset, goes_through_publish_rotate_retire) {
  auto issuer = issuer_k1();
  EXPECT_EQ(issuer.current_kid(), "k1");
  EXPECT_EQ(published(issuer), (std::vector<std::string>{"k1"}));

  EXPECT_FALSE(issuer.publish("k2", key_2().public_key()));
  EXPECT_EQ(issuer.current_kid(), "k1");
  EXPECT_EQ(published(issuer), (std::vector<std::string>{"k1", "k2"}));

  EXPECT_FALSE(issuer.rotate("k2", key_2()));
  EXPECT_EQ(issuer.current_kid(), "k2");
  EXPECT_EQ(published(issuer), (std::vector<std::string>{"k1", "k2"}));

  EXPECT_FALSE(issuer.retire("k1"));
  EXPECT_EQ(issuer.current_kid(), "k2");
  EXPECT_EQ(published(issuer), (std::vector<std::string>{"k2"}));
}

TEST(issuer_keyset, signs_with_the_active_key_and_its_id) {
  auto issuer = issuer_k1();
  ASSERT_FALSE(issuer.publish("k2", key_2().public_key()));
  const auto keys = token::keyset::parse(issuer.export_keyset_file());
  ASSERT_TRUE(keys.has_value()) << keys.error().text;
  const auto kid_of_next = [&] {
    const auto token = issuer.sign(payload()).value();
    const token::verifier_options options{.audience = "a", .issuer = "i"};
    return token::verify_token(token.view(), *keys, options, wall_time{std::chrono::seconds{120}}).value().kid;
  };
  EXPECT_EQ(kid_of_next(), "k1");
  ASSERT_FALSE(issuer.rotate("k2", key_2()));
  EXPECT_EQ(kid_of_next(), "k2");
}

TEST(issuer_keyset, signing_passes_refusals_on) {
  auto bad = payload();
  bad.role = 3;
  EXPECT_EQ(issuer_k1().sign(bad).error(), token::token_errc::bad_role);
}

TEST(issuer_keyset, ids_are_trimmed_everywhere_and_never_blank) {
  auto issuer = issuer_keyset::create(" k1\n", key_1()).value();
  EXPECT_EQ(issuer.current_kid(), "k1");
  EXPECT_FALSE(issuer.publish("\tk2 ", key_2().public_key()));
  EXPECT_FALSE(issuer.rotate(" k2", key_2()));
  EXPECT_FALSE(issuer.retire("k1\u00a0"));
  EXPECT_EQ(published(issuer), (std::vector<std::string>{"k2"}));
  for (const auto* blank : {"", " ", "\u2003", "\xff"}) {
    EXPECT_EQ(issuer_keyset::create(blank, key_1()).error(), controlplane_errc::blank_kid);
    EXPECT_EQ(issuer.publish(blank, key_1().public_key()), controlplane_errc::blank_kid);
    EXPECT_EQ(issuer.rotate(blank, key_1()), controlplane_errc::blank_kid);
    EXPECT_EQ(issuer.retire(blank), controlplane_errc::blank_kid);
  }
}

TEST(issuer_keyset, publishing_the_same_key_again_changes_nothing) {
  auto issuer = issuer_k1();
  EXPECT_FALSE(issuer.publish("k1", key_1().public_key()));
  EXPECT_EQ(published(issuer).size(), 1U);
}

TEST(issuer_keyset, refusals_change_nothing) {
  auto issuer = issuer_k1();
  ASSERT_FALSE(issuer.publish("k2", key_2().public_key()));
  const auto before = issuer.export_keyset_file();
  EXPECT_EQ(issuer.publish("k2", key_1().public_key()), controlplane_errc::kid_conflict);
  EXPECT_EQ(issuer.publish("k1", key_2().public_key()), controlplane_errc::kid_conflict);
  EXPECT_EQ(issuer.rotate("k3", key_2()), controlplane_errc::unknown_kid);
  EXPECT_EQ(issuer.rotate("k2", key_1()), controlplane_errc::key_mismatch);
  EXPECT_EQ(issuer.retire("k1"), controlplane_errc::active_kid);
  EXPECT_EQ(issuer.retire("k3"), controlplane_errc::unknown_kid);
  EXPECT_EQ(issuer.export_keyset_file(), before);
  EXPECT_EQ(issuer.current_kid(), "k1");
}

TEST(issuer_keyset, generated_issuers_have_keys_of_their_own) {
  seeded_random random;
  const auto first = issuer_keyset::generate("k", random);
  const auto second = issuer_keyset::generate("k", random);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->public_keys(), second->public_keys());
  seeded_random dead{1, 0};
  EXPECT_EQ(issuer_keyset::generate("k", dead).error(), controlplane_errc::no_randomness);
}

TEST(issuer_keyset, exports_both_files_byte_for_byte) {
  auto issuer = issuer_k1();
  EXPECT_EQ(issuer.export_private_key_file().view(),
            "{\n  \"kid\": \"k1\",\n  \"privkey_b64u\": \"" + private_text + "\"\n}");
  ASSERT_FALSE(issuer.publish("a", key_2().public_key()));
  EXPECT_EQ(issuer.export_keyset_file(), "{\n  \"keys\": [\n    {\n      \"kid\": \"a\",\n      \"pubkey_b64u\": \"" +
                                             encode_base64url(key_2().public_key()) +
                                             "\"\n    },\n    {\n      \"kid\": \"k1\",\n      \"pubkey_b64u\": \"" +
                                             public_text + "\"\n    }\n  ]\n}");
}

TEST(issuer_keyset, reads_its_own_private_key_file) {
  const auto issuer = issuer_keyset::from_private_key_file(issuer_k1().export_private_key_file().view());
  ASSERT_TRUE(issuer.has_value()) << issuer.error().text;
  EXPECT_EQ(issuer->export_keyset_file(), issuer_k1().export_keyset_file());
}

std::string refusal_text(const std::string& text) {
  const auto issuer = issuer_keyset::from_private_key_file(text);
  if (issuer) return "accepted";
  EXPECT_EQ(issuer.error().code, controlplane_errc::bad_key_file) << text;
  EXPECT_EQ(issuer.error().text.find(private_text.substr(0, 8)), std::string::npos)
      << "no piece of the key in the text";
  return issuer.error().text;
}

std::string key_file(std::string_view kid, std::string_view key, std::string_view more = "") {
  return "{\"kid\":\"" + std::string{kid} + "\",\"privkey_b64u\":\"" + std::string{key} + "\"" + std::string{more} +
         "}";
}

TEST(issuer_keyset, refuses_broken_private_key_files_by_name) {
  EXPECT_EQ(refusal_text(key_file("k1", private_text)), "accepted");
  EXPECT_EQ(refusal_text(key_file("k1", private_text, ",\"use\":\"sig\"")), "bad PrivateKeyFile.use");
  EXPECT_EQ(refusal_text("{\"privkey_b64u\":\"" + private_text + "\"}"), "bad PrivateKeyFile.kid");
  EXPECT_EQ(refusal_text("{\"kid\":\"k1\"}"), "bad PrivateKeyFile.privkey_b64u");
  EXPECT_EQ(refusal_text("{\"kid\":\"k1\",\"privkey_b64u\":null}"), "bad PrivateKeyFile.privkey_b64u");
  EXPECT_EQ(refusal_text(key_file(" ", private_text)), "kid is blank");
  const std::string not_64 = "privkey_b64u is not base64url of 64 bytes";
  EXPECT_EQ(refusal_text(key_file("k1", "")), not_64);
  EXPECT_EQ(refusal_text(key_file("k1", private_text.substr(0, 85))), not_64);
  EXPECT_EQ(refusal_text(key_file("k1", private_text + "A")), not_64);
  EXPECT_EQ(refusal_text(key_file("k1", private_text + "==")), not_64);
  EXPECT_EQ(refusal_text(key_file("k1", private_text.substr(0, 85) + "x")), not_64) << "unused bits set";
  EXPECT_EQ(refusal_text(key_file("k1", public_text)), not_64) << "a public key";
  EXPECT_EQ(refusal_text(key_file("k1", encode_base64url(byte_buffer(64)))),
            "privkey_b64u: the public half does not belong to the seed");
  EXPECT_NE(refusal_text(key_file("k1", private_text) + "x"), "accepted");
  EXPECT_NE(refusal_text("null"), "accepted");
}

TEST(issuer_keyset, loads_from_disk_and_names_the_path) {
  const temporary_folder folder;
  const auto path = folder.file("issuer_key.json");
  EXPECT_NE(issuer_keyset::load_private_key_file(path).error().text.find(path), std::string::npos);
  ASSERT_TRUE(write_file_atomically(path, issuer_k1().export_private_key_file().view(), secret_file_mode).has_value());
  EXPECT_EQ(issuer_keyset::load_private_key_file(path).value().current_kid(), "k1");
  ASSERT_TRUE(write_file_atomically(path, "{}", secret_file_mode).has_value());
  const auto refused = issuer_keyset::load_private_key_file(path);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().text, path + ": bad PrivateKeyFile.kid");
}

TEST(issuer_keyset, may_be_used_from_several_threads) {
  auto issuer = issuer_k1();
  ASSERT_FALSE(issuer.publish("k2", key_2().public_key()));
  std::thread signer{[&] {
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(issuer.sign(payload()).has_value());
  }};
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(issuer.rotate("k2", key_2()));
    EXPECT_FALSE(issuer.rotate("k1", key_1()));
  }
  signer.join();
}

}  // namespace
}  // namespace flowersec::controlplane
