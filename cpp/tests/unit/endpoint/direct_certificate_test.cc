// The certificate of a direct listener, exchanged while it serves.
#include "direct_fixture.h"
#include "support/test_certificates.h"

namespace flowersec::testing {
namespace {

TEST(direct_certificate, another_one_is_for_the_clients_to_come) {
  test_authority authority;
  test_authority next;
  const auto files = authority.issue("IP:127.0.0.1");
  const auto next_files = next.issue("IP:127.0.0.1");
  auto accept = listening();
  accept.certificate = endpoint::server_certificate{.chain_file = files.chain, .key_file = files.key};
  asio::io_context context;
  auto listener = listen_on(context, std::move(accept));
  const auto dialled = [&](const test_authority& trusted) -> awaitable<std::pair<error_code, endpoint::session>> {
    auto options = dial_options();
    options.policy = {};
    options.trust.ca_pem = trusted.ca_pem();
    auto info = info_for(listener.url());
    auto [failed, up] =
        co_await endpoint::async_connect(context.get_executor(), std::move(info), std::move(options), with_error);
    co_return std::pair{failed, std::move(up)};
  };
  run(context, [&]() -> awaitable<void> {
    auto [failed, old] = co_await dialled(authority);
    EXPECT_FALSE(failed) << failed.message();
    EXPECT_EQ(listener.replace_certificate({"/none", "/none"}), endpoint::endpoint_errc::upgrade_failed);
    EXPECT_EQ((co_await dialled(next)).first, endpoint::endpoint_errc::dial_failed) << "nothing has changed";
    EXPECT_FALSE(listener.replace_certificate({next_files.chain, next_files.key}));
    auto [lost, fresh] = co_await dialled(next);
    EXPECT_FALSE(lost) << lost.message();
    EXPECT_EQ((co_await dialled(authority)).first, endpoint::endpoint_errc::dial_failed);
    auto [dead, round_trip] = co_await old.async_probe(with_error);
    EXPECT_FALSE(dead) << "who was here is not touched";
  }());
}

TEST(direct_certificate, that_is_not_there_cannot_be_replaced) {
  test_authority authority;
  const auto files = authority.issue("IP:127.0.0.1");
  asio::io_context context;
  auto listener = listen_on(context);
  EXPECT_EQ(listener.replace_certificate({files.chain, files.key}), endpoint::endpoint_errc::invalid_option);
  EXPECT_TRUE(listener.url().starts_with("ws://"));
}

}  // namespace
}  // namespace flowersec::testing
