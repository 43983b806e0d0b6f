// The server's side of the artifact endpoints, without sockets: the table that TypeScript shares, and replies.
#include "flowersec/controlplane/artifact_endpoint.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "support/case_table.h"
#include "unit/controlplane/artifact_samples.h"

namespace flowersec::controlplane {
namespace {

using namespace testing;  // NOLINT
namespace json = boost::json;

std::string text_of(const json::value& value) { return std::string{std::string_view{value.as_string()}}; }

http::response ask(const artifact_endpoint& endpoint, http::request request) {
  std::optional<http::response> given;
  int answers = 0;
  endpoint(std::move(request), [&](http::response answer) {
    ++answers;
    given = std::move(answer);
  });
  EXPECT_EQ(answers, 1);
  if (given && given->status != 200) expect_no_secret(*given);
  return given.value_or(http::response{.status = 0});
}

http::response ask(artifact_endpoint_options options, http::request request = sample_request()) {
  return ask(artifact_endpoint{std::move(options)}, std::move(request));
}

error_envelope error_of(const http::response& answer) { return decode_error_envelope(answer.body); }

/// One row of the table, with its hooks.
class table_case {
 public:
  explicit table_case(const json::object& row) : row_(row) {}

  void run() {
    http::request request{.method = text_of(row_.at("method")),
                          .target = std::string{default_artifact_path},
                          .headers = {},
                          .body = flowersec::testing::filled(text_of(row_.at("body")), row_)};
    for (const auto& each : row_.at("headers").as_array()) {
      request.headers.push_back({text_of(each.at(0)), text_of(each.at(1))});
    }
    const auto answer = ask(options(), std::move(request));
    EXPECT_EQ(answer.status, row_.at("status").to_number<unsigned>());
    EXPECT_EQ(http::find_header(answer.headers, "Content-Type"), "application/json");
    EXPECT_EQ(http::find_header(answer.headers, "Cache-Control"), "no-store, no-cache, must-revalidate, private");
    EXPECT_EQ(http::find_header(answer.headers, "Pragma"), "no-cache");
    EXPECT_EQ(http::find_header(answer.headers, "Expires"), "0");
    EXPECT_FALSE(http::find_header(answer.headers, "Allow"));
    EXPECT_TRUE(answer.body.ends_with("}\n"));
    const auto* error = row_.if_contains("error");
    if (error == nullptr) return check_artifact(answer);
    EXPECT_EQ(error_of(answer).code, text_of(error->at("code")));
    EXPECT_FALSE(error_of(answer).message.empty());
    if (const auto* message = error->as_object().if_contains("message")) {
      EXPECT_EQ(error_of(answer).message, text_of(*message));
    }
    EXPECT_FALSE(decode_artifact_envelope(answer.body).has_value());
  }

 private:
  [[nodiscard]] const json::value* hook(std::string_view name) const {
    const auto* hooks = row_.if_contains("hooks");
    return hooks == nullptr ? nullptr : hooks->as_object().if_contains(name);
  }

  static hook_failure failure(const json::value& what) {
    if (what == "throw") throw std::runtime_error("canary");
    if (what == "fail") return {};
    return {
        http_refusal{what.at("status").to_number<unsigned>(), text_of(what.at("code")), text_of(what.at("message"))}};
  }

  artifact_endpoint_options options() {
    artifact_endpoint_options options;
    options.is_entry = row_.contains("entry");
    if (const auto* limit = row_.if_contains("max_body_bytes"))
      options.max_body_bytes = limit->to_number<std::size_t>();
    if (const auto* what = hook("metadata")) {
      options.metadata = [what](const http::request&) -> hook_result<request_metadata> { return failure(*what); };
    }
    if (const auto* what = hook("validate")) {
      options.validate = [what](const artifact_question&) -> std::optional<hook_failure> { return failure(*what); };
    }
    const auto* what = hook("issue");
    if (what != nullptr && *what == "absent") return options;
    options.issue = [this, what](artifact_question question, const issue_reply& reply) {
      question_ = std::move(question);
      if (what == nullptr) return reply(sample_artifact());
      if (*what == "nothing") return;
      if (*what == "unusable") {
        auto artifact = sample_artifact();
        std::get<0>(artifact.body).role = messages::controlplane::v1::role::server;
        return reply(std::move(artifact));
      }
      reply(failure(*what));
    };
    return options;
  }

  void check_artifact(const http::response& answer) {
    const auto artifact = decode_artifact_envelope(answer.body);
    ASSERT_TRUE(artifact.has_value()) << answer.body;
    EXPECT_EQ(encode(std::get<0>(artifact->body)), encode(sample_grant()));
    ASSERT_TRUE(question_.has_value());
    const auto& asked = row_.at("asked").as_object();
    EXPECT_EQ(question_->request.endpoint_id, text_of(asked.at("endpoint_id")));
    const auto* payload = asked.if_contains("payload");
    ASSERT_EQ(question_->request.payload.has_value(), payload != nullptr);
    if (payload != nullptr) {
      EXPECT_EQ(json::parse(*question_->request.payload), *payload);
    }
    const auto* trace_id = asked.if_contains("trace_id");
    EXPECT_EQ(question_->request.trace_id,
              trace_id == nullptr ? std::nullopt : std::optional<std::string>{text_of(*trace_id)});
    const auto* ticket = asked.if_contains("ticket");
    EXPECT_EQ(question_->ticket.view(), ticket == nullptr ? std::string{} : text_of(*ticket));
    EXPECT_EQ(question_->is_entry, row_.contains("entry"));
    if (const auto* metadata = asked.if_contains("metadata")) check_metadata(*metadata);
  }

  void check_metadata(const json::value& expected) const {
    EXPECT_EQ(question_->metadata.request_id, text_of(expected.at("request_id")));
    EXPECT_EQ(question_->metadata.host, text_of(expected.at("host")));
    EXPECT_EQ(question_->metadata.origin, text_of(expected.at("origin")));
    EXPECT_EQ(question_->metadata.user_agent, text_of(expected.at("user_agent")));
    EXPECT_EQ(question_->metadata.subject, "");
    EXPECT_TRUE(question_->metadata.attributes.empty());
  }

  const json::object& row_;
  std::optional<artifact_question> question_;
};

TEST(artifact_endpoint, every_case_of_the_shared_table) {
  const auto cases = flowersec::testing::read_cases("controlplane_http_cases.json");
  EXPECT_GE(cases.as_array().size(), 120U);
  for (const auto& entry : cases.as_array()) {
    SCOPED_TRACE(std::string_view{entry.at("name").as_string()});
    table_case{entry.as_object()}.run();
  }
}

TEST(artifact_endpoint, a_reply_may_come_later_from_another_thread_and_counts_once) {
  issue_reply held;
  const artifact_endpoint endpoint{{.issue = [&](const artifact_question&, issue_reply reply) { held = reply; }}};
  int answers = 0;
  unsigned status = 0;
  endpoint(sample_request(), [&](const http::response& answer) {
    ++answers;
    status = answer.status;
  });
  EXPECT_EQ(answers, 0);
  std::thread{[&] { held(sample_artifact()); }}.join();
  held(hook_failure{});
  held = nullptr;
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(status, 200U);
}

TEST(artifact_endpoint, a_reply_that_is_dropped_later_is_answered_too) {
  issue_reply held;
  const artifact_endpoint endpoint{{.issue = [&](const artifact_question&, issue_reply reply) { held = reply; }}};
  std::optional<http::response> given;
  endpoint(sample_request(), [&](http::response answer) { given = std::move(answer); });
  EXPECT_FALSE(given);
  held = nullptr;
  ASSERT_TRUE(given);
  EXPECT_EQ(error_of(*given).code, "issue_failed");
}

TEST(artifact_endpoint, a_status_that_is_no_refusal_becomes_500) {
  for (const unsigned status : {1U, 100U, 200U, 302U, 399U, 600U, 99999U}) {
    const auto answer = ask({.validate =
                                 [&](const auto&) {
                                   return hook_failure{http_refusal{status, "c", "m"}};
                                 },
                             .issue = issue_sample});
    EXPECT_EQ(answer.status, 500U) << status;
    EXPECT_EQ(error_of(answer).code, "c");
  }
}

TEST(artifact_endpoint, the_statuses_at_the_edge_are_a_hooks_own) {
  for (const unsigned status : {400U, 599U}) {
    const auto answer = ask({.validate =
                                 [&](const auto&) {
                                   return hook_failure{http_refusal{status, "c", "m"}};
                                 },
                             .issue = issue_sample});
    EXPECT_EQ(answer.status, status);
  }
}

TEST(artifact_endpoint, a_hook_may_throw_whatever_it_likes) {
  const auto answer =
      ask({.validate = [](const auto&) -> std::optional<hook_failure> { throw 7; }, .issue = issue_sample});
  EXPECT_EQ(answer.status, 400U);
  EXPECT_EQ(error_of(answer).code, "invalid_request");
  const auto later = ask({.issue = [](const artifact_question&, const issue_reply&) { throw "canary"; }});
  EXPECT_EQ(error_of(later).code, "issue_failed");
}

TEST(artifact_endpoint, refusals_repeat_no_secret) {
  const auto answer = ask({.issue = [](const artifact_question&, const issue_reply& reply) {
    auto artifact = sample_artifact();
    artifact.scoped.resize(9);
    reply(std::move(artifact));
  }});
  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(answer.body.find("canary"), std::string::npos);
}

TEST(artifact_endpoint, requests_that_could_not_be_read_are_refused_in_the_same_words) {
  const artifact_endpoint endpoint{{.max_body_bytes = 77, .issue = issue_sample}};
  auto head = sample_request("");
  EXPECT_EQ(error_of(endpoint.refuse_unread(413, head)),
            (error_envelope{"body_too_large", "request body exceeds 77 bytes"}));
  EXPECT_EQ(error_of(endpoint.refuse_unread(400, head)).code, "invalid_body");
  EXPECT_EQ(endpoint.refuse_unread(400, head).status, 400U);
  head.headers.clear();
  EXPECT_EQ(endpoint.refuse_unread(413, head).status, 415U) << "what was read is judged first";
  head.method = "PUT";
  EXPECT_EQ(endpoint.refuse_unread(413, head).status, 405U);
  head.method.clear();
  EXPECT_EQ(endpoint.refuse_unread(431, head).status, 431U);
  EXPECT_EQ(error_of(endpoint.refuse_unread(431, head)).code, "headers_too_large");
  EXPECT_EQ(error_of(endpoint.refuse_unread(400, head)).code, "invalid_body");
}

TEST(bearer_key, only_the_key_itself_passes) {
  const auto status_with = [](const std::string& key, const std::string& authorization) {
    auto request = sample_request();
    request.headers.push_back({"Authorization", authorization});
    return ask({.validate = require_bearer_key(messages::sensitive_text{key}), .issue = issue_sample}, request).status;
  };
  EXPECT_EQ(status_with("key-1", "Bearer key-1"), 200U);
  for (const auto* wrong : {"", "Bearer", "Bearer key-2", "Bearer key-", "Bearer key-11", "bearer key-1", "key-1"}) {
    EXPECT_EQ(status_with("key-1", wrong), 401U) << wrong;
  }
  EXPECT_EQ(status_with("", ""), 401U) << "an empty key opens nothing";
  const auto answer = ask({.validate = require_bearer_key(messages::sensitive_text{"key-1"}), .issue = issue_sample});
  EXPECT_EQ(error_of(answer).code, "unauthorized");
  EXPECT_EQ(http::find_header(answer.headers, "WWW-Authenticate"), "Bearer");
}

TEST(artifact_codec, a_request_is_written_as_it_is_read) {
  const artifact_request request{.endpoint_id = " e1 ", .payload = R"({"a":1.0})", .trace_id = " trace-0001 "};
  EXPECT_EQ(encode_artifact_request(request),
            R"({"endpoint_id":"e1","payload":{"a":1.0},"correlation":{"trace_id":"trace-0001"}})");
  const auto read = decode_artifact_request(*encode_artifact_request(request)).value();
  EXPECT_EQ(read.endpoint_id, "e1");
  EXPECT_EQ(read.payload, request.payload);
  EXPECT_EQ(read.trace_id, "trace-0001");
  EXPECT_EQ(encode_artifact_request({.endpoint_id = "e1", .trace_id = "  "}), R"({"endpoint_id":"e1"})");
}

TEST(artifact_codec, requests_that_no_server_takes_are_not_written) {
  for (const auto& request :
       {artifact_request{}, artifact_request{.endpoint_id = " \u00a0"}, artifact_request{.endpoint_id = "\xff"},
        artifact_request{.endpoint_id = "e", .payload = "[]"}, artifact_request{.endpoint_id = "e", .payload = "{"},
        artifact_request{.endpoint_id = "e", .payload = ""},
        artifact_request{.endpoint_id = "e", .trace_id = "\xff"}}) {
    EXPECT_FALSE(encode_artifact_request(request)) << request.endpoint_id;
  }
}

TEST(artifact_codec, of_an_error_envelope_as_much_is_read_as_there_is) {
  EXPECT_EQ(decode_error_envelope(encode_error_envelope("c", "m \"<\n")), (error_envelope{"c", "m \"<\n"}));
  EXPECT_EQ(decode_error_envelope(R"({"error":{"code":" c ","message":" "}})"), (error_envelope{"c", ""}));
  EXPECT_EQ(decode_error_envelope(R"({"error":{"code":5,"message":"m","x":1},"y":2})"), (error_envelope{"", "m"}));
  for (const auto* other : {"", "no", "[]", "{}", R"({"error":"c"})", R"({"error":null})", R"({"error":[]} x)"}) {
    EXPECT_EQ(decode_error_envelope(other), error_envelope{}) << other;
  }
  EXPECT_EQ(decode_error_envelope(encode_error_envelope("\xff", "m")).message, "m");
}

TEST(artifact_codec, an_envelope_without_artifact_is_told_from_a_bad_one) {
  const auto text = encode_artifact_envelope(sample_artifact());
  EXPECT_TRUE(decode_artifact_envelope(text->view()).has_value());
  EXPECT_EQ(decode_artifact_envelope("{}").error().text(), "bad ArtifactEnvelope.connect_artifact");
  EXPECT_EQ(decode_artifact_envelope("[]").error().text(), "bad ArtifactEnvelope");
  EXPECT_EQ(decode_artifact_envelope(R"({"connect_artifact":null})").error().text(), "bad ConnectArtifact");
  EXPECT_EQ(decode_artifact_envelope(R"({"connect_artifact":{}})").error().text(), "bad ConnectArtifact.v");
  EXPECT_TRUE(decode_artifact_envelope(R"({"x":1,)" + std::string{text->view().substr(1)}).has_value());
}

}  // namespace
}  // namespace flowersec::controlplane
