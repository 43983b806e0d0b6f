// The example of docs/CONTROLPLANE.md, compiled and run.
#include <gtest/gtest.h>

#include "flowersec/controlplane/artifact_client.h"
#include "flowersec/controlplane/artifact_endpoint.h"
#include "flowersec/controlplane/channel_init.h"
#include "flowersec/controlplane/tunnel_choice.h"
#include "flowersec/http/server.h"
#include "support/run_tasks.h"

namespace flowersec::controlplane {
namespace {

using flowersec::testing::run_tasks;
using flowersec::testing::task;

// [issue]
/// A pair of grants for a new channel at one of `tunnels`.
result<channel_grants> new_channel(const issuer_keyset& issuer, std::span<const std::string> tunnels) {
  const auto channel_id = random_channel_id(system_random());
  if (!channel_id) return channel_id.error();
  channel_init_options options;
  options.tunnel_url = choose_tunnel(*channel_id, tunnels);
  options.audience = "flowersec-tunnel:prod";
  options.issuer = "issuer-prod";
  return issue_channel(issuer, options, *channel_id, system_random(), to_unix_seconds(system_clocks().wall_now()));
}
// [issue]

// [endpoint]
artifact_endpoint make_endpoint(const issuer_keyset& issuer, std::span<const std::string> tunnels,
                                std::string bearer_key) {
  return artifact_endpoint{{.validate = require_bearer_key(messages::sensitive_text{std::move(bearer_key)}),
                            .issue = [&issuer, tunnels](const artifact_question& question, const issue_reply& reply) {
                              auto grants = new_channel(issuer, tunnels);
                              if (!grants) return reply(hook_failure{});
                              // Here grants->server goes to the endpoint question.request.endpoint_id; only then the
                              // client is answered.
                              token::connect_artifact artifact{.body = std::move(grants->client)};
                              const auto& trace_id = question.request.trace_id;
                              if (trace_id && token::is_correlation_id(*trace_id)) {
                                artifact.correlation = {.v = 1, .trace_id = trace_id};
                              }
                              reply(std::move(artifact));
                            }}};
}

http::server serve(boost::asio::any_io_executor executor, const artifact_endpoint& endpoint) {
  http::server_options options;
  options.limits.max_body_bytes = default_max_request_body_bytes;
  options.refusal = [endpoint](unsigned status, const http::request& head) {
    return endpoint.refuse_unread(status, head);
  };
  return {std::move(executor), std::move(options), endpoint};
}
// [endpoint]

// [ask]
boost::asio::awaitable<artifact_outcome> ask(std::string base_url, std::string bearer_key) {
  artifact_client_options options;
  options.base_url = std::move(base_url);
  options.headers = {{"Authorization", "Bearer " + bearer_key}};
  options.allow_loopback_http = true;
  artifact_request request{.endpoint_id = "laptop", .trace_id = "trace-0001"};
  const auto executor = co_await boost::asio::this_coro::executor;
  co_return co_await async_request_artifact(executor, std::move(options), std::move(request));
}
// [ask]

TEST(controlplane_document, its_example_issues_artifacts) {
  boost::asio::io_context context;
  const auto issuer = issuer_keyset::generate("k1", system_random()).value();
  const std::vector<std::string> tunnels{"wss://t1.example.test/ws", "wss://t2.example.test/ws"};
  auto server = serve(context.get_executor(), make_endpoint(issuer, tunnels, "key-1"));
  ASSERT_FALSE(server.listen({boost::asio::ip::address_v4::loopback(), 0}));
  server.start();
  const auto url = "http://127.0.0.1:" + std::to_string(server.local_endpoint().port());
  const auto client = [&]() -> task {
    const auto outcome = co_await ask(url, "key-1");
    EXPECT_TRUE(outcome.has_value());
    if (!outcome) co_return;
    const auto& grant = std::get<messages::controlplane::v1::channel_init_grant>(outcome->body);
    EXPECT_EQ(grant.tunnel_url, choose_tunnel(grant.channel_id, tunnels));
    EXPECT_EQ(outcome->correlation->trace_id, "trace-0001");
    const auto refused = co_await ask(url, "key-2");
    EXPECT_EQ(refused.error().status, 401U);
  };
  run_tasks(context, client());
}

}  // namespace
}  // namespace flowersec::controlplane
