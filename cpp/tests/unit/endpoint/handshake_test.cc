// The handshake as endpoints see it: what each side learns of a refusal, and the cache of unfinished ones.
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "direct_fixture.h"
#include "endpoint/plan.h"

namespace flowersec::testing {
namespace {

using endpoint::endpoint_errc;
using namespace asio::experimental::awaitable_operators;

struct outcome {
  error_code client;
  error_code server;
};

/// One client dials.
outcome meet(asio::io_context& context, endpoint::direct_listener& listener, const std::string& psk = psk_text()) {
  outcome seen;
  const auto dial = [&]() -> awaitable<error_code> {
    auto info = info_for(listener.url());
    info.e2ee_psk_b64u = messages::sensitive_text{psk};
    auto [failed, up] =
        co_await endpoint::async_connect(context.get_executor(), std::move(info), dial_options(), with_error);
    co_return failed;
  };
  const auto whole = [&]() -> awaitable<void> {
    auto [client, accepted] = co_await (dial() && listener.async_accept(with_error));
    seen = {client, std::get<0>(accepted)};
  };
  run(context, whole());
  return seen;
}

TEST(interop_traps, trap_23_the_client_sees_only_a_closed_transport_when_its_ack_is_rejected) {
  asio::io_context context;
  auto listener = listen_on(context);
  const auto seen = meet(context, listener, "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg");
  EXPECT_EQ(to_string(*endpoint::describe_error(seen.server)), "direct: handshake/auth_tag_mismatch");
  EXPECT_EQ(to_string(*endpoint::describe_error(seen.client)), "direct: handshake/handshake_failed");
}

TEST(handshake_cache, is_shared_by_the_sessions_that_are_given_it) {
  const auto cache = std::make_shared<handshake::response_cache>(
      handshake::response_cache_limits{.time_to_live = {}, .max_entries = 1});
  auto options = listening();
  options.common.handshake_cache = cache;
  asio::io_context context;
  auto listener = listen_on(context, options);
  // An unfinished handshake of another connection takes the only place.
  const handshake::init_fingerprint other{};
  auto key_pair = crypto::dh_key_pair::generate(crypto::suite::x25519, system_random()).value();
  ASSERT_TRUE(cache->insert(other,
                            {.parameters = {.handshake_id = "h", .public_key = {}, .nonce_s = {}, .features = 0},
                             .key_pair = std::move(key_pair)},
                            system_clocks().mono_now()));
  const auto refused = meet(context, listener);
  EXPECT_EQ(refused.server, endpoint_errc::handshake_failed) << refused.server.message();
  EXPECT_EQ(refused.client, endpoint_errc::handshake_failed);
  ASSERT_TRUE(cache->take(other));
  const auto good = meet(context, listener);
  EXPECT_FALSE(good.server) << good.server.message();
  EXPECT_FALSE(good.client) << good.client.message();
  EXPECT_EQ(cache->size(), 0u) << "the ACK has used it";
}

std::uint32_t features_of(const session::machine_options& machine) {
  if (const auto* client = std::get_if<handshake::client_options>(&machine.side)) return client->features;
  return std::get<session::server_side>(machine.side).options.features;
}

TEST(features, wide_windows_are_offered_by_both_roles_unless_they_have_no_budget) {
  struct row {
    std::size_t budget;
    std::uint32_t own;
    std::uint32_t offered;
  };
  for (const auto& row : {row{16777216, 0, 0x00010000}, row{1, 0, 0x00010000}, row{0, 0, 0},
                          row{1, 0x80000001, 0x80010001}, row{0, 0x00010000, 0x00010000}}) {
    auto options = dial_options();
    options.common.features = row.own;
    options.common.session.yamux.wide_window_session_bytes = row.budget;
    const auto dialling = endpoint::plan_direct(info_for("ws://127.0.0.1:1/"), options).value();
    EXPECT_EQ(features_of(dialling.machine), row.offered) << row.budget;
    const auto psk = crypto::psk::from_base64url(psk_text()).value();
    const auto serving =
        endpoint::plan_server(options.common, std::nullopt, psk, unix_seconds{1}, crypto::suite::x25519);
    EXPECT_EQ(features_of(serving), row.offered) << row.budget;
  }
  EXPECT_EQ(features_of(endpoint::plan_direct(info_for("ws://127.0.0.1:1/"), dial_options()).value().machine),
            0x00010000u);
}

}  // namespace
}  // namespace flowersec::testing
