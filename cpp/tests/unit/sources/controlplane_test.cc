// A connection that gets its artifacts from a control plane: one call fetches, connects and comes back.
#include "flowersec/sources/controlplane.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "flowersec/controlplane/artifact_endpoint.h"
#include "flowersec/endpoint/reconnect_manager.h"
#include "flowersec/http/server.h"
#include "unit/endpoint/direct_fixture.h"

namespace flowersec::testing {
namespace {

using namespace flowersec::endpoint;
using controlplane::artifact_failure;
using controlplane::artifact_question;
using sources::controlplane_source;

/// A control plane on loopback that answers as a test says.
class control_plane {
 public:
  explicit control_plane(asio::io_context& context)
      : server_(context.get_executor(), {}, [this](http::request asked, http::responder answer) {
          targets.push_back(asked.target);
          tickets.emplace_back(controlplane::bearer_ticket(asked.headers).view());
          if (silent) return kept_.push_back(std::move(answer));
          if (refusal) return answer(*refusal);
          endpoint_(std::move(asked), std::move(answer));
        }) {
    EXPECT_FALSE(server_.listen({asio::ip::address_v4::loopback(), 0}));
    server_.start();
  }

  /// Asks this one.
  [[nodiscard]] controlplane_source source() {
    controlplane_source asking;
    asking.client.base_url = "http://127.0.0.1:" + std::to_string(server_.local_endpoint().port());
    asking.client.allow_loopback_http = true;
    asking.endpoint_id = "laptop";
    asking.payload = R"({"a":1})";
    asking.on_failure = [this](const artifact_failure& failure) {
      testing_support::expect_no_secret("a failure", failure.code + failure.message + failure.response_body);
      heard.push_back(std::to_string(failure.status) + " " + failure.code);
    };
    return asking;
  }

  std::string direct_url;  // what artifacts lead to
  std::optional<http::response> refusal;
  bool silent = false;
  std::vector<std::string> targets;
  std::vector<std::string> tickets;
  std::vector<controlplane::artifact_request> requests;
  std::vector<std::string> heard;

 private:
  void issue(const artifact_question& question, const controlplane::issue_reply& reply) {
    requests.push_back(question.request);
    token::connect_artifact artifact{.body = info_for(direct_url)};
    artifact.correlation = {.v = 1, .trace_id = "trace-000" + std::to_string(requests.size())};
    artifact.scoped.push_back({.scope = "app", .scope_version = 1, .critical = false, .payload = "{}"});
    reply(std::move(artifact));
  }

  controlplane::artifact_endpoint endpoint_{
      {.issue = [this](const artifact_question& question, const controlplane::issue_reply& reply) {
        issue(question, reply);
      }}};
  std::vector<http::responder> kept_;
  http::server server_;
};

reconnect_options quick() { return {.enabled = true, .max_attempts = 3, .initial_delay = 1ms, .jitter_ratio = 0}; }

TEST(controlplane_source, one_call_fetches_connects_and_comes_back) {
  asio::io_context context;
  control_plane control{context};
  auto listener = listen_on(context);
  control.direct_url = listener.url();
  const auto whole = [&]() -> awaitable<void> {
    auto options = dial_options();
    options.common.context.trace_id = "caller-0001";
    auto connection = co_await async_connect(
        context.get_executor(), sources::from_controlplane(context.get_executor(), control.source()), options, quick());
    auto peer = co_await listener.async_accept();
    EXPECT_TRUE(connection.current());
    co_await peer.async_close();
    auto again = co_await listener.async_accept();
    EXPECT_TRUE(again);
    EXPECT_EQ(control.requests.size(), 2u);
    EXPECT_EQ(control.requests.at(0).endpoint_id, "laptop");
    EXPECT_EQ(control.requests.at(0).payload, R"({"a":1})");
    EXPECT_EQ(control.requests.at(0).trace_id, "caller-0001");
    EXPECT_EQ(control.requests.at(1).trace_id, "trace-0001") << "of the artifact before";
    EXPECT_EQ(control.targets.at(0), "/v1/connect/artifact");
    EXPECT_TRUE(control.heard.empty());
    co_await connection.async_disconnect();
  };
  run(context, whole());
}

TEST(controlplane_source, shows_its_ticket_at_the_entry) {
  asio::io_context context;
  control_plane control{context};
  auto listener = listen_on(context);
  control.direct_url = listener.url();
  auto asking = control.source();
  testing_support::secret_watch::instance().remember("ticket-1-that-nobody-may-see");
  asking.entry_ticket = messages::sensitive_text{"ticket-1-that-nobody-may-see"};
  const auto source = sources::from_controlplane(context.get_executor(), std::move(asking));
  const auto whole = [&]() -> awaitable<void> {
    for (int i = 0; i < 2; ++i) {
      artifact_request request;
      const auto artifact = co_await source.acquire(std::move(request));
      EXPECT_TRUE(artifact);
    }
  };
  run(context, whole());
  EXPECT_EQ(control.targets, (std::vector<std::string>(2, "/v1/connect/artifact/entry")));
  EXPECT_EQ(control.tickets, (std::vector<std::string>(2, "ticket-1-that-nobody-may-see")));
}

/// How an acquisition fails.
std::string failure_of(asio::io_context& context, controlplane_source asking) {
  const auto source = sources::from_controlplane(context.get_executor(), std::move(asking));
  EXPECT_TRUE(source.is_refreshable());
  std::string told;
  const auto whole = [&]() -> awaitable<void> {
    artifact_request request;
    const auto artifact = co_await source.acquire(std::move(request));
    EXPECT_FALSE(artifact);
    if (!artifact) told = to_string(*describe_error(artifact.error()));
  };
  run(context, whole());
  testing_support::expect_no_secret("an error", told);
  return told;
}

TEST(controlplane_source, each_refusal_has_its_place_in_the_error_model) {
  struct row {
    unsigned status;
    std::string code;
    std::string told;
  };
  for (const auto& [status, code, told] :
       {row{503, "unavailable", "auto: validate/resolve_failed"},
        row{401, "unauthorized", "auto: validate/resolve_failed"},
        row{500, "internal_error", "auto: validate/resolve_failed"}, row{302, "", "auto: validate/resolve_failed"},
        row{400, "invalid_input", "auto: validate/invalid_input"},
        row{403, "role_mismatch", "auto: validate/role_mismatch"},
        row{400, "token_replay", "auto: validate/resolve_failed"},      // not terminal
        row{400, "canceled", "auto: validate/resolve_failed"},          // not of this stage
        row{200, "invalid_input", "auto: validate/resolve_failed"}}) {  // no artifact in it
    SCOPED_TRACE(std::to_string(status) + " " + code);
    asio::io_context context;
    control_plane control{context};
    control.refusal = http::json_response(status, controlplane::encode_error_envelope(code, "no"));
    EXPECT_EQ(failure_of(context, control.source()), told);
    EXPECT_EQ(control.heard, std::vector{std::to_string(status) + " " + (status == 200 ? "" : code)});
  }
}

TEST(controlplane_source, sends_nothing_that_makes_no_sense_or_where_it_may_not_go) {
  asio::io_context context;
  control_plane control{context};
  auto nobody = control.source();
  nobody.endpoint_id = " ";
  EXPECT_EQ(failure_of(context, std::move(nobody)), "auto: validate/invalid_option");
  auto blank = control.source();
  blank.entry_ticket = messages::sensitive_text{" "};
  EXPECT_EQ(failure_of(context, std::move(blank)), "auto: validate/invalid_option");
  auto plain = control.source();
  plain.client.allow_loopback_http = false;
  EXPECT_EQ(failure_of(context, std::move(plain)), "auto: validate/transport_policy_denied");
  EXPECT_TRUE(control.targets.empty());
}

TEST(controlplane_source, a_control_plane_that_is_not_there_is_asked_again) {
  asio::io_context context;
  int asked = 0;
  controlplane_source asking;
  asking.client.base_url = "http://127.0.0.1:1";
  asking.client.allow_loopback_http = true;
  asking.endpoint_id = "laptop";
  asking.on_failure = [&](const artifact_failure&) {
    ++asked;
    throw std::runtime_error{"swallowed"};
  };
  error_code failed;
  reconnect_manager manager{context.get_executor()};
  manager.async_connect({.source = sources::from_controlplane(context.get_executor(), std::move(asking)),
                         .connect = dial_options(),
                         .reconnect = quick()},
                        [&](error_code why, const endpoint::session&) { failed = why; });
  context.run_for(20s);
  EXPECT_EQ(failed, endpoint_errc::resolve_failed);
  EXPECT_EQ(asked, 3);
}

TEST(controlplane_source, gives_its_request_up_with_the_attempt) {
  asio::io_context context;
  control_plane control{context};
  control.silent = true;
  reconnect_manager manager{context.get_executor()};
  const auto whole = [&]() -> awaitable<void> {
    error_code failed;
    manager.async_connect({.source = sources::from_controlplane(context.get_executor(), control.source()),
                           .connect = dial_options(),
                           .reconnect = quick()},
                          [&](error_code why, const endpoint::session&) { failed = why; });
    while (control.targets.empty()) co_await asio::post(endpoint::default_token{});
    co_await manager.async_disconnect();
    co_await asio::post(endpoint::default_token{});
    EXPECT_EQ(failed, endpoint_errc::canceled);
    EXPECT_EQ(control.targets.size(), 1u);
  };
  run(context, whole());
}

}  // namespace
}  // namespace flowersec::testing
