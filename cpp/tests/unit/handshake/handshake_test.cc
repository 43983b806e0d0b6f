// Whole handshakes: both suites, retries, shared caches, faults at every step.
#include <set>

#include "fixture.h"

namespace flowersec::handshake::testing {
namespace {

void expect_same_keys(const traffic_keys& a, const traffic_keys& b) {
  const auto same = [](const direction_secrets& x, const direction_secrets& y) {
    return x.key == y.key && x.prefix == y.prefix && x.rekey_base == y.rekey_base;
  };
  EXPECT_TRUE(same(a.client_to_server, b.client_to_server));
  EXPECT_TRUE(same(a.server_to_client, b.server_to_client));
  EXPECT_EQ(a.transcript_hash, b.transcript_hash);
  EXPECT_EQ(a.common_features, b.common_features);
}

TEST(handshake, both_sides_derive_the_same_keys_for_both_suites) {
  for (const auto suite : both_suites) {
    const auto pair = run_handshake(suite);
    expect_same_keys(pair.client, pair.server);
    EXPECT_FALSE(pair.client.client_to_server.key == pair.client.server_to_client.key);
  }
}

TEST(handshake, common_features_are_what_both_sides_set) {
  const auto pair = run_handshake(crypto::suite::x25519);
  EXPECT_EQ(pair.client.common_features, 0x00010000U);
}

TEST(handshake, messages_have_the_documented_fields_in_order) {
  const auto pair = run_handshake(crypto::suite::p256);
  EXPECT_EQ(payload_of(pair.init), R"({"channel_id":"chan-1","role":1,"version":1,"suite":2,"client_eph_pub_b64u":")" +
                                       field(pair.init, "client_eph_pub_b64u") + R"(","nonce_c_b64u":")" +
                                       field(pair.init, "nonce_c_b64u") + R"(","client_features":65537})");
  EXPECT_EQ(payload_of(pair.resp), R"({"handshake_id":")" + field(pair.resp, "handshake_id") +
                                       R"(","server_eph_pub_b64u":")" + field(pair.resp, "server_eph_pub_b64u") +
                                       R"(","nonce_s_b64u":")" + field(pair.resp, "nonce_s_b64u") +
                                       R"(","server_features":65538})");
  EXPECT_EQ(payload_of(pair.ack), R"({"handshake_id":")" + field(pair.resp, "handshake_id") +
                                      R"(","timestamp_unix_s":1700000000,"auth_tag_b64u":")" +
                                      field(pair.ack, "auth_tag_b64u") + R"("})");
  EXPECT_EQ(b64u(field(pair.resp, "handshake_id")).size(), 24U);
}

TEST(handshake, every_handshake_has_new_keys_and_nonces) {
  // Same PSK, same channel, and the server's handshakes share a cache of answers, as those of a listener do.
  constexpr std::size_t handshakes = 100;
  seeded_random random;
  for (const auto suite : both_suites) {
    const auto cache = std::make_shared<response_cache>();
    std::set<std::string> seen;
    for (std::size_t i = 0; i < handshakes; ++i) {
      auto client = client_handshake::begin(client_for(suite), random).value();
      server_handshake server{server_for(suite), cache};
      const auto init = to_buffer(client.init_frame());
      const auto resp = std::get<respond>(server.on_frame(init, at(now_s), random).value()).frame;
      const auto done = client.on_frame(resp, unix_seconds{now_s}).value();
      for (const auto* name : {"client_eph_pub_b64u", "nonce_c_b64u"}) seen.insert(field(init, name));
      for (const auto* name : {"handshake_id", "server_eph_pub_b64u", "nonce_s_b64u"}) seen.insert(field(resp, name));
      seen.emplace(as_text(done.keys.client_to_server.key.view()));
      seen.emplace(as_text(done.keys.server_to_client.key.view()));
      seen.emplace(as_text(done.keys.client_to_server.rekey_base.view()));
      ASSERT_TRUE(server.on_frame(done.ack_frame, at(now_s), random));
      ASSERT_EQ(seen.size(), 8 * (i + 1));
    }
  }
}

TEST(handshake, another_psk_is_an_auth_tag_mismatch) {
  auto client = begin_client();
  auto options = server_for();
  seeded_random random{99};
  options.psk = crypto::psk::generate(random).value();
  server_side server{std::move(options)};
  const auto done = client.on_frame(server.response(client.init_frame()), unix_seconds{now_s}).value();
  EXPECT_EQ(server.error(done.ack_frame), handshake_errc::auth_tag_mismatch);
}

TEST(handshake, any_field_changed_on_the_way_is_an_auth_tag_mismatch) {
  // What a tunnel could change without breaking a format: both transcripts differ, so the tag does.
  seeded_random random{5};
  const auto other = client_handshake::begin(client_for(), random).value();
  struct row {
    const char* message;
    const char* name;
    json value;
  };
  const row rows[] = {
      {"init", "client_features", 0},
      {"init", "client_eph_pub_b64u", field(other.init_frame(), "client_eph_pub_b64u")},
      {"init", "nonce_c_b64u", field(other.init_frame(), "nonce_c_b64u")},
      {"resp", "server_features", 0},
      {"resp", "server_eph_pub_b64u", field(other.init_frame(), "client_eph_pub_b64u")},
      {"resp", "nonce_s_b64u", field(other.init_frame(), "nonce_c_b64u")},
      {"ack", "auth_tag_b64u", field(other.init_frame(), "nonce_c_b64u")},
      {"ack", "timestamp_unix_s", now_s + 1},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto on_the_way = [&](std::string_view message, byte_view frame) {
      return message == row.message ? with(frame, row.name, row.value) : to_buffer(frame);
    };
    auto client = begin_client();
    server_side server;
    const auto resp = on_the_way("resp", server.response(on_the_way("init", client.init_frame())));
    const auto done = client.on_frame(resp, unix_seconds{now_s}).value();
    EXPECT_EQ(server.error(on_the_way("ack", done.ack_frame)), handshake_errc::auth_tag_mismatch);
  }
}

TEST(handshake, random_failure_at_every_call_is_a_typed_end) {
  seeded_random counter;
  (void)client_handshake::begin(client_for(), counter).value();
  ASSERT_GT(counter.calls(), 0);
  for (int good = 0; good < counter.calls(); ++good) {
    seeded_random random{1, good};
    EXPECT_EQ(client_handshake::begin(client_for(), random).error(), handshake_errc::random_failed) << good;
  }

  const auto client = begin_client();
  server_side counting;
  (void)counting.response(client.init_frame());
  for (int good = 0; good < counting.random.calls(); ++good) {
    server_side server;
    server.random = seeded_random{2, good};
    EXPECT_EQ(server.error(client.init_frame()), handshake_errc::random_failed) << good;
    EXPECT_EQ(server.error(client.init_frame()), handshake_errc::unexpected_type) << "the end is final";
  }
}

TEST(handshake, every_truncation_of_every_frame_is_refused) {
  for (const auto suite : both_suites) {
    const auto pair = run_handshake(suite);
    const auto each_prefix = [](byte_view frame, const std::function<error_code(byte_view)>& deliver) {
      for (std::size_t size = 0; size < frame.size(); ++size) {
        byte_buffer copy(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
        copy.shrink_to_fit();
        EXPECT_EQ(deliver(copy), size < header_bytes ? handshake_errc::frame_too_short : handshake_errc::size_mismatch);
        if (size < header_bytes) continue;
        // The same with a header that agrees with the cut.
        store_be(copy.data() + 6, static_cast<std::uint32_t>(size - header_bytes));
        EXPECT_EQ(deliver(copy), handshake_errc::malformed_message);
      }
    };
    each_prefix(pair.init, [&](byte_view cut) { return server_side{server_for(suite)}.error(cut); });
    each_prefix(pair.resp,
                [&](byte_view cut) { return begin_client(suite).on_frame(cut, unix_seconds{now_s}).error(); });
    each_prefix(pair.ack, [&](byte_view cut) {
      server_side server{server_for(suite)};
      (void)server.response(pair.init);
      return server.error(cut);
    });
  }
}

TEST(interop_traps, trap_14_identical_init_gets_the_identical_resp_and_the_first_ack_consumes_the_state) {
  auto client = begin_client();
  const auto cache = std::make_shared<response_cache>();
  server_side server{server_for(), cache};
  const auto resp = server.response(client.init_frame());
  EXPECT_EQ(server.response(client.init_frame()), resp);
  EXPECT_EQ(server.response(client.init_frame()), resp);
  EXPECT_EQ(cache->size(), 1U);

  const auto done = client.on_frame(resp, unix_seconds{now_s}).value();
  server_side other_connection{server_for(), cache};
  EXPECT_EQ(other_connection.response(client.init_frame()), resp);
  EXPECT_TRUE(server.on(done.ack_frame));
  EXPECT_EQ(cache->size(), 0U);
  EXPECT_EQ(other_connection.error(done.ack_frame), handshake_errc::state_lost);
}

TEST(handshake, a_wrong_ack_consumes_the_state_as_well) {
  auto client = begin_client();
  const auto cache = std::make_shared<response_cache>();
  for (const auto& wrong : {encode_frame(frame_type::ack, "not json"), encode_frame(frame_type::ack, "{}")}) {
    server_side victim{server_for(), cache};
    server_side attacked{server_for(), cache};
    const auto resp = victim.response(client.init_frame());
    EXPECT_EQ(attacked.response(client.init_frame()), resp);
    EXPECT_EQ(attacked.error(wrong), handshake_errc::malformed_message);
    EXPECT_EQ(cache->size(), 0U);
    EXPECT_EQ(victim.error(wrong), handshake_errc::state_lost) << "noticed before the JSON is looked at";
  }
}

TEST(handshake, an_init_is_continued_on_another_connection_through_a_shared_cache) {
  auto client = begin_client();
  const auto cache = std::make_shared<response_cache>();
  byte_buffer resp;
  {
    server_side lost_connection{server_for(), cache};
    resp = lost_connection.response(client.init_frame());
  }
  server_side server{server_for(), cache, 77};
  EXPECT_EQ(server.response(client.init_frame()), resp);
  auto done = client.on_frame(resp, unix_seconds{now_s}).value();
  auto step = server.on(done.ack_frame).value();
  expect_same_keys(done.keys, std::get<server_finished>(step).keys);
}

TEST(handshake, connections_without_a_shared_cache_answer_on_their_own) {
  const auto client = begin_client();
  server_side first;
  server_side second{server_for(), nullptr, 3};
  EXPECT_NE(first.response(client.init_frame()), second.response(client.init_frame()));
}

}  // namespace
}  // namespace flowersec::handshake::testing
