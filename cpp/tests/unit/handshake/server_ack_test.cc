// The server's half from ACK on: every wrong ACK, the order of the checks, the rules of time.
#include "fixture.h"
#include "flowersec/crypto/kdf.h"

namespace flowersec::handshake::testing {
namespace {

/// A server that has answered INIT, and the client's ACK for a time of the client's.
struct before_ack {
  explicit before_ack(server_options options = server_for(), std::int64_t client_now = now_s)
      : server(std::move(options)) {
    auto client = begin_client(server_suite);
    ack = client.on_frame(server.response(client.init_frame()), unix_seconds{client_now}).value().ack_frame;
  }

  crypto::suite server_suite = crypto::suite::x25519;
  server_side server;
  byte_buffer ack;
};

error_code error_after(const std::function<byte_buffer(byte_view)>& change) {
  before_ack state;
  return state.server.error(change(state.ack));
}

/// The verdict when the client's clock says `client` and the server's says `server`.
error_code verdict(std::int64_t client, std::int64_t server, std::chrono::milliseconds skew,
                   std::int64_t init_exp = init_exp_s) {
  auto options = server_for();
  options.clock_skew = skew;
  options.init_exp = unix_seconds{init_exp};
  before_ack state{std::move(options), client};
  return state.server.error(state.ack, at(server));
}

TEST(server_ack, every_wrong_field_is_refused) {
  struct row {
    const char* what;
    const char* name;
    json value;
    handshake_errc error;
  };
  const row rows[] = {
      {"another id", "handshake_id", "other", handshake_errc::wrong_handshake_id},
      {"empty id", "handshake_id", "", handshake_errc::wrong_handshake_id},
      {"id that is a number", "handshake_id", 1, handshake_errc::malformed_message},
      {"time below zero", "timestamp_unix_s", -1, handshake_errc::malformed_message},
      {"time as text", "timestamp_unix_s", "1700000000", handshake_errc::malformed_message},
      {"time with a fraction", "timestamp_unix_s", 1700000000.5, handshake_errc::malformed_message},
      {"largest time", "timestamp_unix_s", 9007199254740991, handshake_errc::timestamp_out_of_skew},
      {"time past 2^53 - 1", "timestamp_unix_s", 9007199254740992, handshake_errc::malformed_message},
      {"another second", "timestamp_unix_s", now_s + 1, handshake_errc::auth_tag_mismatch},
      {"short tag", "auth_tag_b64u", std::string(42, 'A'), handshake_errc::malformed_auth_tag},
      {"long tag", "auth_tag_b64u", std::string(44, 'A'), handshake_errc::malformed_auth_tag},
      {"empty tag", "auth_tag_b64u", "", handshake_errc::malformed_auth_tag},
      {"non-canonical tag", "auth_tag_b64u", std::string(42, 'A') + "B", handshake_errc::malformed_auth_tag},
      {"all-zero tag", "auth_tag_b64u", std::string(43, 'A'), handshake_errc::auth_tag_mismatch},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(error_after([&](byte_view ack) { return with(ack, row.name, row.value); }), row.error) << row.what;
  }
  for (const auto* name : {"handshake_id", "timestamp_unix_s", "auth_tag_b64u"}) {
    EXPECT_EQ(error_after([&](byte_view ack) { return without(ack, name); }), handshake_errc::malformed_message);
  }
}

TEST(server_ack, every_flipped_bit_of_the_tag_is_a_mismatch) {
  for (std::size_t bit = 0; bit < 256; bit += 7) {
    EXPECT_EQ(error_after([&](byte_view ack) {
                auto tag = b64u(field(ack, "auth_tag_b64u"));
                tag[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
                return with(ack, "auth_tag_b64u", encode_base64url(tag));
              }),
              handshake_errc::auth_tag_mismatch);
  }
}

TEST(server_ack, checks_come_in_the_order_of_the_protocol) {
  // Wrong in everything; each repair shows the next check. Every attempt needs a fresh INIT: the first ACK consumes.
  std::vector<std::string> repaired;
  const auto error_now = [&](std::int64_t server_now) {
    auto options = server_for();
    options.init_exp = unix_seconds{now_s - 100};
    before_ack state{std::move(options)};
    const auto good = boost::json::parse(payload_of(state.ack)).as_object();
    auto frame = edited(state.ack, [](auto& o) {
      o["handshake_id"] = "wrong";
      o["auth_tag_b64u"] = "=";
    });
    for (const auto& name : repaired) frame = with(frame, name, good.at(name));
    return state.server.error(frame, at(server_now));
  };
  EXPECT_EQ(error_now(now_s - 1000), handshake_errc::wrong_handshake_id);
  repaired.emplace_back("handshake_id");
  EXPECT_EQ(error_now(now_s - 1000), handshake_errc::timestamp_out_of_skew);
  EXPECT_EQ(error_now(now_s), handshake_errc::timestamp_after_init_exp);
  EXPECT_EQ(error_after([](byte_view ack) { return with(ack, "auth_tag_b64u", "="); }),
            handshake_errc::malformed_auth_tag);
}

TEST(server_ack, an_invalid_point_is_found_after_the_tag) {
  // The attacker knows the PSK here: only then does the server compute with the key.
  for (const bool knows_psk : {false, true}) {
    seeded_random random;
    const std::string all_zero(43, 'A');
    const auto client = begin_client();
    const auto init = with(client.init_frame(), "client_eph_pub_b64u", all_zero);
    server_side server;
    const auto resp = server.response(init);
    const auto server_key = b64u(field(resp, "server_eph_pub_b64u"));
    const auto client_key = b64u(all_zero);
    const auto hash = hash_of({.suite = crypto::suite::x25519,
                               .client_features = 0x00010001,
                               .server_features = 0x00010002,
                               .channel_id = "chan-1",
                               .nonce_c = b64u_array<32>(field(init, "nonce_c_b64u")),
                               .nonce_s = b64u_array<32>(field(resp, "nonce_s_b64u")),
                               .client_public_key = client_key,
                               .server_public_key = server_key});
    const auto psk = knows_psk ? shared_psk() : crypto::psk::generate(random).value();
    const auto tag = compute_auth_tag(psk, hash, now_s);
    const auto ack = encode_frame(frame_type::ack, R"({"handshake_id":")" + field(resp, "handshake_id") +
                                                       R"(","timestamp_unix_s":1700000000,"auth_tag_b64u":")" +
                                                       encode_base64url(tag.view()) + R"("})");
    EXPECT_EQ(server.error(ack), knows_psk ? handshake_errc::key_agreement_failed : handshake_errc::auth_tag_mismatch);
  }
}

TEST(server_ack, records_and_resp_are_refused_while_waiting_for_it) {
  for (const auto& frame : {hex("46534543 01 00 0000000000000001 00000010"), encode_frame(frame_type::resp, "{}")}) {
    before_ack state;
    EXPECT_TRUE(state.server.error(frame));
    EXPECT_EQ(state.server.error(state.ack), handshake_errc::unexpected_type) << "the end is final";
  }
}

TEST(server_ack, a_frame_that_is_no_ack_does_not_consume_the_state) {
  const auto cache = std::make_shared<response_cache>();
  server_side server{server_for(), cache};
  (void)server.response(begin_client().init_frame());
  auto broken = encode_frame(frame_type::ack, "{}");
  broken.pop_back();
  EXPECT_EQ(server.error(broken), handshake_errc::size_mismatch);
  EXPECT_EQ(cache->size(), 1U);
}

TEST(server_ack, nothing_follows_it) {
  before_ack state;
  EXPECT_FALSE(state.server.error(state.ack));
  EXPECT_EQ(state.server.error(state.ack), handshake_errc::unexpected_type);
  before_ack refused;
  EXPECT_TRUE(refused.server.error(with(refused.ack, "handshake_id", "x")));
  EXPECT_EQ(refused.server.error(refused.ack), handshake_errc::unexpected_type);
}

TEST(server_ack, skew_holds_at_its_edges_and_one_past) {
  using std::chrono::seconds;
  EXPECT_EQ(verdict(now_s - 30, now_s, seconds{30}), error_code{});
  EXPECT_EQ(verdict(now_s - 31, now_s, seconds{30}), handshake_errc::timestamp_out_of_skew);
  EXPECT_EQ(verdict(now_s + 30, now_s, seconds{30}), error_code{});
  EXPECT_EQ(verdict(now_s + 31, now_s, seconds{30}), handshake_errc::timestamp_out_of_skew);
}

TEST(server_ack, init_exp_holds_with_the_skew_on_top) {
  using std::chrono::seconds;
  EXPECT_EQ(verdict(now_s + 10, now_s, seconds{30}, now_s - 20), error_code{});
  EXPECT_EQ(verdict(now_s + 11, now_s, seconds{30}, now_s - 20), handshake_errc::timestamp_after_init_exp);
  EXPECT_EQ(verdict(now_s, now_s + 30, seconds{30}, now_s - 30), error_code{}) << "the client's time counts, not ours";
}

TEST(server_ack, skew_is_judged_before_init_exp) {
  EXPECT_EQ(verdict(now_s + 1000, now_s, std::chrono::seconds{30}, now_s), handshake_errc::timestamp_out_of_skew);
}

TEST(server_ack, extreme_clocks_do_not_overflow) {
  using std::chrono::milliseconds;
  EXPECT_EQ(verdict(0, 9007199254740991, milliseconds::max(), 9007199254740991), error_code{});
  EXPECT_EQ(verdict(9007199254740991, 0, milliseconds{0}, 9007199254740991), handshake_errc::timestamp_out_of_skew);
}

TEST(interop_traps, trap_13_skew_rounds_up_and_zero_is_exact) {
  using std::chrono::milliseconds;
  EXPECT_EQ(verdict(now_s - 2, now_s, milliseconds{1001}), error_code{});
  EXPECT_EQ(verdict(now_s + 2, now_s, milliseconds{1001}), error_code{});
  EXPECT_EQ(verdict(now_s - 2, now_s, milliseconds{1000}), handshake_errc::timestamp_out_of_skew);
  EXPECT_EQ(verdict(now_s + 1, now_s, milliseconds{1}), error_code{});
  EXPECT_EQ(verdict(now_s, now_s, milliseconds{0}), error_code{});
  EXPECT_EQ(verdict(now_s - 1, now_s, milliseconds{0}), handshake_errc::timestamp_out_of_skew);
  EXPECT_EQ(verdict(now_s + 1, now_s, milliseconds{0}), handshake_errc::timestamp_out_of_skew);
}

}  // namespace
}  // namespace flowersec::handshake::testing
