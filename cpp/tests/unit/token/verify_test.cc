// Verification: every check, in its order, at its edge.
#include "flowersec/token/verify.h"

#include "support/json_mutations.h"
#include "unit/token/fixtures.h"

namespace flowersec::token {
namespace {

using flowersec::testing::with_raw_member;
using flowersec::testing::with_text;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::int64_t iat = 1800000000, expiry = 1800000060, init_exp = 1800000120;
const auto in_time = at(iat + 30);

error_code verify_text(std::string_view token, wall_time now = in_time,
                       const verifier_options& options = vector_options()) {
  const std::vector<char> exact(token.begin(), token.end());
  return refusal(verify_token(std::string_view{exact.data(), exact.size()}, vector_keys(), options, now));
}

error_code verify_payload(std::string_view payload, wall_time now = in_time) {
  return verify_text(signed_raw(payload), now);
}

/// The vector's payload with one member replaced by raw JSON, signed.
error_code verify_with(std::string_view member, std::string_view raw, wall_time now = in_time) {
  return verify_payload(with_raw_member(vector_payload, member, raw), now);
}

TEST(verify_token, returns_every_field) {
  const auto verified = verify_token(vector_token, vector_keys(), vector_options(), in_time);
  ASSERT_TRUE(verified.has_value()) << verified.error().message();
  EXPECT_EQ(verified->kid, "spec-k1");
  EXPECT_EQ(verified->aud, "tunnel:spec");
  EXPECT_EQ(verified->iss, "issuer:spec");
  EXPECT_EQ(verified->channel_id, "chan-spec");
  EXPECT_EQ(verified->role, role::server);
  EXPECT_EQ(verified->token_id, "tid-spec");
  EXPECT_EQ(count(verified->init_exp), init_exp);
  EXPECT_EQ(verified->idle_timeout, seconds{45});
  EXPECT_EQ(count(verified->iat), iat);
  EXPECT_EQ(count(verified->exp), expiry);
}

TEST(verify_token, returns_trimmed_texts) {
  auto payload = with_text(vector_payload, "kid", " spec-k1\t");
  payload = with_text(payload, "channel_id", "\u2003chan-spec\n");
  payload = with_text(payload, "token_id", " tid ");
  const auto token = signed_raw(payload);
  const auto verified = verify_token(token, vector_keys(), vector_options(), in_time);
  ASSERT_TRUE(verified.has_value()) << verified.error().message();
  EXPECT_EQ(verified->kid, "spec-k1");
  EXPECT_EQ(verified->channel_id, "chan-spec");
  EXPECT_EQ(verified->token_id, "tid");
}

TEST(verify_token, every_truncation_and_trailing_byte_is_refused) {
  for (std::size_t size = 0; size < vector_token.size(); ++size) {
    EXPECT_TRUE(verify_text(vector_token.substr(0, size))) << "cut after " << size;
  }
  for (const char extra : {'A', '=', '.', ' ', '\n', '\0'}) {
    EXPECT_TRUE(verify_text(std::string{vector_token} + extra)) << "trailing " << static_cast<int>(extra);
  }
}

TEST(verify_token, every_changed_character_is_refused) {
  for (std::size_t i = 0; i < vector_token.size(); ++i) {
    std::string token{vector_token};
    token[i] = token[i] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(verify_text(token)) << "character " << i;
  }
}

TEST(verify_token, is_three_parts_beginning_with_the_prefix) {
  const std::string body{vector_token.substr(5)};
  for (const auto& bad :
       {std::string{}, std::string{"."}, std::string{".."}, std::string{"..."}, std::string{"FST2"},
        std::string{"FST2."}, "FST1." + body, "fst2." + body, " FST2." + body, "FST2 ." + body, "FST22." + body,
        "." + body, body, "FST2.." + body, std::string{vector_token} + ".", std::string{vector_token} + ".AAAA"}) {
    EXPECT_EQ(verify_text(bad), token_errc::malformed) << bad;
  }
  EXPECT_EQ(verify_text("FST2.."), token_errc::bad_json) << "three parts, two of them empty";
}

TEST(interop_traps, trap_12_token_parts_are_canonical_base64url) {
  const std::string token{vector_token};
  const auto dot = token.rfind('.');
  for (const auto& bad :
       {token.substr(0, dot) + "=" + token.substr(dot), token + "=",
        token + "==", token.substr(0, 20) + "\n" + token.substr(20), token.substr(0, 20) + "\r\n" + token.substr(20),
        token.substr(0, dot + 4) + "+" + token.substr(dot + 5), token.substr(0, dot + 4) + "/" + token.substr(dot + 5),
        token.substr(0, dot) + "." + "AAAAA"}) {
    EXPECT_EQ(verify_text(bad), token_errc::bad_base64url) << bad;
  }
  // The last character of 64 bytes carries two bits; 'g' has 100000, so anything else with the same top bits is
  // foreign.
  auto sloppy = token;
  sloppy.back() = 'h';
  EXPECT_EQ(verify_text(sloppy), token_errc::bad_base64url) << "unused bits set";
}

TEST(verify_token, payload_must_be_one_object_with_typed_fields) {
  for (const auto& broken : flowersec::testing::broken_texts(vector_payload)) {
    EXPECT_EQ(verify_payload(broken.text), token_errc::bad_json) << broken.name;
  }
  for (const auto& broken : flowersec::testing::broken_members(vector_payload, {"iss"})) {
    EXPECT_EQ(verify_payload(broken.text), token_errc::bad_json) << broken.name;
  }
}

TEST(verify_token, any_json_formatting_is_fine_because_the_received_bytes_were_signed) {
  EXPECT_FALSE(
      verify_payload("  {\n\"exp\": 1800000060, \"iat\" : 1800000000 ,\"idle_timeout_seconds\":45,"
                     "\"init_exp\":1800000120,\"token_id\":\"tid\\u002dspec\",\"role\":2,"
                     "\"channel_id\":\"chan-spec\",\"iss\":\"issuer:spec\",\"aud\":\"tunnel:spec\","
                     "\"kid\":\"spec-k1\",\"extra\":{\"x\":[1.5,null]}}\t"));
  std::string duplicate{vector_payload};
  duplicate.insert(1, R"("role":9,)");
  EXPECT_FALSE(verify_payload(duplicate)) << "the last of two equal keys counts";
}

TEST(verify_token, field_checks_have_their_own_codes) {
  EXPECT_EQ(verify_with("kid", R"("")"), token_errc::bad_kid);
  EXPECT_EQ(verify_with("kid", R"(" \u00a0 ")"), token_errc::bad_kid);
  EXPECT_EQ(verify_with("channel_id", R"("")"), token_errc::bad_channel_id);
  EXPECT_EQ(verify_with("channel_id", R"("  ")"), token_errc::bad_channel_id);
  EXPECT_EQ(verify_payload(with_text(vector_payload, "channel_id", std::string(257, 'c'))), token_errc::bad_channel_id);
  EXPECT_FALSE(verify_payload(with_text(vector_payload, "channel_id", std::string(256, 'c'))));
  EXPECT_FALSE(verify_payload(with_text(vector_payload, "channel_id", " " + std::string(256, 'c') + " ")));
  for (const auto* raw : {"0", "3", "255"}) EXPECT_EQ(verify_with("role", raw), token_errc::bad_role) << raw;
  EXPECT_FALSE(verify_with("role", "1"));
  EXPECT_EQ(verify_with("token_id", R"("\t")"), token_errc::bad_token_id);
  for (const auto* raw : {"0", "-1", "-2147483648"}) {
    EXPECT_EQ(verify_with("idle_timeout_seconds", raw), token_errc::bad_idle_timeout) << raw;
  }
  EXPECT_FALSE(verify_with("idle_timeout_seconds", "1"));
  EXPECT_FALSE(verify_with("idle_timeout_seconds", "2147483647"));
  EXPECT_EQ(verify_with("idle_timeout_seconds", "2147483648"), token_errc::bad_json);
}

TEST(verify_token, key_must_be_known_and_the_signature_its_own) {
  EXPECT_EQ(verify_with("kid", R"("spec-k2")"), token_errc::unknown_kid);
  EXPECT_EQ(verify_with("kid", R"("SPEC-K1")"), token_errc::unknown_kid);
  keyset others;
  others.add("spec-k1", key_from_hex(std::string(64, '7')).public_key());
  EXPECT_EQ(refusal(verify_token(vector_token, others, vector_options(), in_time)), token_errc::bad_signature);
  EXPECT_EQ(refusal(verify_token(vector_token, keyset{}, vector_options(), in_time)), token_errc::unknown_kid);
  const std::string body{vector_token.substr(0, vector_token.rfind('.'))};
  for (const std::size_t size : {0U, 32U, 63U, 65U}) {
    EXPECT_EQ(verify_text(body + "." + encode_base64url(byte_buffer(size))), token_errc::bad_signature) << size;
  }
}

TEST(verify_token, prefix_is_part_of_what_is_signed) {
  const auto payload = encode_base64url(as_bytes(vector_payload));
  const auto without_prefix = vector_key().sign(as_bytes(payload));
  EXPECT_EQ(verify_text("FST2." + payload + "." + encode_base64url(without_prefix)), token_errc::bad_signature);
}

TEST(verify_token, audience_and_issuer_match_byte_for_byte) {
  for (const auto* audience : {"tunnel:spe", "tunnel:spec2", "Tunnel:spec", "issuer:spec", " tunnel:spec"}) {
    auto options = vector_options();
    options.audience = audience;
    EXPECT_EQ(verify_text(vector_token, in_time, options), token_errc::wrong_audience) << audience;
  }
  for (const auto* issuer : {"issuer:spe", "issuer:spec2", "ISSUER:spec", "tunnel:spec"}) {
    auto options = vector_options();
    options.issuer = issuer;
    EXPECT_EQ(verify_text(vector_token, in_time, options), token_errc::wrong_issuer) << issuer;
  }
  EXPECT_EQ(verify_with("aud", R"(" tunnel:spec")"), token_errc::wrong_audience) << "the payload's is not trimmed";
  EXPECT_EQ(verify_with("aud", R"("")"), token_errc::wrong_audience);
  EXPECT_EQ(verify_with("iss", R"("issuer:spec ")"), token_errc::wrong_issuer);
  EXPECT_EQ(verify_with("iss", R"("")"), token_errc::wrong_issuer);
  EXPECT_EQ(verify_with("iss", "null"), token_errc::wrong_issuer);
  EXPECT_EQ(verify_payload(flowersec::testing::without_member(vector_payload, "iss")), token_errc::wrong_issuer);
}

TEST(verify_token, without_an_expected_issuer_any_issuer_and_none_are_accepted) {
  auto options = vector_options();
  options.issuer.reset();
  const auto issuer_of = [&](const std::string& payload) {
    const auto token = signed_raw(payload);
    const auto verified = verify_token(token, vector_keys(), options, in_time);
    return verified ? verified->iss : verified.error().message();
  };
  EXPECT_EQ(issuer_of(with_text(vector_payload, "iss", "somebody")), "somebody");
  EXPECT_EQ(issuer_of(with_text(vector_payload, "iss", " spaced ")), "spaced");
  EXPECT_EQ(issuer_of(flowersec::testing::without_member(vector_payload, "iss")), "");
}

TEST(verify_token, times_must_be_in_order) {
  EXPECT_FALSE(verify_with("exp", "1800000120")) << "exp may equal init_exp";
  EXPECT_EQ(verify_with("exp", "1800000121"), token_errc::exp_after_init);
  EXPECT_FALSE(verify_with("iat", "1800000060")) << "iat may equal exp";
  EXPECT_EQ(verify_with("iat", "1800000061"), token_errc::iat_after_exp);
}

TEST(verify_token, issue_time_is_in_time_until_now_plus_skew_inclusive) {
  EXPECT_FALSE(verify_text(vector_token, at(iat - 30)));
  EXPECT_EQ(verify_text(vector_token, at(iat - 30, nanoseconds{-1})), token_errc::issued_in_future);
  EXPECT_EQ(verify_text(vector_token, at(iat - 31)), token_errc::issued_in_future);
  EXPECT_FALSE(verify_text(vector_token, at(iat - 30, milliseconds{1})));
}

TEST(verify_token, expiry_is_in_time_until_now_minus_skew_inclusive) {
  EXPECT_FALSE(verify_text(vector_token, at(expiry + 30)));
  EXPECT_EQ(verify_text(vector_token, at(expiry + 30, nanoseconds{1})), token_errc::expired) << "fractions count";
  EXPECT_EQ(verify_text(vector_token, at(expiry + 31)), token_errc::expired);
  EXPECT_FALSE(verify_text(vector_token, at(expiry + 29, milliseconds{999})));
}

TEST(verify_token, init_window_is_checked_before_expiry) {
  const auto short_window = with_raw_member(vector_payload, "init_exp", "1800000060");
  EXPECT_FALSE(verify_payload(short_window, at(expiry + 30)));
  EXPECT_EQ(verify_payload(short_window, at(expiry + 30, nanoseconds{1})), token_errc::init_expired);
}

TEST(interop_traps, trap_13_skew_rounds_up_and_zero_is_exact) {
  auto options = vector_options();
  options.clock_skew = nanoseconds{1};
  EXPECT_FALSE(verify_text(vector_token, at(iat - 1), options)) << "a nanosecond counts as a second";
  EXPECT_EQ(verify_text(vector_token, at(iat - 2), options), token_errc::issued_in_future);
  EXPECT_FALSE(verify_text(vector_token, at(expiry + 1), options));
  EXPECT_EQ(verify_text(vector_token, at(expiry + 1, nanoseconds{1}), options), token_errc::expired);
  options.clock_skew = milliseconds{29001};
  EXPECT_FALSE(verify_text(vector_token, at(iat - 30), options));
  options.clock_skew = nanoseconds{0};
  EXPECT_FALSE(verify_text(vector_token, at(iat), options));
  EXPECT_FALSE(verify_text(vector_token, at(expiry), options));
  EXPECT_EQ(verify_text(vector_token, at(iat - 1), options), token_errc::issued_in_future);
  EXPECT_EQ(verify_text(vector_token, at(expiry, nanoseconds{1}), options), token_errc::expired);
}

TEST(verify_token, extreme_times_do_not_overflow) {
  const std::string largest = "9007199254740991";
  auto payload = with_raw_member(vector_payload, "exp", largest);
  payload = with_raw_member(payload, "init_exp", largest);
  EXPECT_FALSE(verify_payload(payload));
  EXPECT_EQ(verify_payload(with_raw_member(payload, "iat", largest)), token_errc::issued_in_future);
  EXPECT_FALSE(verify_payload(with_raw_member(payload, "iat", "-" + largest)));
  EXPECT_EQ(verify_with("exp", "-" + largest), token_errc::iat_after_exp);
  EXPECT_EQ(verify_with("exp", "9007199254740992"), token_errc::bad_json);
  EXPECT_EQ(verify_with("exp", "9223372036854775808"), token_errc::bad_json);
  EXPECT_EQ(verify_with("exp", "1e300"), token_errc::bad_json);
}

TEST(verify_token, the_earlier_check_decides) {
  // Wrong in every field; repaired from the front, one check after the other answers.
  std::string payload =
      R"({"kid":" ","aud":"x","iss":"y","channel_id":" ","role":0,"token_id":" ","init_exp":1,"idle_timeout_seconds":0,)"
      R"("iat":1900000000,"exp":1800000000})";
  const auto repair = [&](const char* member, std::string_view raw) {
    payload = with_raw_member(payload, member, raw);
  };
  EXPECT_EQ(verify_payload(payload), token_errc::bad_kid);
  repair("kid", R"("nobody")");
  EXPECT_EQ(verify_payload(payload), token_errc::bad_channel_id);
  repair("channel_id", R"("c")");
  EXPECT_EQ(verify_payload(payload), token_errc::bad_role);
  repair("role", "1");
  EXPECT_EQ(verify_payload(payload), token_errc::bad_token_id);
  repair("token_id", R"("t")");
  EXPECT_EQ(verify_payload(payload), token_errc::bad_idle_timeout);
  repair("idle_timeout_seconds", "1");
  EXPECT_EQ(verify_payload(payload), token_errc::unknown_kid);
  repair("kid", R"("spec-k1")");
  const auto forged = "FST2." + encode_base64url(as_bytes(payload)) + "." + encode_base64url(byte_buffer(64));
  EXPECT_EQ(verify_text(forged), token_errc::bad_signature);
  EXPECT_EQ(verify_payload(payload), token_errc::wrong_audience);
  repair("aud", R"("tunnel:spec")");
  EXPECT_EQ(verify_payload(payload), token_errc::wrong_issuer);
  repair("iss", R"("issuer:spec")");
  EXPECT_EQ(verify_payload(payload), token_errc::exp_after_init);
  repair("init_exp", "1800000000");
  EXPECT_EQ(verify_payload(payload), token_errc::iat_after_exp);
  const auto early = at(1700000000), late = at(1900000000);
  repair("iat", "1800000000");
  EXPECT_EQ(verify_payload(payload, early), token_errc::issued_in_future);
  EXPECT_EQ(verify_payload(payload, late), token_errc::init_expired);
  repair("init_exp", "1900000000");
  EXPECT_EQ(verify_payload(payload, late), token_errc::expired);
  repair("exp", "1900000000");
  EXPECT_FALSE(verify_payload(payload, late));
}

TEST(verify_token, a_parsed_token_can_be_looked_at_before_it_is_verified) {
  const auto parsed = parse_token(vector_token);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->payload.aud, "tunnel:spec");
  EXPECT_EQ(parsed->payload.iss, "issuer:spec");
  EXPECT_EQ(parsed->signed_part, vector_token.substr(0, vector_token.rfind('.')));
  EXPECT_TRUE(verify_token(*parsed, vector_keys(), vector_options(), in_time).has_value());
}

TEST(verifier_options, refuses_an_empty_audience_an_empty_issuer_and_a_negative_skew) {
  const auto refused_with = [](auto change) {
    auto options = vector_options();
    change(options);
    return verify_text(vector_token, in_time, options);
  };
  EXPECT_EQ(refused_with([](auto& options) { options.audience.clear(); }), token_errc::bad_options);
  EXPECT_EQ(refused_with([](auto& options) { options.issuer = ""; }), token_errc::bad_options);
  EXPECT_EQ(refused_with([](auto& options) { options.clock_skew = nanoseconds{-1}; }), token_errc::bad_options);
}

class server_bounds_check : public ::testing::Test {
 protected:
  static error_code check(std::int64_t issued, std::int64_t expires, std::int64_t init, wall_time now,
                          const server_bounds& bounds = {}) {
    verified_token token;
    token.iat = unix_seconds{issued};
    token.exp = unix_seconds{expires};
    token.init_exp = unix_seconds{init};
    return check_server_bounds(token, bounds, now);
  }
};

TEST_F(server_bounds_check, a_lifetime_of_120_seconds_passes_and_121_fails) {
  EXPECT_FALSE(check(iat, iat + 120, iat + 120, at(iat)));
  EXPECT_EQ(check(iat, iat + 121, iat + 121, at(iat)), token_errc::lifetime_too_long);
}

TEST_F(server_bounds_check, the_lifetime_bound_is_rounded_down) {
  const server_bounds bounds{.max_token_lifetime = milliseconds{59999}};
  EXPECT_FALSE(check(iat, iat + 59, iat + 59, at(iat), bounds));
  EXPECT_EQ(check(iat, iat + 60, iat + 60, at(iat), bounds), token_errc::lifetime_too_long);
}

TEST_F(server_bounds_check, init_window_may_end_150_seconds_ahead) {
  EXPECT_FALSE(check(iat, iat + 60, iat + 150, at(iat)));
  EXPECT_EQ(check(iat, iat + 60, iat + 151, at(iat)), token_errc::init_too_far);
  EXPECT_EQ(check(iat, iat + 60, iat + 151, at(iat, milliseconds{999})), token_errc::init_too_far);
  EXPECT_FALSE(check(iat, iat + 60, iat + 151, at(iat + 1)));
}

TEST_F(server_bounds_check, fractions_of_now_and_horizon_add_up) {
  const server_bounds bounds{.max_init_horizon = milliseconds{120500}};
  EXPECT_EQ(check(iat, iat + 60, iat + 151, at(iat, milliseconds{499}), bounds), token_errc::init_too_far);
  EXPECT_FALSE(check(iat, iat + 60, iat + 151, at(iat, milliseconds{500}), bounds));
}

TEST_F(server_bounds_check, lifetime_is_checked_first) {
  EXPECT_EQ(check(iat, iat + 121, iat + 1000, at(iat)), token_errc::lifetime_too_long);
}

TEST_F(server_bounds_check, extreme_times_do_not_overflow) {
  constexpr std::int64_t largest = 9007199254740991;
  EXPECT_EQ(check(-largest, largest, largest, at(iat)), token_errc::lifetime_too_long);
  EXPECT_EQ(check(largest, largest, largest, at(iat)), token_errc::init_too_far);
}

TEST_F(server_bounds_check, absurd_bounds_are_very_long_ones) {
  constexpr auto ten_years = std::chrono::seconds{server_bounds::longest}.count();
  for (const auto absurd :
       {nanoseconds{server_bounds::longest}, nanoseconds::max() - nanoseconds{1}, nanoseconds::max()}) {
    const server_bounds bounds{.max_token_lifetime = absurd, .max_init_horizon = absurd};
    EXPECT_FALSE(check(iat, iat + ten_years, iat + ten_years + 30, at(iat), bounds));
    EXPECT_EQ(check(iat, iat + ten_years + 1, iat + ten_years + 1, at(iat), bounds), token_errc::lifetime_too_long);
    EXPECT_EQ(check(iat, iat + 1, iat + ten_years + 31, at(iat), bounds), token_errc::init_too_far);
  }
}

TEST_F(server_bounds_check, negative_and_absurd_bounds_are_bad_options) {
  EXPECT_FALSE(server_bounds{}.validate());
  EXPECT_FALSE((server_bounds{.max_token_lifetime = seconds{0}, .max_init_horizon = seconds{0}}.validate()));
  EXPECT_FALSE((server_bounds{.max_init_horizon = server_bounds::longest}.validate()));
  EXPECT_EQ((server_bounds{.max_token_lifetime = nanoseconds{-1}}.validate()), token_errc::bad_options);
  EXPECT_EQ((server_bounds{.max_init_horizon = nanoseconds{-1}}.validate()), token_errc::bad_options);
  EXPECT_EQ((server_bounds{.clock_skew = nanoseconds{-1}}.validate()), token_errc::bad_options);
  EXPECT_EQ((server_bounds{.max_init_horizon = server_bounds::longest + nanoseconds{1}}.validate()),
            token_errc::bad_options);
}

TEST(equal_signed_part, ignores_the_signature_and_nothing_else) {
  const std::string token{vector_token};
  const auto body = token.substr(0, token.rfind('.'));
  EXPECT_TRUE(equal_signed_part(token, token));
  EXPECT_TRUE(equal_signed_part(token, body + ".AAAA"));
  EXPECT_FALSE(equal_signed_part(token, signed_raw("{}")));
  EXPECT_FALSE(equal_signed_part(token, body));
  EXPECT_FALSE(equal_signed_part("", "")) << "two texts that are no tokens are not equal tokens";
}

TEST(token_errc, every_value_has_a_text_of_its_own) {
  std::vector<std::string> seen;
  for (int value = 1; value <= static_cast<int>(token_errc::bad_options); ++value) {
    const auto code = make_error_code(static_cast<token_errc>(value));
    EXPECT_EQ(std::find(seen.begin(), seen.end(), code.message()), seen.end()) << code.message();
    EXPECT_NE(code.message(), "unknown token error") << value;
    seen.push_back(code.message());
  }
}

}  // namespace
}  // namespace flowersec::token
