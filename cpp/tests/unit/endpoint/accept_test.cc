// Sessions on WebSockets that somebody else has upgraded.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include "sealed_fixture.h"

namespace flowersec::testing {
namespace {

using endpoint::endpoint_errc;
using endpoint::stage;
using namespace asio::experimental::awaitable_operators;

endpoint::fixed_credential fixed() { return endpoint::fixed_credential::from(info_for("")).value(); }

awaitable<result<endpoint::resolved_credential>> resolve(endpoint::credential_request asked) {
  EXPECT_EQ(asked.channel_id, "channel");
  endpoint::resolved_credential found{.psk = crypto::psk::from_base64url(psk_text()).value(),
                                      .init_exp = unix_seconds{std::time(nullptr) + 60}};
  co_return found;
}

/// A client dials while the server upgrades by itself and then hands the socket to `accept`.
template <class Info, class Accept>
void over_upgraded(Info info, Accept accept) {
  asio::io_context context;
  raw_server server{context};
  info.ws_url = server.url();
  attempt_of_both met;
  const auto serve = [&]() -> awaitable<void> {
    auto socket = co_await server.accept();
    auto [failed, session] = co_await accept(std::move(socket));
    met.server_error = failed;
    met.server = std::move(session);
  };
  const auto dial = [&]() -> awaitable<void> {
    auto [failed, session] =
        co_await endpoint::async_connect(context.get_executor(), std::move(info), dial_options(), with_error);
    met.client_error = failed;
    met.client = std::move(session);
  };
  const auto whole = [&]() -> awaitable<void> {
    co_await (serve() && dial());
    EXPECT_FALSE(met.client_error) << met.client_error.message();
    EXPECT_FALSE(met.server_error) << met.server_error.message();
    EXPECT_EQ(co_await send_through(met.client, met.server, "hello"), "hello");
  };
  run(context, whole());
}

TEST(accept_upgraded, a_fixed_credential) {
  over_upgraded(info_for(""), [](ws::message_socket socket) {
    return endpoint::async_accept(std::move(socket), fixed(), endpoint::common_options{}, with_error);
  });
}

TEST(accept_upgraded, a_resolver) {
  over_upgraded(info_for(""), [](ws::message_socket socket) {
    return endpoint::async_accept(std::move(socket), endpoint::credential_resolver{resolve}, endpoint::common_options{},
                                  with_error);
  });
}

TEST(accept_upgraded, public_key_mode) {
  over_upgraded(sealed_info(""), [](ws::message_socket socket) {
    return endpoint::async_accept_sealed(std::move(socket), credentials(), endpoint::common_options{}, with_error);
  });
}

TEST(accept_upgraded, what_it_is_given_is_checked_first) {
  asio::io_context context;
  const auto error_of = [&](ws::message_socket socket, endpoint::sealed_credentials with,
                            endpoint::common_options options) {
    error_code seen;
    const auto whole = [&]() -> awaitable<void> {
      auto [failed, session] =
          co_await endpoint::async_accept_sealed(std::move(socket), std::move(with), std::move(options), with_error);
      seen = failed;
    };
    run(context, whole());
    EXPECT_EQ(seen, stage::validate);
    return seen;
  };
  EXPECT_EQ(error_of({}, credentials(), {}), endpoint_errc::missing_conn);
  raw_server server{context};
  ws::message_socket there;
  ws::message_socket here;
  const auto open = [&]() -> awaitable<void> {
    auto [client, accepted] = co_await (raw_client(server.url()) && server.accept());
    there = std::move(client);
    here = std::move(accepted);
  };
  run(context, open());
  EXPECT_EQ(error_of(std::move(here), {}, {}), endpoint_errc::invalid_option);
}

TEST(accept_upgraded, cancelling_closes_the_connection_whatever_it_waits_for) {
  for (const bool opened : {false, true}) {
    asio::io_context context;
    raw_server server{context};
    asio::cancellation_signal stop;
    error_code seen;
    const auto serve = [&]() -> awaitable<void> {
      auto socket = co_await server.accept();
      auto [failed, session] =
          co_await endpoint::async_accept_sealed(std::move(socket), credentials(), endpoint::common_options{},
                                                 asio::bind_cancellation_slot(stop.slot(), with_error));
      seen = failed;
    };
    const auto client = [&]() -> awaitable<void> {
      auto socket = co_await raw_client(server.url());
      if (opened) {
        const auto open = encode(good_open());
        co_await socket.async_write_message(ws::message_kind::text, as_bytes(open));
      }
      stop.emit(asio::cancellation_type::terminal);
      EXPECT_TRUE((co_await listen_to_the_end(socket)).messages.empty());
    };
    const auto whole = [&]() -> awaitable<void> { co_await (serve() && client()); };
    run(context, whole());
    EXPECT_EQ(seen, endpoint_errc::canceled) << opened;
    EXPECT_EQ(seen, stage::handshake) << opened;
  }
}

// As a server with several threads does it: each socket on a strand of its own, which its session then runs on.
awaitable<void> serve_on_strands(tcp::acceptor& acceptor, asio::thread_pool& pool, int clients) {
  for (int i = 0; i < clients; ++i) {
    const asio::strand<asio::any_io_executor> serial{pool.get_executor()};
    tcp::socket peer{serial};
    co_await acceptor.async_accept(peer, asio::use_awaitable);
    ws::accept_options options{.origins = ws::origin_policy::everybody()};
    auto accepted = co_await ws::async_accept(std::move(peer), std::move(options));
    auto session =
        co_await endpoint::async_accept_sealed(std::move(accepted.socket), credentials(), endpoint::common_options{});
    auto in = co_await session.async_accept_stream();
    if (in.kind == endpoint::rpc_stream_kind) in = co_await session.async_accept_stream();
    std::string heard(5, '\0');
    co_await asio::async_read(in.stream, asio::buffer(heard), asio::use_awaitable_t<asio::any_io_executor>{});
    co_await asio::async_write(in.stream, asio::buffer(heard), asio::use_awaitable_t<asio::any_io_executor>{});
    co_await session.async_wait_end();
  }
}

awaitable<void> call(std::string url) {
  auto session =
      co_await endpoint::async_connect(co_await asio::this_coro::executor, sealed_info(std::move(url)), dial_options());
  auto out = co_await session.async_open_stream("test");
  std::string said = "hello";
  co_await asio::async_write(out, asio::buffer(said), asio::use_awaitable_t<asio::any_io_executor>{});
  std::string heard(5, '\0');
  co_await asio::async_read(out, asio::buffer(heard), asio::use_awaitable_t<asio::any_io_executor>{});
  EXPECT_EQ(heard, said);
  co_await session.async_close();
}

TEST(accept_upgraded, sessions_run_on_the_strand_of_their_socket) {
  asio::thread_pool pool{3};
  tcp::acceptor acceptor{pool, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  const auto url = "ws://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/ws";
  auto served = asio::co_spawn(pool, serve_on_strands(acceptor, pool, 3), asio::use_future);
  for (int i = 0; i < 3; ++i) asio::co_spawn(pool, call(url), asio::use_future).get();
  served.get();
  pool.join();
}

}  // namespace
}  // namespace flowersec::testing
