// A direct listener whose clients are programs, told apart by their credentials.
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "direct_fixture.h"
#include "flowersec/base/text.h"

namespace flowersec::testing {
namespace {

using namespace asio::experimental::awaitable_operators;

/// One client and the session it gets, on both sides.
void meet(asio::io_context& context, endpoint::direct_listener& listener, std::string channel_id,
          const std::string& origin, const std::function<void(endpoint::session, endpoint::session)>& check) {
  auto info = info_for(listener.url(), 1);
  info.channel_id = std::move(channel_id);
  auto options = dial_options();
  options.origin = origin;
  const auto whole = [&]() -> awaitable<void> {
    auto [client, accepted] =
        co_await (endpoint::async_connect(context.get_executor(), std::move(info), std::move(options)) &&
                  listener.async_accept(asio::use_awaitable_t<asio::any_io_executor>{}));
    check(std::move(client), std::move(accepted));
  };
  run(context, whole());
}

TEST(direct_programs, any_origin_comes_in_where_that_is_wanted) {
  asio::io_context context;
  auto accept = listening();
  accept.allowed_origins.clear();
  accept.any_origin = true;
  auto listener = listen_on(context, std::move(accept), 1);
  bool met = false;
  meet(context, listener, "channel", "https://anywhere.example",
       [&met](const endpoint::session& client, const endpoint::session& accepted) { met = client && accepted; });
  EXPECT_TRUE(met);
}

TEST(direct_programs, both_ends_of_a_session_know_whose_it_is) {
  EXPECT_EQ(endpoint::session{}.channel_id(), "");
  asio::io_context context;
  auto listener = endpoint::direct_listener::open(
                      context.get_executor(),
                      [](endpoint::credential_request) -> awaitable<result<endpoint::resolved_credential>> {
                        co_return endpoint::resolved_credential{.psk = crypto::psk::from_base64url(psk_text()).value(),
                                                                .init_exp = unix_seconds{std::time(nullptr) + 60},
                                                                .commit = {}};
                      },
                      listening())
                      .value();
  for (const auto* sent : {"of the laptop", "  of the phone "}) {
    meet(context, listener, sent, dial_options().origin,
         [sent](const endpoint::session& client, const endpoint::session& accepted) {
           EXPECT_EQ(client.channel_id(), trim(sent));
           EXPECT_EQ(accepted.channel_id(), trim(sent));
         });
  }
}

}  // namespace
}  // namespace flowersec::testing
