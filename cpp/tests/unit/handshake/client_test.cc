// The client's half: options, every wrong RESP, one answer only.
#include "fixture.h"

namespace flowersec::handshake::testing {
namespace {

byte_buffer good_resp(crypto::suite suite = crypto::suite::x25519) {
  return server_side{server_for(suite)}.response(begin_client(suite).init_frame());
}

error_code error_after(byte_view resp, crypto::suite suite = crypto::suite::x25519) {
  auto client = begin_client(suite);
  const auto done = client.on_frame(resp, unix_seconds{now_s});
  return done ? error_code{} : done.error();
}

TEST(handshake_client, options_are_checked) {
  const auto error_with = [](const std::function<void(client_options&)>& change) {
    auto options = client_for();
    change(options);
    seeded_random random;
    const auto client = client_handshake::begin(std::move(options), random);
    return client ? error_code{} : client.error();
  };
  EXPECT_EQ(error_with([](auto& o) { o.channel_id = ""; }), handshake_errc::bad_channel_id);
  EXPECT_EQ(error_with([](auto& o) { o.channel_id = std::string(256, 'x'); }), error_code{});
  EXPECT_EQ(error_with([](auto& o) { o.channel_id = std::string(257, 'x'); }), handshake_errc::bad_channel_id);
  EXPECT_EQ(error_with([](auto& o) { o.limits.max_payload_bytes = 0; }), handshake_errc::bad_limits);
}

TEST(handshake_client, every_wrong_field_of_resp_is_refused) {
  const std::string key_31(42, 'A');
  const std::string key_32(43, 'A');
  const std::string key_33(44, 'A');
  struct row {
    const char* what;
    const char* name;
    json value;
    handshake_errc error;
  };
  const row rows[] = {
      {"empty id", "handshake_id", "", handshake_errc::empty_handshake_id},
      {"id that is a number", "handshake_id", 7, handshake_errc::malformed_message},
      {"null id", "handshake_id", nullptr, handshake_errc::malformed_message},
      {"short key", "server_eph_pub_b64u", key_31, handshake_errc::malformed_public_key},
      {"long key", "server_eph_pub_b64u", key_33, handshake_errc::malformed_public_key},
      {"empty key", "server_eph_pub_b64u", "", handshake_errc::malformed_public_key},
      {"key with foreign characters", "server_eph_pub_b64u", "!!!!", handshake_errc::malformed_public_key},
      {"all-zero key", "server_eph_pub_b64u", key_32, handshake_errc::key_agreement_failed},
      {"short nonce", "nonce_s_b64u", key_31, handshake_errc::malformed_nonce},
      {"long nonce", "nonce_s_b64u", key_33, handshake_errc::malformed_nonce},
      {"empty nonce", "nonce_s_b64u", "", handshake_errc::malformed_nonce},
      {"features below zero", "server_features", -1, handshake_errc::malformed_message},
      {"features of 33 bits", "server_features", 4294967296, handshake_errc::malformed_message},
      {"features as text", "server_features", "1", handshake_errc::malformed_message},
  };
  const auto resp = good_resp();
  ASSERT_FALSE(error_after(resp));
  for (const auto& row : rows) {
    EXPECT_EQ(error_after(with(resp, row.name, row.value)), row.error) << row.what;
  }
  for (const auto* name : {"handshake_id", "server_eph_pub_b64u", "nonce_s_b64u", "server_features"}) {
    EXPECT_EQ(error_after(without(resp, name)), handshake_errc::malformed_message) << name;
  }
}

TEST(handshake_client, unknown_keys_order_and_white_space_of_resp_do_not_matter) {
  const auto resp = good_resp();
  const auto relaxed =
      encode_frame(frame_type::resp, "{ \"later\": [1, {}], \"server_features\": 65538,\n\"nonce_s_b64u\":\"" +
                                         field(resp, "nonce_s_b64u") + "\", \"server_eph_pub_b64u\":\"" +
                                         field(resp, "server_eph_pub_b64u") + "\",\"handshake_id\":\"any id\"} ");
  EXPECT_FALSE(error_after(relaxed));
}

TEST(handshake_client, unknown_feature_bits_are_allowed) {
  EXPECT_FALSE(error_after(with(good_resp(), "server_features", 0xffffffff)));
}

TEST(handshake_client, anything_but_resp_ends_it) {
  const auto pair = run_handshake(crypto::suite::x25519);
  EXPECT_EQ(error_after(pair.init), handshake_errc::unexpected_type);
  EXPECT_EQ(error_after(pair.ack), handshake_errc::unexpected_type);
  EXPECT_EQ(error_after(hex("46534543 01 01 0000000000000001 00000010")), handshake_errc::bad_magic) << "a record";
  EXPECT_EQ(error_after(as_bytes("{\"text\":true}")), handshake_errc::bad_magic);
}

TEST(handshake_client, answers_once) {
  auto client = begin_client();
  const auto resp = good_resp();
  EXPECT_TRUE(client.on_frame(resp, unix_seconds{now_s}));
  EXPECT_EQ(client.on_frame(resp, unix_seconds{now_s}).error(), handshake_errc::unexpected_type);
}

TEST(handshake_client, does_not_recover_from_a_wrong_resp) {
  auto client = begin_client();
  const auto resp = good_resp();
  EXPECT_EQ(client.on_frame(with(resp, "handshake_id", ""), unix_seconds{now_s}).error(),
            handshake_errc::empty_handshake_id);
  EXPECT_EQ(client.on_frame(resp, unix_seconds{now_s}).error(), handshake_errc::unexpected_type);
}

TEST(handshake_client, a_clock_that_json_cannot_carry_is_refused) {
  const auto resp = good_resp();
  const auto error_at = [&](std::int64_t now) {
    const auto done = begin_client().on_frame(resp, unix_seconds{now});
    return done ? error_code{} : done.error();
  };
  EXPECT_EQ(error_at(-1), handshake_errc::clock_out_of_range);
  EXPECT_EQ(error_at(0), error_code{});
  EXPECT_EQ(error_at(9007199254740991), error_code{});
  EXPECT_EQ(error_at(9007199254740992), handshake_errc::clock_out_of_range);
}

TEST(interop_traps, trap_11_weak_x25519_and_invalid_p256_keys_are_refused) {
  const auto x25519 = good_resp();
  for (const auto* low_order : {
           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",  // 0
           "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",  // 1
           "4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA",  // order 8
           "7P_______________________________________38",  // p - 1
           "7f_______________________________________38",  // p, which is 0
       }) {
    EXPECT_EQ(error_after(with(x25519, "server_eph_pub_b64u", low_order)), handshake_errc::key_agreement_failed)
        << low_order;
  }

  const auto p256 = good_resp(crypto::suite::p256);
  const auto error_with = [&](byte_view key) {
    return error_after(with(p256, "server_eph_pub_b64u", encode_base64url(key)), crypto::suite::p256);
  };
  const auto good = b64u(field(p256, "server_eph_pub_b64u"));
  EXPECT_EQ(error_with(good), error_code{});
  auto compressed = byte_buffer(good.begin(), good.begin() + 33);
  compressed[0] = (good.back() & std::byte{1}) == std::byte{1} ? std::byte{3} : std::byte{2};
  EXPECT_EQ(error_with(compressed), handshake_errc::malformed_public_key);
  auto off_curve = good;
  off_curve.back() ^= std::byte{1};
  EXPECT_EQ(error_with(off_curve), handshake_errc::key_agreement_failed);
  auto hybrid = good;
  hybrid[0] = (good.back() & std::byte{1}) == std::byte{1} ? std::byte{7} : std::byte{6};
  EXPECT_EQ(error_with(hybrid), handshake_errc::key_agreement_failed);
  EXPECT_EQ(error_with(byte_buffer(1)), handshake_errc::malformed_public_key) << "infinity";
  EXPECT_EQ(error_with(byte_buffer(65)), handshake_errc::key_agreement_failed) << "all zero";
}

TEST(interop_traps, trap_12_padded_or_non_canonical_base64url_is_refused) {
  const auto resp = good_resp();
  const auto nonce_text = field(resp, "nonce_s_b64u");
  const auto key_text = field(resp, "server_eph_pub_b64u");
  EXPECT_EQ(error_after(with(resp, "nonce_s_b64u", nonce_text + "=")), handshake_errc::malformed_nonce);
  EXPECT_EQ(error_after(with(resp, "server_eph_pub_b64u", key_text + "=")), handshake_errc::malformed_public_key);
  // 'B' differs from 'A' only in bits that no byte uses.
  EXPECT_EQ(error_after(with(resp, "nonce_s_b64u", std::string(42, 'A') + "B")), handshake_errc::malformed_nonce);
  EXPECT_EQ(error_after(with(resp, "nonce_s_b64u", std::string(42, '+') + "A")), handshake_errc::malformed_nonce);
}

}  // namespace
}  // namespace flowersec::handshake::testing
