// The handshake values of PROTOCOL, "Test values", with every intermediate step; embedded, and those of
// testdata/handshake, which TypeScript computes as well.
#include "fixture.h"
#include "flowersec/crypto/kdf.h"
#include "support/testdata.h"

namespace flowersec::handshake::testing {
namespace {

/// Field names are those of the vector file.
const boost::json::object embedded = boost::json::parse(R"({
  "transcript_hash": [{"inputs": {
      "version": 1, "suite": 1, "role": 1, "client_features": 0, "server_features": 1, "channel_id": "chan_test_123",
      "nonce_c_b64u": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
      "nonce_s_b64u": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",
      "client_eph_pub_b64u": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
      "server_eph_pub_b64u": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"},
    "expected": {"transcript_hash_b64u": "_CNQQ3KJtiea7MNxrLoLOG8no_CZqQXCrURxYjYUbjI"}}],
  "handshake_x25519_negative": [{"inputs": {
      "private_key_b64u": "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
      "peer_public_key_b64u": "4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA"},
    "expected": {"reject": true}}],
  "handshake_p256": [{"inputs": {
      "version": 1, "suite": 2, "role": 1, "client_features": 0, "server_features": 1, "channel_id": "chan_p256_test",
      "nonce_c_b64u": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
      "nonce_s_b64u": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",
      "client_eph_priv_b64u": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",
      "server_eph_priv_b64u": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI",
      "client_eph_pub_b64u": "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
      "server_eph_pub_b64u": "BHzyexiNA09-ilI4AwS1GsPAiWnid_IbNaYLSPxHZpl4B3dVENuO0EApPZrGn3Qw27p9reY86YIpngS3nSJ4c9E",
      "psk_b64u": "EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8"},
    "expected": {
      "shared_secret_b64u": "fPJ7GI0DT36KUjgDBLUaw8CJaeJ38hs1pgtI_EdmmXg",
      "transcript_hash_b64u": "aXiRFjnPfSDPD7Va-o_-tln9w9RLbmx5qZGtqTQZpWk",
      "c2s_key_b64u": "N43tNz4ZKHJ-i_YnEyOS8wopsLzewOGdG9tWlmdDnXo",
      "s2c_key_b64u": "yhI4fiB4UKjSNeQz2FEwhuvfmI7MH0N0rlQS_GQ4vYY",
      "c2s_nonce_prefix_b64u": "05-spg",
      "s2c_nonce_prefix_b64u": "8sVFVw",
      "rekey_base_b64u": "KGeve3v5gkAKdvJBHiivxEhOlS0BkTrhQn9Dyl6XfCA"}}]})")
                                         .as_object();

byte_buffer bytes_at(const boost::json::value& from, std::string_view key) {
  return b64u(from.at(key).as_string().c_str());
}
template <std::size_t N>
std::array<std::byte, N> array_at(const boost::json::value& from, std::string_view key) {
  return b64u_array<N>(from.at(key).as_string().c_str());
}

crypto::sha256_digest hash_of_inputs(const boost::json::value& inputs) {
  const auto client_key = bytes_at(inputs, "client_eph_pub_b64u");
  const auto server_key = bytes_at(inputs, "server_eph_pub_b64u");
  return hash_of({.suite = static_cast<crypto::suite>(inputs.at("suite").as_int64()),
                  .client_features = static_cast<std::uint32_t>(inputs.at("client_features").as_int64()),
                  .server_features = static_cast<std::uint32_t>(inputs.at("server_features").as_int64()),
                  .channel_id = inputs.at("channel_id").as_string().c_str(),
                  .nonce_c = array_at<32>(inputs, "nonce_c_b64u"),
                  .nonce_s = array_at<32>(inputs, "nonce_s_b64u"),
                  .client_public_key = client_key,
                  .server_public_key = server_key});
}

void check_transcript(const boost::json::value& one) {
  EXPECT_EQ(hash_of_inputs(one.at("inputs")), array_at<32>(one.at("expected"), "transcript_hash_b64u"));
}

void check_x25519_refusal(const boost::json::value& one) {
  ASSERT_TRUE(one.at("expected").at("reject").as_bool());
  const auto& inputs = one.at("inputs");
  const auto own =
      crypto::dh_key_pair::from_private(crypto::suite::x25519, bytes_at(inputs, "private_key_b64u")).value();
  EXPECT_TRUE(own.agree(bytes_at(inputs, "peer_public_key_b64u")).has_error());
}

void check_p256(const boost::json::value& one) {
  const auto& inputs = one.at("inputs");
  const auto& expected = one.at("expected");
  const auto client =
      crypto::dh_key_pair::from_private(crypto::suite::p256, bytes_at(inputs, "client_eph_priv_b64u")).value();
  const auto server =
      crypto::dh_key_pair::from_private(crypto::suite::p256, bytes_at(inputs, "server_eph_priv_b64u")).value();
  EXPECT_EQ(to_buffer(client.public_key()), bytes_at(inputs, "client_eph_pub_b64u"));
  EXPECT_EQ(to_buffer(server.public_key()), bytes_at(inputs, "server_eph_pub_b64u"));

  const auto shared = client.agree(server.public_key()).value();
  EXPECT_EQ(to_buffer(shared.view()), bytes_at(expected, "shared_secret_b64u"));
  EXPECT_EQ(server.agree(client.public_key()).value(), shared);

  check_transcript(one);
  const crypto::psk psk{crypto::secret_bytes<32>{array_at<32>(inputs, "psk_b64u")}};
  const auto keys = derive_traffic_keys(psk, shared, hash_of_inputs(inputs), 0);
  EXPECT_EQ(to_buffer(keys.client_to_server.key.view()), bytes_at(expected, "c2s_key_b64u"));
  EXPECT_EQ(to_buffer(keys.server_to_client.key.view()), bytes_at(expected, "s2c_key_b64u"));
  EXPECT_EQ(to_buffer(keys.client_to_server.prefix), bytes_at(expected, "c2s_nonce_prefix_b64u"));
  EXPECT_EQ(to_buffer(keys.server_to_client.prefix), bytes_at(expected, "s2c_nonce_prefix_b64u"));
  EXPECT_EQ(to_buffer(keys.client_to_server.rekey_base.view()), bytes_at(expected, "rekey_base_b64u"));
  EXPECT_EQ(to_buffer(keys.server_to_client.rekey_base.view()), bytes_at(expected, "rekey_base_b64u"));
}

void check_all(const boost::json::object& vectors) {
  const auto each = [&](std::string_view group, void (*check)(const boost::json::value&)) {
    ASSERT_FALSE(vectors.at(group).as_array().empty());
    for (const auto& one : vectors.at(group).as_array()) check(one);
  };
  each("transcript_hash", check_transcript);
  each("handshake_x25519_negative", check_x25519_refusal);
  each("handshake_p256", check_p256);
}

TEST(handshake_vectors, embedded_values_hold) { check_all(embedded); }

TEST(handshake_vectors, shared_values_hold) {
  const auto file = flowersec::testing::testdata("handshake/vectors.json");
  check_all(file.as_object());
  for (const auto& one : file.at("auth_tag").as_array()) {
    const auto& inputs = one.at("inputs");
    const crypto::psk psk{crypto::secret_bytes<32>{array_at<32>(inputs, "psk_b64u")}};
    const auto tag =
        compute_auth_tag(psk, array_at<32>(inputs, "transcript_hash_b64u"), inputs.at("timestamp_unix_s").as_int64());
    EXPECT_EQ(to_buffer(tag.view()), bytes_at(one.at("expected"), "auth_tag_b64u"));
  }
}

TEST(handshake_vectors, auth_tag_of_the_p256_handshake) {
  const auto hash = b64u_array<32>("aXiRFjnPfSDPD7Va-o_-tln9w9RLbmx5qZGtqTQZpWk");
  EXPECT_EQ(to_buffer(compute_auth_tag(shared_psk(), hash, 1700000000).view()),
            b64u("jP4CF597UEQ68-bJpDuU9EwLQW20Z5f2IBtD7P_83WQ"));
}

TEST(transcript, every_field_changes_the_hash) {
  const byte_buffer key_a(32, std::byte{1});
  const byte_buffer key_b(32, std::byte{2});
  const transcript original{.suite = crypto::suite::x25519,
                            .client_features = 0,
                            .server_features = 1,
                            .channel_id = "chan",
                            .nonce_c = {},
                            .nonce_s = {},
                            .client_public_key = key_a,
                            .server_public_key = key_b};
  const auto changed = [&](const std::function<void(transcript&)>& change) {
    auto copy = original;
    change(copy);
    return hash_of(copy);
  };
  const crypto::sha256_digest hashes[] = {
      hash_of(original),
      changed([](auto& t) { t.suite = crypto::suite::p256; }),
      changed([](auto& t) { t.client_features = 1; }),
      changed([](auto& t) { t.server_features = 0; }),
      changed([](auto& t) { t.channel_id = "chan2"; }),
      changed([](auto& t) { t.nonce_c[31] = std::byte{1}; }),
      changed([](auto& t) { t.nonce_s[31] = std::byte{1}; }),
      changed([&](auto& t) { t.client_public_key = key_b; }),
      changed([&](auto& t) { t.server_public_key = key_a; }),
  };
  for (std::size_t a = 0; a < std::size(hashes); ++a) {
    for (std::size_t b = 0; b < a; ++b) EXPECT_NE(hashes[a], hashes[b]) << a << " and " << b;
  }
}

TEST(interop_traps, trap_09_transcript_has_role_1_on_both_sides_and_neither_handshake_id_nor_timestamp) {
  const auto pair = run_handshake(crypto::suite::x25519);
  byte_buffer bytes;
  append(bytes, "flowersec-e2ee-v1");
  append(bytes, byte_view{hex("01 0001 01 00010001 00010002 0006")});  // version, suite, role, features, length
  append(bytes, "chan-1");
  append(bytes, byte_view{b64u(field(pair.init, "nonce_c_b64u"))});
  append(bytes, byte_view{b64u(field(pair.resp, "nonce_s_b64u"))});
  append(bytes, byte_view{hex("0020")});
  append(bytes, byte_view{b64u(field(pair.init, "client_eph_pub_b64u"))});
  append(bytes, byte_view{hex("0020")});
  append(bytes, byte_view{b64u(field(pair.resp, "server_eph_pub_b64u"))});
  EXPECT_EQ(pair.client.transcript_hash, crypto::sha256(bytes));
  EXPECT_EQ(pair.server.transcript_hash, crypto::sha256(bytes));
}

TEST(interop_traps, trap_10_hkdf_salt_is_the_psk_and_ikm_is_secret_then_transcript_hash) {
  const auto psk = shared_psk();
  const crypto::secret_bytes<32> secret{b64u_array<32>("fPJ7GI0DT36KUjgDBLUaw8CJaeJ38hs1pgtI_EdmmXg")};
  const auto hash = b64u_array<32>("aXiRFjnPfSDPD7Va-o_-tln9w9RLbmx5qZGtqTQZpWk");
  const auto keys = derive_traffic_keys(psk, secret, hash, 0);

  const auto prk = crypto::hmac_sha256(psk.view(), {secret.view(), hash});
  const auto expand = [&](std::string_view info) {
    const std::array counter{std::byte{1}};
    return crypto::hmac_sha256(prk.view(), {as_bytes(info), counter});
  };
  EXPECT_EQ(keys.client_to_server.key, expand("flowersec-e2ee-v1:c2s:key"));
  EXPECT_EQ(keys.server_to_client.key, expand("flowersec-e2ee-v1:s2c:key"));
  EXPECT_EQ(keys.client_to_server.rekey_base, expand("flowersec-e2ee-v1:rekey_base"));
}

}  // namespace
}  // namespace flowersec::handshake::testing
