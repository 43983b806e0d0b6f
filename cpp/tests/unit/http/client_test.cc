// The HTTP client against the server of this layer and against raw ones: bodies, redirects, limits, time, TLS.
#include "flowersec/http/client.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/read_until.hpp>

#include "support/allocation_counter.h"
#include "support/encrypted_key.h"
#include "support/test_certificates.h"
#include "unit/http/server_fixture.h"

namespace flowersec::http {
namespace {

using namespace testing;  // NOLINT
using std::chrono::milliseconds;

class http_client : public http_server {
 protected:
  [[nodiscard]] url at(const std::string& target) const {
    auto to = parse_url((options.tls ? "https://127.0.0.1:" : "http://127.0.0.1:") +
                        std::to_string(running->local_endpoint().port()) + target);
    return *to;
  }

  result<response> fetch(const fetch_request& what) {
    result<response> outcome = error_code{};
    const auto client = [&]() -> task {
      auto [error, answer] = co_await async_fetch(context.get_executor(), what, fetching, as_result);
      outcome = error ? result<response>{error} : result<response>{std::move(answer)};
    };
    run_tasks(context, client());
    return outcome;
  }

  /// The outcome against a server that answers `text` and ends.
  result<response> fetch_from(const std::string& text, const std::string& method = "GET") {
    tcp::acceptor acceptor{context, {boost::asio::ip::address_v4::loopback(), 0}};
    const fetch_request what{
        .to = parse_url("http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port())).value(),
        .method = method};
    result<response> outcome = error_code{};
    const auto client = [&]() -> task {
      auto [error, answer] = co_await async_fetch(context.get_executor(), what, fetching, as_result);
      outcome = error ? result<response>{error} : result<response>{std::move(answer)};
    };
    const auto raw = [&]() -> task {
      auto peer = co_await acceptor.async_accept(boost::asio::use_awaitable);
      std::string asked;
      co_await boost::asio::async_read_until(peer, boost::asio::dynamic_buffer(asked), "\r\n\r\n", as_result);
      co_await boost::asio::async_write(peer, boost::asio::buffer(text), as_result);
    };
    run_tasks(context, client(), raw());
    return outcome;
  }

  fetch_options fetching;
};

TEST_F(http_client, a_json_post_carries_its_headers_and_body) {
  std::vector<header> seen;
  handler = [&](const request& asked, const responder& answer) {
    seen = asked.headers;
    answer(json_response(201, asked.method + ' ' + asked.body));
  };
  start();
  const auto answer = fetch(json_post(at("/policy"), R"({"a":1})", {{"X-Key", "one"}, {"X-Key", "two"}}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201u);
  EXPECT_EQ(answer->body, R"(POST {"a":1})");
  EXPECT_EQ(find_header(answer->headers, "content-type"), "application/json");
  EXPECT_EQ(find_header(seen, "Content-Type"), "application/json");
  EXPECT_EQ(find_header(seen, "Accept"), "application/json");
  EXPECT_EQ(find_header(seen, "Content-Length"), "7");
  EXPECT_EQ(std::ranges::count(seen, header{"X-Key", "one"}) + std::ranges::count(seen, header{"X-Key", "two"}), 2);
}

TEST_F(http_client, an_error_status_is_a_response) {
  handler = [](const request&, const responder& answer) { answer(error_response(503, "busy")); };
  start();
  EXPECT_EQ(fetch({.to = at("/")}).value().status, 503u);
}

TEST_F(http_client, redirects_on_the_same_origin_are_followed_and_change_the_method_as_the_rfc_says) {
  handler = [](const request& asked, const responder& answer) {
    if (asked.path() == "/end") return answer(text_response(200, asked.method + ' ' + asked.body));
    answer({.status = static_cast<unsigned>(std::stoul(std::string{asked.path().substr(1)})),
            .headers = {{"Location", "/end"}}});
  };
  start();
  for (const auto* status : {"301", "302", "303"}) {
    EXPECT_EQ(fetch(json_post(at(std::string{"/"} + status), "{}")).value().body, "GET ") << status;
  }
  for (const auto* status : {"307", "308"}) {
    EXPECT_EQ(fetch(json_post(at(std::string{"/"} + status), "{}")).value().body, "POST {}") << status;
  }
}

TEST_F(http_client, a_redirect_that_is_not_to_be_followed_is_a_response) {
  int requests = 0;
  handler = [&](const request&, const responder& answer) {
    ++requests;
    answer({.status = 307, .headers = {{"Location", "/end"}}});
  };
  start();
  fetching.follow_redirects = false;
  const auto answer = fetch({.to = at("/")});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 307u);
  EXPECT_EQ(find_header(answer->headers, "Location"), "/end");
  EXPECT_EQ(requests, 1);
}

TEST_F(http_client, of_a_body_that_is_too_large_the_status_is_told) {
  fetching.max_body_bytes = 10;
  for (const std::string head : {"Content-Length: 11\r\n", "", "Transfer-Encoding: chunked\r\n"}) {
    tcp::acceptor acceptor{context, {boost::asio::ip::address_v4::loopback(), 0}};
    const auto port = std::to_string(acceptor.local_endpoint().port());
    const fetch_request what{.to = parse_url("http://127.0.0.1:" + port).value()};
    const auto body = head.starts_with('T') ? std::string{"b\r\nxxxxxxxxxxx\r\n0\r\n\r\n"} : std::string(11, 'x');
    const auto text = "HTTP/1.1 507 No\r\n" + head + "\r\n" + body;
    const auto client = [&]() -> task {
      auto [error, answer] = co_await async_fetch(context.get_executor(), what, fetching, as_result);
      EXPECT_EQ(error, http_errc::body_too_large) << head;
      EXPECT_EQ(answer.status, 507U) << head;
      EXPECT_EQ(answer.body, "") << head;
    };
    const auto raw = [&]() -> task {
      auto peer = co_await acceptor.async_accept(boost::asio::use_awaitable);
      std::string asked;
      co_await boost::asio::async_read_until(peer, boost::asio::dynamic_buffer(asked), "\r\n\r\n", as_result);
      co_await boost::asio::async_write(peer, boost::asio::buffer(text), as_result);
    };
    run_tasks(context, client(), raw());
  }
}

TEST_F(http_client, the_number_of_redirects_is_bounded_exactly) {
  unsigned left = 10;
  handler = [&](const request&, const responder& answer) {
    if (left-- == 0) return answer(text_response(200, "arrived"));
    answer({.status = 307, .headers = {{"Location", "/again"}}});
  };
  start();
  EXPECT_EQ(fetch({.to = at("/")}).value().body, "arrived");
  left = 11;
  EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::too_many_redirects);
}

TEST_F(http_client, a_redirect_to_another_origin_is_refused_before_anything_is_sent_there) {
  int requests = 0;
  std::string location;
  handler = [&](const request&, const responder& answer) {
    ++requests;
    answer({.status = 307, .headers = {{"Location", location}}});
  };
  start();
  const auto port = std::to_string(running->local_endpoint().port());
  for (const auto& elsewhere : {"http://localhost:" + port + "/", "https://127.0.0.1:" + port + "/",
                                std::string{"http://127.0.0.1:1/"}, "//127.0.0.2:" + port + "/"}) {
    location = elsewhere;
    requests = 0;
    EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::redirect_cross_origin) << elsewhere;
    EXPECT_EQ(requests, 1);
  }
  location = "ftp://127.0.0.1/";
  EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::redirect_invalid);
}

TEST_F(http_client, the_body_limit_is_exact) {
  fetching.max_body_bytes = 1000;
  std::size_t size = 1000;
  handler = [&](const request&, const responder& answer) { answer(text_response(200, std::string(size, 'x'))); };
  start();
  EXPECT_EQ(fetch({.to = at("/")}).value().body.size(), 1000u);
  size = 1001;
  EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::body_too_large);
  EXPECT_EQ(fetch_from("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x')).error(), http_errc::body_too_large);
}

TEST_F(http_client, an_announced_body_holds_no_memory) {
  if (!flowersec::testing::allocation_counter::counts()) GTEST_SKIP() << "ThreadSanitizer allocates by itself";
  fetching.max_body_bytes = std::size_t{64} << 20;
  const flowersec::testing::allocation_counter taken;
  EXPECT_EQ(fetch_from("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n12").error(), http_errc::response_invalid);
  EXPECT_LE(taken.bytes(), 1048576u);
}

TEST_F(http_client, broken_responses_are_told_from_large_ones) {
  EXPECT_EQ(fetch_from("").error(), http_errc::response_invalid);
  EXPECT_EQ(fetch_from("not HTTP\r\n\r\n").error(), http_errc::response_invalid);
  EXPECT_EQ(fetch_from("HTTP/1.1 200 OK\r\nContent-Le").error(), http_errc::response_invalid);
  EXPECT_EQ(fetch_from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n123").error(), http_errc::response_invalid);
  EXPECT_EQ(fetch_from("HTTP/1.1 200 OK\r\nA: " + std::string(40'000, 'x') + "\r\n\r\n").error(),
            http_errc::header_too_large);
}

TEST_F(http_client, bodies_without_length_and_interim_answers_are_understood) {
  EXPECT_EQ(fetch_from("HTTP/1.0 200 OK\r\n\r\nto the end").value().body, "to the end");
  EXPECT_EQ(fetch_from("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").value().body,
            "hi");
  EXPECT_EQ(fetch_from("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HEAD").value().status, 200u);
  EXPECT_EQ(fetch_from("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").value().status, 302u);  // nowhere to go
}

TEST_F(http_client, headers_that_would_forge_the_request_are_refused) {
  start();
  for (const auto& forged :
       {header{"X", "a\r\nY: b"}, header{"Host", "x"}, header{"connection", "x"}, header{"Content-Length", "1"},
        header{"Transfer-Encoding", "chunked"}, header{"", "x"}, header{"a b", "x"}}) {
    EXPECT_EQ(fetch({.to = at("/"), .headers = {forged}}).error(), http_errc::header_invalid) << forged.name;
  }
  EXPECT_EQ(fetch({.to = at("/"), .method = "GET /x HTTP/1.1\r\nA:"}).error(), http_errc::header_invalid);
}

TEST_F(http_client, a_server_that_does_not_answer_is_given_up_in_time) {
  responder held;
  handler = [&](const request&, const responder& answer) { held = answer; };
  start();
  fetching.timeout = milliseconds{30};
  EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::timeout);
  held = nullptr;
}

TEST_F(http_client, a_time_without_end_is_no_end_at_once) {
  start();
  fetching.timeout = milliseconds::max();
  EXPECT_EQ(fetch({.to = at("/")}).value().status, 200u);
}

TEST_F(http_client, cancelling_completes_at_once) {
  boost::asio::cancellation_signal stop;
  responder held;
  handler = [&](const request&, const responder& answer) {
    held = answer;
    stop.emit(boost::asio::cancellation_type::total);
  };
  start();
  const auto client = [&]() -> task {
    const fetch_request what{.to = at("/")};
    auto [error, answer] = co_await async_fetch(context.get_executor(), what, fetching,
                                                boost::asio::bind_cancellation_slot(stop.slot(), as_result));
    EXPECT_EQ(error, boost::asio::error::operation_aborted);
  };
  run_tasks(context, client());
  held = nullptr;
}

TEST_F(http_client, tls_is_verified) {
  flowersec::testing::test_authority authority;
  const auto good = authority.issue("IP:127.0.0.1");
  options.tls = load_server_tls(good.chain, good.key).value();
  start();
  fetching.ca_pem = authority.ca_pem();
  EXPECT_EQ(fetch({.to = at("/x")}).value().body, "GET /x ");

  fetching.ca_pem = flowersec::testing::test_authority{}.ca_pem();
  EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::tls_failed);
  fetching.ca_pem.reset();
  EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::tls_failed);
  fetching.ca_pem = "no certificate";
  EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::tls_config_invalid);

  const auto other = authority.issue("DNS:other.example");
  options.tls = load_server_tls(other.chain, other.key).value();
  start();
  fetching.ca_pem = authority.ca_pem();
  EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::tls_failed);
  EXPECT_EQ(load_server_tls(good.chain, other.key).error(), http_errc::tls_config_invalid);
}

TEST_F(http_client, calls_may_share_what_they_trust) {
  flowersec::testing::test_authority authority;
  const auto good = authority.issue("IP:127.0.0.1");
  options.tls = load_server_tls(good.chain, good.key).value();
  start();
  fetching.trust = load_client_tls(authority.ca_pem()).value();
  for (const auto* path : {"/1", "/2"})
    EXPECT_EQ(fetch({.to = at(path)}).value().body, std::string{"GET "} + path + " ");
  fetching.trust = load_client_tls(flowersec::testing::test_authority{}.ca_pem()).value();
  EXPECT_EQ(fetch({.to = at("/")}).error(), http_errc::tls_failed);
  EXPECT_EQ(load_client_tls("no certificate").error(), http_errc::tls_config_invalid);
}

TEST(http_server_tls, a_key_that_needs_a_password_is_refused_and_nobody_is_asked) {
  using flowersec::testing::encrypted_form;
  const flowersec::testing::terminal_watch terminal;
  flowersec::testing::test_authority authority;
  const auto files = authority.issue("IP:127.0.0.1");
  const auto encrypted = files.key + ".encrypted";
  for (const auto form : {encrypted_form::pkcs8, encrypted_form::traditional}) {
    encrypt_key(files.key, encrypted, form);
    EXPECT_EQ(load_server_tls(files.chain, encrypted).error(), http_errc::private_key_encrypted);
  }
  EXPECT_TRUE(load_server_tls(files.chain, files.key));
  EXPECT_EQ(load_client_tls(flowersec::testing::encrypted_certificate).error(), http_errc::tls_config_invalid);
  EXPECT_FALSE(terminal.was_asked());
}

TEST(fetch_options, are_checked) {
  EXPECT_TRUE(fetch_options{}.validate());
  EXPECT_FALSE((fetch_options{.timeout = milliseconds{0}}.validate()));
  EXPECT_FALSE((fetch_options{.max_header_bytes = 10}.validate()));
}

}  // namespace
}  // namespace flowersec::http
