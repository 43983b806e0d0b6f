// Opening handshakes on loopback: what servers refuse, what clients refuse, TLS verification, cancellation.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/read_until.hpp>

#include "flowersec/ws/upgrade.h"
#include "support/encrypted_key.h"
#include "unit/ws/socket_pair.h"

namespace flowersec::ws {
namespace {

using namespace testing;                                         // NOLINT
using namespace boost::asio::experimental::awaitable_operators;  // NOLINT

class opening_handshake : public ::testing::Test {
 protected:
  /// What a connect ends with while the server runs async_accept; the server's end goes to `accepted`.
  error_code connect_error() {
    error_code outcome;
    const auto client = [&]() -> task {
      auto [error, socket] =
          co_await async_connect(context.get_executor(), address.value_or(net.address()), net.connecting, as_result);
      outcome = error;
    };
    const auto server = [&]() -> task {
      auto peer = co_await net.tcp_peer();
      auto [error, made] = co_await async_accept(std::move(peer), net.accepting, as_result);
      accepted = error;
    };
    run_tasks(context, client(), server());
    return outcome;
  }

  /// What a connect ends with when the server answers `text` to whatever comes.
  error_code connect_error_against(std::string text) {
    error_code outcome;
    const auto client = [&]() -> task {
      auto [error, socket] = co_await async_connect(context.get_executor(), net.address(), net.connecting, as_result);
      outcome = error;
    };
    const auto server = [&]() -> task {
      auto peer = co_await net.tcp_peer();
      std::string request;
      co_await boost::asio::async_read_until(peer, boost::asio::dynamic_buffer(request), "\r\n\r\n", as_result);
      co_await boost::asio::async_write(peer, boost::asio::buffer(text), as_result);
    };
    run_tasks(context, client(), server());
    return outcome;
  }

  /// What the server answers to `text`, to the end of the connection.
  std::string answer_to(std::string text) {
    std::string answer;
    const auto client = [&]() -> task {
      auto socket = co_await net.tcp_client();
      co_await boost::asio::async_write(socket, boost::asio::buffer(text), as_result);
      co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer), as_result);
    };
    const auto server = [&]() -> task {
      auto peer = co_await net.tcp_peer();
      auto [error, made] = co_await async_accept(std::move(peer), net.accepting, as_result);
      accepted = error;
    };
    run_tasks(context, client(), server());
    return answer;
  }

  boost::asio::io_context context;
  loopback net{context};
  std::optional<url> address;
  error_code accepted;
};

TEST_F(opening_handshake, the_target_of_the_request_is_reported) {
  address = net.address();
  address->target = "/any/path?room=7";
  std::string target;
  const auto client = [&]() -> task {
    auto socket = co_await async_connect(context.get_executor(), *address, net.connecting);
  };
  const auto server = [&]() -> task {
    const auto made = co_await async_accept(co_await net.tcp_peer(), net.accepting);
    target = made.target;
  };
  run_tasks(context, client(), server());
  EXPECT_EQ(target, "/any/path?room=7");
}

TEST_F(opening_handshake, a_foreign_or_missing_origin_is_403) {
  net.connecting.origin = "https://evil.example";
  EXPECT_EQ(refused_status(connect_error()), 403u);
  EXPECT_EQ(accepted, ws_errc::upgrade_declined);
  net.connecting.origin.reset();
  EXPECT_EQ(refused_status(connect_error()), 403u);
}

TEST_F(opening_handshake, another_path_is_404_and_the_query_does_not_count) {
  net.accepting.path = "/ws";
  address = net.address();
  address->target = "/ws?x";
  EXPECT_FALSE(connect_error());
  for (const auto* target : {"/", "/ws/", "/ws2", "/WS"}) {
    address->target = target;
    EXPECT_EQ(refused_status(connect_error()), 404u) << target;
    EXPECT_EQ(accepted, ws_errc::upgrade_declined);
  }
}

TEST_F(opening_handshake, a_busy_server_answers_503) {
  net.accepting.busy = true;
  EXPECT_EQ(refused_status(connect_error()), 503u);
  EXPECT_EQ(accepted, ws_errc::upgrade_declined);
}

TEST_F(opening_handshake, refusals_reach_the_wire_whole) {
  EXPECT_EQ(answer_to("GET /ws HTTP/1.1\r\nHost: h\r\n\r\n"), refusal_text(refusal::bad_request, false));
  EXPECT_TRUE(answer_to("POST /ws HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 9\r\n\r\n"
                        "some body")
                  .starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(answer_to("this is not HTTP\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(accepted, ws_errc::request_invalid);
  // Where such a body ends cannot be told.
  for (const std::string coding : {"foo", "chunked, foo", "xchunked"}) {
    for (const std::string length : {"", "Content-Length: 0\r\n"}) {
      EXPECT_TRUE(answer_to("GET /ws HTTP/1.1\r\nHost: h\r\n" + length + "Transfer-Encoding: " + coding + "\r\n\r\n")
                      .starts_with("HTTP/1.1 400 "));
      EXPECT_EQ(accepted, ws_errc::request_invalid) << coding;
    }
  }
  EXPECT_TRUE(
      answer_to("GET / HTTP/1.1\r\nA: " + std::string(max_request_head_bytes, 'x')).starts_with("HTTP/1.1 431 "));
  EXPECT_EQ(accepted, ws_errc::request_too_large);
}

TEST_F(opening_handshake, an_offered_extension_or_subprotocol_is_not_selected) {
  std::string offer{raw_upgrade.substr(0, raw_upgrade.size() - 2)};
  offer += "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
  const auto answer = answer_to(offer);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 "));
  EXPECT_EQ(answer.find("Sec-WebSocket-Extensions"), std::string::npos);
  EXPECT_EQ(answer.find("Sec-WebSocket-Protocol"), std::string::npos);
}

TEST_F(opening_handshake, a_client_that_leaves_inside_its_request_is_an_abrupt_end) {
  const auto client = [&]() -> task {
    auto socket = co_await net.tcp_client();
    co_await boost::asio::async_write(socket, boost::asio::buffer("GET /ws HTT", 11), as_result);
  };
  const auto server = [&]() -> task {
    auto peer = co_await net.tcp_peer();
    auto [error, made] = co_await async_accept(std::move(peer), net.accepting, as_result);
    accepted = error;
  };
  run_tasks(context, client(), server());
  EXPECT_EQ(accepted, ws_errc::abrupt_end);
}

TEST_F(opening_handshake, servers_that_do_not_upgrade_properly_are_refused) {
  EXPECT_EQ(refused_status(connect_error_against("HTTP/1.1 429 Slow Down\r\nContent-Length: 0\r\n\r\n")), 429u);
  EXPECT_EQ(refused_status(connect_error_against("HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/\r\n\r\n")), 302u);
  EXPECT_EQ(connect_error_against("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"),
            ws_errc::upgrade_invalid);
  EXPECT_EQ(connect_error_against("SSH-2.0-OpenSSH\r\n\r\n"), ws_errc::upgrade_invalid);
  EXPECT_EQ(connect_error_against("HTTP/1.1 101 S\r\nA: " + std::string(max_request_head_bytes, 'x')),
            ws_errc::upgrade_invalid);
  EXPECT_EQ(connect_error_against("HTTP/1.1 101 Switching"), ws_errc::abrupt_end);
}

TEST_F(opening_handshake, a_server_that_selects_an_extension_is_refused) {
  error_code outcome;
  const auto client = [&]() -> task {
    auto [error, socket] = co_await async_connect(context.get_executor(), net.address(), net.connecting, as_result);
    outcome = error;
  };
  const auto server = [&]() -> task {
    auto peer = co_await net.tcp_peer();
    std::string text;
    co_await boost::asio::async_read_until(peer, boost::asio::dynamic_buffer(text), "\r\n\r\n", as_result);
    request_head_parser parser;
    byte_view bytes = as_bytes(text);
    (void)parser.consume(bytes);
    auto answer = accept_text(parser.head());
    answer.insert(answer.size() - 2, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    co_await boost::asio::async_write(peer, boost::asio::buffer(answer), as_result);
  };
  run_tasks(context, client(), server());
  EXPECT_EQ(outcome, ws_errc::extension_selected);
}

TEST_F(opening_handshake, a_forged_header_is_refused_before_any_connection) {
  net.connecting.headers = {{"X", "a\r\nHost: b"}};
  error_code outcome;
  const auto client = [&]() -> task {
    auto [error, socket] = co_await async_connect(context.get_executor(), net.address(), net.connecting, as_result);
    outcome = error;
  };
  run_tasks(context, client());
  EXPECT_EQ(outcome, ws_errc::header_invalid);
}

TEST_F(opening_handshake, nobody_listening_is_the_error_of_the_system) {
  boost::asio::io_context other;
  auto gone = std::make_unique<loopback>(other);
  address = gone->address();
  gone.reset();
  error_code outcome;
  const auto client = [&]() -> task {
    auto [error, socket] = co_await async_connect(context.get_executor(), *address, net.connecting, as_result);
    outcome = error;
  };
  run_tasks(context, client());
  EXPECT_EQ(outcome, boost::asio::error::connection_refused);
}

TEST_F(opening_handshake, cancelling_a_connect_to_a_silent_server_ends_it_at_once) {
  boost::asio::cancellation_signal stop;
  error_code outcome;
  const auto client = [&]() -> task {
    auto [error, socket] = co_await async_connect(context.get_executor(), net.address(), net.connecting,
                                                  boost::asio::bind_cancellation_slot(stop.slot(), as_result));
    outcome = error;
  };
  const auto server = [&]() -> task {
    auto peer = co_await net.tcp_peer();
    std::string request;
    co_await boost::asio::async_read_until(peer, boost::asio::dynamic_buffer(request), "\r\n\r\n", as_result);
    stop.emit(boost::asio::cancellation_type::total);
    char more = 0;
    const auto [error, bytes] = co_await boost::asio::async_read(peer, boost::asio::buffer(&more, 1), as_result);
    EXPECT_EQ(error, boost::asio::error::eof);
  };
  run_tasks(context, client(), server());
  EXPECT_EQ(outcome, boost::asio::error::operation_aborted);
}

TEST_F(opening_handshake, cancelling_an_accept_closes_the_connection) {
  boost::asio::cancellation_signal stop;
  const auto client = [&]() -> task {
    auto socket = co_await net.tcp_client();
    co_await boost::asio::async_write(socket, boost::asio::buffer("GET /ws HTT", 11), as_result);
    stop.emit(boost::asio::cancellation_type::terminal);
    char more = 0;
    const auto [error, bytes] = co_await boost::asio::async_read(socket, boost::asio::buffer(&more, 1), as_result);
    EXPECT_TRUE(error);
  };
  const auto server = [&]() -> task {
    auto peer = co_await net.tcp_peer();
    auto [error, made] = co_await async_accept(std::move(peer), net.accepting,
                                               boost::asio::bind_cancellation_slot(stop.slot(), as_result));
    accepted = error;
  };
  run_tasks(context, server(), client());
  EXPECT_EQ(accepted, boost::asio::error::operation_aborted);
}

TEST_F(opening_handshake, tls_is_verified_by_name_and_by_address) {
  net.use_tls();
  EXPECT_FALSE(connect_error());
  address = net.address();
  address->host = "localhost";
  address->host_is_ip = false;
  EXPECT_FALSE(connect_error());
}

TEST_F(opening_handshake, a_certificate_for_another_host_is_refused) {
  net.use_tls();
  const auto files = net.authority->issue("DNS:other.example,DNS:*.example,IP:127.0.0.2");
  net.accepting.tls = tls_context::server(files.chain, files.key).value();
  EXPECT_EQ(connect_error(), ws_errc::certificate_host_mismatch);
  EXPECT_EQ(accepted, ws_errc::tls_failed);
  address = net.address();
  address->host = "localhost";
  address->host_is_ip = false;
  EXPECT_EQ(connect_error(), ws_errc::certificate_host_mismatch);
}

TEST_F(opening_handshake, a_certificate_of_an_unknown_authority_is_refused) {
  net.use_tls();
  const flowersec::testing::test_authority other;
  net.connecting.tls = tls_context::client(other.ca_pem()).value();
  EXPECT_EQ(connect_error(), ws_errc::certificate_untrusted);
  net.connecting.tls.reset();  // the system's certificates know it as little
  EXPECT_EQ(connect_error(), ws_errc::certificate_untrusted);
}

TEST_F(opening_handshake, tls_against_plain_and_plain_against_tls_fail_cleanly) {
  net.use_tls();
  address = net.address();
  address->secure = false;
  EXPECT_TRUE(connect_error());
  EXPECT_EQ(accepted, ws_errc::tls_failed);
  address->secure = true;
  net.accepting.tls.reset();
  EXPECT_TRUE(connect_error());
}

TEST(tls_contexts, files_that_cannot_be_used_are_refused) {
  flowersec::testing::test_authority authority;
  const auto one = authority.issue("DNS:a");
  const auto two = authority.issue("DNS:b");
  EXPECT_TRUE(tls_context::server(one.chain, one.key));
  EXPECT_EQ(tls_context::server(one.chain, two.key).error(), ws_errc::tls_config_invalid);
  EXPECT_EQ(tls_context::server(one.key, one.chain).error(), ws_errc::tls_config_invalid);
  EXPECT_EQ(tls_context::server("/nonexistent", one.key).error(), ws_errc::tls_config_invalid);
  EXPECT_EQ(tls_context::client("not a certificate").error(), ws_errc::tls_config_invalid);
  EXPECT_EQ(tls_context::client("").error(), ws_errc::tls_config_invalid);
  EXPECT_EQ(tls_context::client_from_file("/nonexistent").error(), ws_errc::tls_config_invalid);
  EXPECT_TRUE(tls_context::client_from_file(one.chain));
}

TEST(tls_contexts, a_key_that_needs_a_password_is_refused_and_nobody_is_asked) {
  using flowersec::testing::encrypted_form;
  const flowersec::testing::terminal_watch terminal;
  flowersec::testing::test_authority authority;
  const auto files = authority.issue("DNS:a");
  const auto encrypted = files.key + ".encrypted";
  for (const auto form : {encrypted_form::pkcs8, encrypted_form::traditional}) {
    encrypt_key(files.key, encrypted, form);
    EXPECT_EQ(tls_context::server(files.chain, encrypted).error(), ws_errc::private_key_encrypted);
  }
  EXPECT_EQ(tls_context::client(flowersec::testing::encrypted_certificate).error(), ws_errc::tls_config_invalid);
  EXPECT_FALSE(terminal.was_asked());
}

}  // namespace
}  // namespace flowersec::ws
