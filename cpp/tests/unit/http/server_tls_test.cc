// The HTTP server under TLS: what it selects, and clients that forgot the s of https.
#include <gtest/gtest.h>

#include <boost/asio/ssl/stream.hpp>

#include "server_fixture.h"
#include "support/test_certificates.h"

namespace flowersec::http::testing {
namespace {

namespace ssl = boost::asio::ssl;

class http_server_under_tls : public http_server {
 protected:
  void start_tls() {
    options.tls = load_server_tls(files.chain, files.key).value();
    start();
  }

  /// What is selected of `offered`, in the form of the extension.
  std::string selected(const std::string& offered) {
    std::string protocol = "no handshake";
    const auto client = [&]() -> task {
      ssl::context trust{ssl::context::tls_client};
      ssl::stream<tcp::socket> stream{co_await dial(), trust};
      SSL_set_alpn_protos(stream.native_handle(), reinterpret_cast<const unsigned char*>(offered.data()),  // NOLINT
                          static_cast<unsigned>(offered.size()));
      const auto [failed] = co_await stream.async_handshake(ssl::stream_base::client, as_result);
      if (failed) co_return;
      const unsigned char* name = nullptr;
      unsigned size = 0;
      SSL_get0_alpn_selected(stream.native_handle(), &name, &size);
      protocol.assign(name, name + size);
    };
    run_tasks(context, client());
    return protocol;
  }

  flowersec::testing::test_authority authority;
  flowersec::testing::test_authority::files files = authority.issue("IP:127.0.0.1");
};

TEST_F(http_server_under_tls, a_plain_request_is_told_that_it_forgot_tls) {
  start_tls();
  const std::string told = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
  EXPECT_EQ(exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), told);
  EXPECT_EQ(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x')), told);
  EXPECT_EQ(exchange("neither of both, and long enough for a record's head").find("HTTP"), std::string::npos);
}

TEST(server_certificate, one_that_is_too_weak_is_told_from_one_that_is_none) {
  flowersec::testing::test_authority authority;
  const auto weak = authority.issue_weak("IP:127.0.0.1");
  const auto good = authority.issue("IP:127.0.0.1");
  EXPECT_EQ(load_server_tls(weak.chain, weak.key).error(), http_errc::certificate_too_weak);
  EXPECT_EQ(load_server_tls(good.key, good.key).error(), http_errc::tls_config_invalid);
  EXPECT_EQ(load_server_tls(good.chain, weak.key).error(), http_errc::tls_config_invalid);
  EXPECT_TRUE(load_server_tls(good.chain, good.key));
}

TEST_F(http_server_under_tls, http_1_1_is_selected_where_it_is_offered) {
  start_tls();
  EXPECT_EQ(selected("\x02h2\x08http/1.1"), "http/1.1");
  EXPECT_EQ(selected("\x08http/1.1"), "http/1.1");
  EXPECT_EQ(selected("\x02h2"), "") << "a client that offers only other protocols goes on without one";
}

}  // namespace
}  // namespace flowersec::http::testing
