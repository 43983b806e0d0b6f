// The server's half up to RESP: options, every wrong INIT, the order of the checks, retries, the peek before.
#include "fixture.h"
#include "flowersec/handshake/init_peek.h"

namespace flowersec::handshake::testing {
namespace {

byte_buffer good_init(crypto::suite suite = crypto::suite::x25519) {
  return to_buffer(begin_client(suite).init_frame());
}

error_code error_after(byte_view init, crypto::suite suite = crypto::suite::x25519) {
  return server_side{server_for(suite)}.error(init);
}

TEST(server_options, are_checked) {
  const auto error_with = [](const std::function<void(server_options&)>& change) {
    auto options = server_for();
    change(options);
    const auto valid = validate(options);
    return valid ? error_code{} : valid.error();
  };
  EXPECT_EQ(error_with([](auto&) {}), error_code{});
  EXPECT_EQ(error_with([](auto& o) { o.channel_id.reset(); }), error_code{});
  EXPECT_EQ(error_with([](auto& o) { o.channel_id = ""; }), handshake_errc::bad_channel_id);
  EXPECT_EQ(error_with([](auto& o) { o.channel_id = std::string(257, 'x'); }), handshake_errc::bad_channel_id);
  EXPECT_EQ(error_with([](auto& o) { o.init_exp = unix_seconds{0}; }), handshake_errc::missing_init_exp);
  EXPECT_EQ(error_with([](auto& o) { o.init_exp = unix_seconds{-1}; }), handshake_errc::missing_init_exp);
  EXPECT_EQ(error_with([](auto& o) { o.init_exp = unix_seconds{9007199254740992}; }), handshake_errc::missing_init_exp);
  EXPECT_EQ(error_with([](auto& o) { o.clock_skew = std::chrono::milliseconds{0}; }), error_code{});
  EXPECT_EQ(error_with([](auto& o) { o.clock_skew = std::chrono::milliseconds{-1}; }), handshake_errc::negative_skew);
  EXPECT_EQ(error_with([](auto& o) { o.limits.max_payload_bytes = 1; }), handshake_errc::bad_limits);
}

TEST(server_init, every_wrong_field_is_refused) {
  const std::string bytes_31(42, 'A');
  const std::string bytes_33(44, 'A');
  struct row {
    const char* what;
    const char* name;
    json value;
    handshake_errc error;
  };
  const row rows[] = {
      {"empty channel", "channel_id", "", handshake_errc::empty_channel_id},
      {"another channel", "channel_id", "chan-2", handshake_errc::wrong_channel_id},
      {"channel with white space is not trimmed", "channel_id", " chan-1", handshake_errc::wrong_channel_id},
      {"channel that is a number", "channel_id", 1, handshake_errc::malformed_message},
      {"role server", "role", 2, handshake_errc::wrong_role},
      {"role 0", "role", 0, handshake_errc::malformed_message},
      {"version 0", "version", 0, handshake_errc::unsupported_init_version},
      {"version 2", "version", 2, handshake_errc::unsupported_init_version},
      {"version of 9 bits", "version", 257, handshake_errc::malformed_message},
      {"the other suite", "suite", 2, handshake_errc::wrong_suite},
      {"suite 0 is not the configured one", "suite", 0, handshake_errc::wrong_suite},
      {"unknown suite", "suite", 3, handshake_errc::wrong_suite},
      {"suite of 17 bits", "suite", 65536, handshake_errc::wrong_suite},
      {"negative suite", "suite", -1, handshake_errc::wrong_suite},
      {"suite that is a text", "suite", "1", handshake_errc::malformed_message},
      {"suite with a fraction", "suite", 1.5, handshake_errc::malformed_message},
      {"suite null", "suite", nullptr, handshake_errc::malformed_message},
      {"short key", "client_eph_pub_b64u", bytes_31, handshake_errc::malformed_public_key},
      {"long key", "client_eph_pub_b64u", bytes_33, handshake_errc::malformed_public_key},
      {"empty key", "client_eph_pub_b64u", "", handshake_errc::malformed_public_key},
      {"padded key", "client_eph_pub_b64u", std::string(43, 'A') + "=", handshake_errc::malformed_public_key},
      {"short nonce", "nonce_c_b64u", bytes_31, handshake_errc::malformed_nonce},
      {"long nonce", "nonce_c_b64u", bytes_33, handshake_errc::malformed_nonce},
      {"nonce with foreign characters", "nonce_c_b64u", std::string(43, '*'), handshake_errc::malformed_nonce},
      {"features of 33 bits", "client_features", 4294967296, handshake_errc::malformed_message},
      {"features with a fraction", "client_features", 1.5, handshake_errc::malformed_message},
  };
  const auto init = good_init();
  for (const auto& row : rows) {
    EXPECT_EQ(error_after(with(init, row.name, row.value)), row.error) << row.what;
  }
  for (const auto* name :
       {"channel_id", "role", "version", "suite", "client_eph_pub_b64u", "nonce_c_b64u", "client_features"}) {
    EXPECT_EQ(error_after(without(init, name)), handshake_errc::malformed_message) << name;
  }
}

TEST(server_init, checks_come_in_the_order_of_the_protocol) {
  // Wrong in everything; each repair shows the next check.
  auto init = edited(good_init(), [](auto& o) {
    o["version"] = 2;
    o["role"] = 2;
    o["channel_id"] = "";
    o["suite"] = 2;
    o["client_eph_pub_b64u"] = "=";
    o["nonce_c_b64u"] = "=";
  });
  const auto good = boost::json::parse(payload_of(good_init())).as_object();
  const auto repair = [&](const char* name) { init = with(init, name, good.at(name)); };
  EXPECT_EQ(error_after(init), handshake_errc::unsupported_init_version);
  repair("version");
  EXPECT_EQ(error_after(init), handshake_errc::wrong_role);
  repair("role");
  EXPECT_EQ(error_after(init), handshake_errc::empty_channel_id);
  init = with(init, "channel_id", "other");
  EXPECT_EQ(error_after(init), handshake_errc::wrong_channel_id);
  repair("channel_id");
  EXPECT_EQ(error_after(init), handshake_errc::wrong_suite);
  repair("suite");
  EXPECT_EQ(error_after(init), handshake_errc::malformed_public_key);
  init = with(init, "client_eph_pub_b64u", "AAAA");  // decodes, so only its length is wrong
  EXPECT_EQ(error_after(init), handshake_errc::malformed_nonce);
  repair("nonce_c_b64u");
  EXPECT_EQ(error_after(init), handshake_errc::malformed_public_key);
  repair("client_eph_pub_b64u");
  EXPECT_EQ(error_after(init), error_code{});
}

TEST(server_init, any_channel_is_served_when_none_is_configured) {
  server_side server{server_for(crypto::suite::x25519, std::nullopt)};
  EXPECT_FALSE(server.error(with(good_init(), "channel_id", "whatever")));
}

TEST(server_init, a_channel_that_no_transcript_can_hold_is_refused) {
  const auto error_of = [](std::optional<std::string> configured, std::size_t bytes) -> error_code {
    auto options = server_for(crypto::suite::x25519, std::move(configured));
    options.limits.max_payload_bytes = 131'072;
    server_side server{std::move(options)};
    return server.error(with(good_init(), "channel_id", std::string(bytes, 'x')));
  };
  EXPECT_EQ(error_of(std::nullopt, 65'535), error_code{});
  EXPECT_EQ(error_of(std::nullopt, 65'536), handshake_errc::malformed_channel_id);
  EXPECT_EQ(error_of(std::nullopt, 65'536 + 6), handshake_errc::malformed_channel_id);
  EXPECT_EQ(error_of("chan-1", 65'535), handshake_errc::wrong_channel_id);
  EXPECT_EQ(error_of("chan-1", 65'536), handshake_errc::malformed_channel_id);
}

TEST(server_init, json_rules_hold) {
  const auto with_payload = [](std::string_view text) { return error_after(encode_frame(frame_type::init, text)); };
  const auto good = payload_of(good_init());
  EXPECT_EQ(with_payload(good), error_code{});
  EXPECT_EQ(with_payload(" " + good + "\n"), error_code{});
  EXPECT_EQ(with_payload(""), handshake_errc::malformed_message);
  EXPECT_EQ(with_payload("[" + good + "]"), handshake_errc::malformed_message);
  EXPECT_EQ(with_payload(good + good), handshake_errc::malformed_message);
  EXPECT_EQ(with_payload(good + "x"), handshake_errc::malformed_message);
  const auto no_role = payload_of(without(good_init(), "role")).substr(1);
  EXPECT_EQ(with_payload("{\"role\":1," + no_role), error_code{});
  EXPECT_EQ(with_payload("{\"Role\":1," + no_role), handshake_errc::malformed_message);
}

TEST(server_init, only_init_is_expected_first) {
  const auto pair = run_handshake(crypto::suite::x25519);
  EXPECT_EQ(error_after(pair.resp), handshake_errc::unexpected_type);
  EXPECT_EQ(error_after(pair.ack), handshake_errc::unexpected_type);
  EXPECT_EQ(error_after(hex("46534543 01 00 0000000000000001 00000010")), handshake_errc::bad_magic) << "a record";
}

TEST(server_init, a_point_off_the_curve_costs_no_multiplication_before_the_tag) {
  auto off_curve = b64u(field(good_init(crypto::suite::p256), "client_eph_pub_b64u"));
  off_curve.back() ^= std::byte{1};
  const auto init = with(good_init(crypto::suite::p256), "client_eph_pub_b64u", encode_base64url(off_curve));
  EXPECT_FALSE(error_after(init, crypto::suite::p256));
}

TEST(server_init, a_retry_in_another_layout_is_the_same_init) {
  const auto init = good_init();
  server_side server;
  const auto resp = server.response(init);
  const auto reordered = edited(init, [](auto& object) {
    boost::json::object reversed;
    for (auto member = object.end(); member != object.begin();) {
      --member;
      reversed[member->key()] = member->value();
    }
    reversed["unknown"] = true;
    object = std::move(reversed);
  });
  ASSERT_NE(payload_of(reordered), payload_of(init));
  EXPECT_EQ(server.response(reordered), resp);
}

TEST(server_init, a_retry_that_differs_in_any_field_ends_the_handshake) {
  const auto init = good_init();
  const auto other = begin_client(crypto::suite::x25519, 9);
  const std::pair<const char*, json> changes[] = {
      {"channel_id", "chan-2"},
      {"client_features", 1},
      {"nonce_c_b64u", field(other.init_frame(), "nonce_c_b64u")},
      {"client_eph_pub_b64u", field(other.init_frame(), "client_eph_pub_b64u")},
      {"version", 2},
      {"role", 2},
  };
  for (const auto& [name, value] : changes) {
    server_side server;
    (void)server.response(init);
    EXPECT_EQ(server.error(with(init, name, value)), handshake_errc::different_init) << name;
    EXPECT_EQ(server.error(init), handshake_errc::unexpected_type) << "the end is final";
  }
}

TEST(server_init, a_retry_after_the_response_expired_ends_the_handshake) {
  const auto init = good_init();
  server_side server;
  (void)server.response(init, at(now_s, std::chrono::seconds{0}));
  EXPECT_FALSE(server.error(init, at(now_s, std::chrono::seconds{60})));
  EXPECT_EQ(server.error(init, at(now_s, std::chrono::milliseconds{60001})), handshake_errc::state_lost);
}

TEST(server_init, a_full_cache_refuses_new_handshakes_and_still_answers_old_ones) {
  const auto cache = std::make_shared<response_cache>(response_cache_limits{.max_entries = 1});
  const auto first = good_init();
  const auto second = to_buffer(begin_client(crypto::suite::x25519, 9).init_frame());
  server_side one{server_for(), cache};
  (void)one.response(first);
  server_side two{server_for(), cache};
  EXPECT_EQ(two.error(second), handshake_errc::cache_full);
  EXPECT_FALSE(one.error(first));
  server_side later{server_for(), cache};
  EXPECT_FALSE(later.error(second, at(now_s, std::chrono::seconds{61}))) << "expired entries make room";
}

TEST(peek_init, shows_what_a_resolver_needs) {
  const auto peek = peek_init(good_init(crypto::suite::p256), {}).value();
  EXPECT_EQ(peek.channel_id, "chan-1");
  EXPECT_EQ(peek.suite, crypto::suite::p256);
  EXPECT_EQ(peek.client_features, 0x00010001U);
}

TEST(peek_init, refuses_what_no_credential_could_allow) {
  struct row {
    const char* what;
    byte_buffer frame;
    handshake_errc error;
  };
  const auto init = good_init();
  auto frame_version_2 = init;
  frame_version_2[4] = std::byte{2};
  const row rows[] = {
      {"short frame", byte_buffer(init.begin(), init.begin() + 9), handshake_errc::frame_too_short},
      {"frame version", frame_version_2, handshake_errc::unsupported_frame_version},
      {"another type", encode_frame(frame_type::ack, payload_of(init)), handshake_errc::unexpected_type},
      {"not JSON", encode_frame(frame_type::init, "?"), handshake_errc::malformed_message},
      {"empty channel", with(init, "channel_id", ""), handshake_errc::blank_channel_id},
      {"blank channel", with(init, "channel_id", " \t\u00a0"), handshake_errc::blank_channel_id},
      {"space in front", with(init, "channel_id", " chan"), handshake_errc::malformed_channel_id},
      {"space behind", with(init, "channel_id", "chan\n"), handshake_errc::malformed_channel_id},
      {"257 bytes", with(init, "channel_id", std::string(257, 'x')), handshake_errc::malformed_channel_id},
      {"version 2", with(init, "version", 2), handshake_errc::unsupported_init},
      {"role server", with(init, "role", 2), handshake_errc::unsupported_init},
      {"blank channel comes before version",
       edited(init,
              [](auto& o) {
                o["channel_id"] = "";
                o["version"] = 2;
              }),
       handshake_errc::blank_channel_id},
  };
  for (const auto& row : rows) {
    const auto peek = peek_init(row.frame, {});
    EXPECT_TRUE(peek.has_error() && peek.error() == row.error) << row.what;
  }
  EXPECT_TRUE(peek_init(with(init, "channel_id", std::string(256, 'x')), {}));
}

TEST(peek_init, an_unknown_suite_is_a_plain_handshake_failure) {
  for (const int suite : {0, 3, 65535}) {
    const auto peek = peek_init(with(good_init(), "suite", suite), {});
    ASSERT_TRUE(peek.has_error());
    EXPECT_EQ(to_public_code(static_cast<handshake_errc>(peek.error().value())), public_code::handshake_failed);
  }
}

}  // namespace
}  // namespace flowersec::handshake::testing
