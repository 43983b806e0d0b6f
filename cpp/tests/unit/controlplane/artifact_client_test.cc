// The client's side of the artifact endpoints, and both sides over the real server: limits, slow bodies, redirects.
#include "flowersec/controlplane/artifact_client.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_future.hpp>

#include "unit/controlplane/artifact_samples.h"
#include "unit/http/server_fixture.h"

namespace flowersec::controlplane {
namespace {

using namespace testing;  // NOLINT
using http::testing::run_tasks;
using http::testing::task;
using std::chrono::milliseconds;

class artifact_client : public http::testing::http_server {
 protected:
  artifact_client() {
    handler = [this](const http::request& asked, const http::responder& answer) {
      seen.push_back(asked);
      answer(reply);
    };
    calling.allow_loopback_http = true;
  }

  void start() {
    http_server::start();
    calling.base_url = "http://127.0.0.1:" + std::to_string(running->local_endpoint().port());
  }

  artifact_outcome call(artifact_request request = {.endpoint_id = "e1"}) {
    artifact_outcome outcome = artifact_failure{};
    const auto client = [&]() -> task {
      outcome = co_await async_request_artifact(context.get_executor(), calling, std::move(request));
    };
    run_tasks(context, client());
    return watched(std::move(outcome));
  }
  artifact_outcome call_entry(const std::string& ticket) {
    artifact_outcome outcome = artifact_failure{};
    const auto client = [&]() -> task {
      messages::sensitive_text bearer{secret_text(ticket)};
      outcome = co_await async_request_entry_artifact(context.get_executor(), calling, for_e1, std::move(bearer));
    };
    run_tasks(context, client());
    return watched(std::move(outcome));
  }
  /// A failure is printed: no part of it may be a secret.
  static artifact_outcome watched(artifact_outcome outcome) {
    if (outcome) return outcome;
    const auto& failed = outcome.error();
    for (const auto& text : {failed.cause.message(), failed.code, failed.message, failed.response_body}) {
      testing_support::expect_no_secret("a failure", text);
    }
    return outcome;
  }

  /// What the server answers unless a test replaces the handler.
  http::response reply = http::json_response(200, std::string{encode_artifact_envelope(sample_artifact())->view()});
  std::vector<http::request> seen;
  artifact_client_options calling;
  const artifact_request for_e1{.endpoint_id = "e1"};
};

TEST_F(artifact_client, asks_with_post_and_json_and_brings_the_artifact) {
  start();
  calling.headers = {{"X-App", "one"}};
  const auto outcome = call({.endpoint_id = " e1 ", .payload = R"({"a":1})", .trace_id = "trace-0001"});
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(encode(std::get<0>(outcome->body)), encode(sample_grant()));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].method, "POST");
  EXPECT_EQ(seen[0].target, "/v1/connect/artifact");
  EXPECT_EQ(seen[0].body, R"({"endpoint_id":"e1","payload":{"a":1},"correlation":{"trace_id":"trace-0001"}})");
  EXPECT_EQ(http::find_header(seen[0].headers, "Content-Type"), "application/json");
  EXPECT_EQ(http::find_header(seen[0].headers, "X-App"), "one");
  EXPECT_FALSE(http::find_header(seen[0].headers, "Authorization"));
}

TEST_F(artifact_client, an_entry_call_shows_its_ticket_instead_of_the_callers_authorization) {
  start();
  calling.headers = {{"authorization", "Basic x"}, {"Content-Type", "application/json; charset=utf-8"}};
  ASSERT_TRUE(call_entry(" ticket-1-that-nobody-may-see\n").has_value());
  EXPECT_EQ(seen[0].target, "/v1/connect/artifact/entry");
  EXPECT_EQ(http::find_header(seen[0].headers, "Authorization"), "Bearer ticket-1-that-nobody-may-see");
  EXPECT_EQ(http::find_header(seen[0].headers, "Content-Type"), "application/json; charset=utf-8");
  ASSERT_TRUE(call().has_value());
  EXPECT_EQ(http::find_header(seen[1].headers, "Authorization"), "Basic x");
}

TEST_F(artifact_client, slashes_and_white_space_around_the_base_do_not_count) {
  start();
  calling.base_url = "  " + calling.base_url + "/api// ";
  ASSERT_TRUE(call().has_value());
  EXPECT_EQ(seen[0].target, "/api/v1/connect/artifact");
  calling.path = "/mine?x=1";
  ASSERT_TRUE(call().has_value());
  EXPECT_EQ(seen[1].target, "/api/mine?x=1");
}

TEST_F(artifact_client, nothing_is_sent_where_credentials_may_not_go) {
  start();
  const auto port = ":" + std::to_string(running->local_endpoint().port());
  for (const auto& url :
       {std::string{}, std::string{"/api"}, "http://127.1" + port, "http://127.0.00.1" + port,
        "http://2130706433" + port, "http://0x7f.0.0.1" + port, "http://[::ffff:127.0.0.1]" + port,
        "http://[0:0:0:0:0:0:0:1]" + port, "http://[::1%25lo]" + port, "http://%3127.0.0.1" + port,
        "http://localhost." + port, "http://localhost.example" + port, "http://128.0.0.1" + port,
        std::string{"http://example.test"}, "http://user@127.0.0.1" + port, std::string{"https://user:x@example.test"},
        "http://127.0.0.1" + port + "/#part", std::string{"ftp://127.0.0.1"}, std::string{"https://"}}) {
    calling.base_url = url;
    const auto outcome = call();
    ASSERT_FALSE(outcome.has_value()) << url;
    EXPECT_EQ(outcome.error().cause, artifact_errc::transport_policy_denied) << url;
    EXPECT_EQ(outcome.error().code, "transport_policy_denied") << url;
    EXPECT_EQ(outcome.error().status, 0U) << url;
  }
  EXPECT_TRUE(seen.empty());
}

TEST_F(artifact_client, a_path_cannot_become_part_of_the_host_or_the_port) {
  start();
  const auto port = std::to_string(running->local_endpoint().port());
  const std::pair<std::string, std::string> wrong[] = {{"http://127.0.0.", "1:" + port + "/x"},
                                                       {"http://127.0.0.1", ":" + port + "/x"},
                                                       {"http://127.0.0.1:" + port.substr(0, 1), port.substr(1) + "/x"},
                                                       {"http:", "//127.0.0.1:" + port + "/x"},
                                                       {"https://good.example", ".evil.example/"},
                                                       {"https://good.example", "@evil.example/"}};
  for (const auto& [base, path] : wrong) {
    calling.base_url = base;
    calling.path = path;
    EXPECT_EQ(call().error().cause, artifact_errc::transport_policy_denied) << base << path;
  }
  EXPECT_TRUE(seen.empty());
  calling.base_url = "";
  calling.path = "http://127.0.0.1:" + port + "/x";
  EXPECT_TRUE(call().has_value()) << "the whole URL";
}

TEST_F(artifact_client, plain_http_needs_leave_and_a_loopback_literal) {
  start();
  calling.allow_loopback_http = false;
  EXPECT_EQ(call().error().cause, artifact_errc::transport_policy_denied);
  calling.allow_loopback_http = true;
  EXPECT_TRUE(call().has_value());
  calling.base_url = "http://LOCALHOST:" + std::to_string(running->local_endpoint().port());
  EXPECT_TRUE(call().has_value());
}

TEST_F(artifact_client, requests_that_no_server_takes_are_not_sent) {
  start();
  EXPECT_EQ(call({}).error().cause, artifact_errc::bad_request);
  EXPECT_EQ(call({.endpoint_id = " "}).error().cause, artifact_errc::bad_request);
  EXPECT_EQ(call({.endpoint_id = "e", .payload = "5"}).error().cause, artifact_errc::bad_request);
  EXPECT_EQ(call_entry(" \t").error().cause, artifact_errc::bad_request);
  calling.fetching.timeout = milliseconds{0};
  EXPECT_EQ(call().error().cause, artifact_errc::bad_request);
  EXPECT_TRUE(seen.empty());
}

TEST_F(artifact_client, a_refusal_keeps_status_code_message_and_body) {
  start();
  const auto told = [&](unsigned status, const std::string& body) {
    reply = http::json_response(status, body);
    return call().error();
  };
  auto failure = told(503, encode_error_envelope(" busy ", "try later"));
  EXPECT_EQ(failure.cause, artifact_errc::refused);
  EXPECT_EQ(failure.status, 503U);
  EXPECT_EQ(failure.code, "busy");
  EXPECT_EQ(failure.message, "try later");
  EXPECT_EQ(failure.response_body, encode_error_envelope(" busy ", "try later"));
  failure = told(502, "upstream is gone");
  EXPECT_EQ(failure.code, "");
  EXPECT_EQ(failure.message, "upstream is gone");
  EXPECT_EQ(told(500, "").message, "controlplane request failed: 500");
  EXPECT_EQ(told(500, " \n").message, "controlplane request failed: 500");
  EXPECT_EQ(told(400, R"({"error":{"code":"c","message":" "}})").message, R"({"error":{"code":"c","message":" "}})");
  EXPECT_EQ(told(400, R"({"error":{"code":"c"}})").code, "c");
}

TEST_F(artifact_client, a_good_status_without_a_good_artifact_is_a_failure_that_repeats_no_secret) {
  start();
  const auto told = [&](std::string body) {
    reply = http::json_response(200, std::move(body));
    return call().error();
  };
  EXPECT_EQ(told("{}").message, "invalid controlplane response: missing connect_artifact");
  EXPECT_EQ(told("[]").message, "invalid controlplane response: bad ArtifactEnvelope");
  EXPECT_EQ(told("").cause, artifact_errc::bad_response);
  EXPECT_EQ(told(R"({"connect_artifact":{"v":2}})").message, "invalid controlplane response: bad ConnectArtifact.v");
  std::string text{encode_artifact_envelope(sample_artifact())->view()};
  text.replace(text.find("\"v\":1"), 5, "\"v\":2");
  const auto failure = told(text);
  EXPECT_EQ(failure.status, 200U);
  EXPECT_EQ(failure.response_body, "");
  EXPECT_EQ(failure.message.find("canary"), std::string::npos);
}

TEST_F(artifact_client, a_redirect_is_a_refusal) {
  start();
  for (const unsigned status : {301U, 302U, 303U, 307U, 308U}) {
    reply = {.status = status, .headers = {{"Location", "/elsewhere"}}, .body = {}};
    const auto failure = call().error();
    EXPECT_EQ(failure.cause, artifact_errc::refused) << status;
    EXPECT_EQ(failure.status, status);
  }
  EXPECT_EQ(seen.size(), 5U) << "none was followed";
}

TEST_F(artifact_client, redirects_that_are_followed_stay_on_the_same_origin) {
  std::string location = "/moved";
  handler = [&](const http::request& asked, const http::responder& answer) {
    seen.push_back(asked);
    if (asked.target == "/moved") return answer(reply);
    answer({.status = 307, .headers = {{"Location", location}}, .body = {}});
  };
  start();
  calling.fetching.follow_redirects = true;
  EXPECT_TRUE(call().has_value());
  EXPECT_EQ(seen.back().body, R"({"endpoint_id":"e1"})");
  location = "http://localhost:" + std::to_string(running->local_endpoint().port()) + "/moved";
  seen.clear();
  EXPECT_EQ(call().error().cause, http::http_errc::redirect_cross_origin);
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(artifact_client, the_limit_of_a_response_is_exact_and_keeps_the_status) {
  start();
  calling.fetching.max_body_bytes = reply.body.size();
  EXPECT_TRUE(call().has_value());
  reply.body += ' ';
  auto failure = call().error();
  EXPECT_EQ(failure.cause, http::http_errc::body_too_large);
  EXPECT_EQ(failure.status, 200U);
  reply.status = 507;
  EXPECT_EQ(call().error().status, 507U);
}

TEST_F(artifact_client, a_controlplane_that_does_not_answer_is_given_up_in_time) {
  http::responder held;
  handler = [&](const http::request&, const http::responder& answer) { held = answer; };
  start();
  calling.fetching.timeout = milliseconds{30};
  const auto failure = call().error();
  EXPECT_EQ(failure.cause, http::http_errc::timeout);
  EXPECT_EQ(failure.status, 0U);
  held = nullptr;
}

TEST_F(artifact_client, nobody_there_is_the_systems_error) {
  start();
  running.reset();
  EXPECT_EQ(call().error().cause, boost::asio::error::connection_refused);
}

TEST_F(artifact_client, cancelling_completes_at_once) {
  boost::asio::cancellation_signal stop;
  http::responder held;
  handler = [&](const http::request&, const http::responder& answer) {
    held = answer;
    stop.emit(boost::asio::cancellation_type::total);
  };
  start();
  const auto client = [&]() -> task {
    const auto outcome =
        co_await async_request_artifact(context.get_executor(), calling, for_e1,
                                        boost::asio::bind_cancellation_slot(stop.slot(), boost::asio::use_awaitable));
    EXPECT_EQ(outcome.error().cause, boost::asio::error::operation_aborted);
  };
  run_tasks(context, client());
  held = nullptr;
}

TEST_F(artifact_client, callbacks_and_futures_work_like_coroutines) {
  start();
  bool called = false;
  async_request_artifact(context.get_executor(), calling, for_e1, [&](const artifact_outcome& outcome) {
    called = true;
    EXPECT_TRUE(outcome.has_value());
    running->abort();
  });
  EXPECT_FALSE(called) << "never from inside the call";
  context.run_for(std::chrono::seconds{20});
  EXPECT_TRUE(called);
  context.restart();
  calling.base_url = "nowhere";
  auto future = async_request_artifact(context.get_executor(), calling, for_e1, boost::asio::use_future);
  context.run_for(std::chrono::seconds{20});
  EXPECT_THROW((void)future.get().value(), boost::system::system_error);
}

/// Both endpoints behind the real server, mounted as the documents show.
class artifact_service : public artifact_client {
 protected:
  artifact_service() {
    options.limits.max_body_bytes = default_max_request_body_bytes;
    options.refusal = [this](unsigned status, const http::request& head) {
      return endpoint_for(head).refuse_unread(status, head);
    };
    handler = [this](http::request asked, const http::responder& answer) {
      endpoint_for(asked)(std::move(asked), answer);
    };
  }
  [[nodiscard]] const artifact_endpoint& endpoint_for(const http::request& asked) const {
    return asked.path() == default_entry_artifact_path ? entry : normal;
  }

  const artifact_endpoint normal{
      {.validate = require_bearer_key(messages::sensitive_text{"key-1"}), .issue = issue_sample}};
  const artifact_endpoint entry{
      {.is_entry = true, .issue = [](const artifact_question& question, const issue_reply& answer) {
         if (question.ticket.view() == "ticket-1-that-nobody-may-see") return answer(sample_artifact());
         answer(hook_failure{http_refusal{403, "bad_ticket", "the ticket is not known"}});
       }}};
};

TEST_F(artifact_service, both_endpoints_serve_the_client) {
  start();
  EXPECT_EQ(call().error().code, "unauthorized");
  calling.headers = {{"Authorization", "Bearer key-1"}};
  EXPECT_TRUE(call().has_value());
  EXPECT_TRUE(call_entry("ticket-1-that-nobody-may-see").has_value());
  const auto failure = call_entry("ticket-2-that-nobody-may-see").error();
  EXPECT_EQ(failure.status, 403U);
  EXPECT_EQ(failure.code, "bad_ticket");
}

TEST_F(artifact_service, a_body_too_large_is_refused_before_it_is_held) {
  start();
  const std::string head = "POST /v1/connect/artifact HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
  const auto told = encode_error_envelope("body_too_large", "request body exceeds 32768 bytes");
  for (const auto& announced : {"Content-Length: 32769\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n8001\r\n"}) {
    const auto answer = exchange(head + announced);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
    EXPECT_TRUE(answer.ends_with(told)) << answer;
  }
  const auto get = exchange("GET /v1/connect/artifact HTTP/1.1\r\nHost: h\r\nContent-Length: 32769\r\n\r\n");
  EXPECT_TRUE(get.starts_with("HTTP/1.1 405 ")) << get;
}

TEST_F(artifact_service, a_body_that_cannot_be_read_is_refused) {
  start();
  const auto answer = exchange(
      "POST /v1/connect/artifact HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\nno length\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(answer.find("\"invalid_body\""), std::string::npos) << answer;
}

TEST_F(artifact_service, a_slow_body_is_dropped_and_others_are_served_meanwhile) {
  options.limits.request_timeout = milliseconds{300};
  start();
  calling.headers = {{"Authorization", "Bearer key-1"}};
  const auto scenario = [&]() -> task {
    auto slow = co_await dial();
    const std::string begun =
        "POST /v1/connect/artifact HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: "
        "20\r\n\r\n{";
    co_await boost::asio::async_write(slow, boost::asio::buffer(begun), http::testing::as_result);
    const auto outcome = co_await async_request_artifact(context.get_executor(), calling, for_e1);
    EXPECT_TRUE(outcome.has_value());
    std::string nothing;
    const auto [ended, bytes] =
        co_await boost::asio::async_read(slow, boost::asio::dynamic_buffer(nothing), http::testing::as_result);
    EXPECT_TRUE(ended);
    EXPECT_EQ(nothing, "");
  };
  run_tasks(context, scenario());
}

}  // namespace
}  // namespace flowersec::controlplane
