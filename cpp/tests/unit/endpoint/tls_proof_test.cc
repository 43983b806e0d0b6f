// The proof that flowersec::stream is an ordinary stream: asio::ssl::stream runs over it unmodified, both roles.
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "direct_fixture.h"
#include "support/test_certificates.h"

namespace flowersec::testing {
namespace {

namespace ssl = asio::ssl;

awaitable<void> serve_tls(endpoint::session server, ssl::context& context) {
  for (;;) {
    auto [failed, in] = co_await server.async_accept_stream(with_error);
    if (failed) co_return;
    if (in.kind != "tls") continue;
    ssl::stream<flowersec::stream> tls{std::move(in.stream), context};
    co_await tls.async_handshake(ssl::stream_base::server, endpoint::default_token{});
    std::string line;
    co_await asio::async_read(tls, asio::dynamic_buffer(line), asio::transfer_exactly(200'000),
                              endpoint::default_token{});
    co_await asio::async_write(tls, asio::buffer(line), endpoint::default_token{});
    auto [ended] = co_await tls.async_shutdown(with_error);
    EXPECT_FALSE(ended) << ended.message();
  }
}

TEST(stream_proof, asio_ssl_client_and_server_run_over_a_stream) {
  test_authority authority;
  const auto files = authority.issue("DNS:inner.example");
  ssl::context server_context{ssl::context::tls_server};
  server_context.use_certificate_chain_file(files.chain);
  server_context.use_private_key_file(files.key, ssl::context::pem);
  ssl::context client_context{ssl::context::tls_client};
  client_context.add_certificate_authority(asio::buffer(authority.ca_pem()));
  client_context.set_verify_mode(ssl::verify_peer);

  with_session([&](both ends) -> awaitable<void> {
    asio::co_spawn(co_await asio::this_coro::executor, serve_tls(ends.server, server_context), asio::detached);
    ssl::stream<flowersec::stream> tls{co_await ends.client.async_open_stream("tls"), client_context};
    tls.set_verify_callback(ssl::host_name_verification{"inner.example"});
    co_await tls.async_handshake(ssl::stream_base::client, endpoint::default_token{});
    const std::string text(200'000, 't');
    co_await asio::async_write(tls, asio::buffer(text), endpoint::default_token{});
    std::string back;
    auto [failed, n] = co_await asio::async_read(tls, asio::dynamic_buffer(back), with_error);
    EXPECT_EQ(failed, asio::error::eof);
    EXPECT_EQ(back, text);
    co_await tls.async_shutdown(with_error);
    co_await ends.client.async_close();
  });
}

}  // namespace
}  // namespace flowersec::testing
