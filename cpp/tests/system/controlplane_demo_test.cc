// flowersec-controlplane with --demo: what the family's demonstration programs ask of it.
#include "controlplane_world.h"

namespace flowersec::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A control plane that gives everybody everything.
class demonstration : public ::testing::Test {
 protected:
  /// The credential of the ready line, which is every endpoint's.
  [[nodiscard]] endpoint::direct_connect_info shared() const {
    return messages::read_direct_info(world.facts.at("server_endpoint_control")).value();
  }
  /// POST /v1/channel/init: the status and what came with it.
  std::string init(std::string body, std::string method = "POST") {
    http::fetch_request request{.to = http::parse_url(world.http_url + "/v1/channel/init").value()};
    request.method = std::move(method);
    request.body = std::move(body);
    std::string said;
    http::async_fetch(world.context.get_executor(), std::move(request), {},
                      [&said](error_code failed, http::response answer) {
                        said = failed ? failed.message() : std::to_string(answer.status) + ' ' + answer.body;
                      });
    world.context.restart();
    while (said.empty()) world.context.run_one();
    return said;
  }
  /// The client's grant of an answer.
  static endpoint::channel_init_grant grant_in(const std::string& said) {
    EXPECT_THAT(said, StartsWith("200 {\"grant_client\":{"));
    return messages::read_client_grant(said.substr(4)).value();
  }
  std::string greeting(endpoint::channel_init_grant grant) {
    token::connect_artifact artifact{.body = std::move(grant)};
    std::string said;
    run(world.context, [&]() -> awaitable<void> { said = co_await world.meet(std::move(artifact)); }());
    return said;
  }
  std::string refusal(const std::string& endpoint_id) {
    std::string said;
    run(world.context, [&]() -> awaitable<void> {
      const auto outcome = co_await world.ask(endpoint_id);
      said = outcome ? "an artifact" : std::to_string(outcome.error().status) + ' ' + outcome.error().code;
    }());
    return said;
  }

  controlplane_world world{{"--demo"}};
};

TEST_F(demonstration, the_ready_line_is_what_its_programs_read) {
  EXPECT_EQ(world.facts["controlplane_http_url"], world.http_url);
  EXPECT_EQ(world.facts["tunnel_audience"], "aud");
  EXPECT_EQ(world.facts["tunnel_issuer"], "iss");
  EXPECT_EQ(world.facts["issuer_keys_file"], world.keyset_file);
  EXPECT_EQ(world.facts["tunnel_ws_url_hint"], world.tunnel_url);
  EXPECT_EQ(world.facts["tunnel_listen"], host_of(world.tunnel_url));
  EXPECT_EQ(world.facts["tunnel_ws_path"], "/ws");
  EXPECT_EQ(shared().ws_url, world.control_url);
  EXPECT_TRUE(world.plane->wait_for_err("--demo: whoever reads the ready line may be an endpoint"));
}

TEST_F(demonstration, a_client_meets_the_endpoint_that_came_last_or_the_one_it_names) {
  standing_endpoint laptop{world, "laptop", shared()};
  laptop.wait_registered(1);
  standing_endpoint phone{world, "phone", shared()};
  phone.wait_registered(1);
  EXPECT_EQ(greeting(grant_in(init(""))), "\"phone\"");
  auto named = grant_in(init(R"({"channel_id":" a-room ","endpoint_id":"laptop","more":1} and what follows)"));
  EXPECT_EQ(named.channel_id, "a-room");
  EXPECT_EQ(greeting(std::move(named)), "\"laptop\"");
}

TEST_F(demonstration, the_normal_route_needs_no_key_and_there_is_no_entry) {
  standing_endpoint laptop{world, "laptop", shared()};
  laptop.wait_registered(1);
  auto options = world.asking();
  options.headers.clear();
  controlplane::artifact_request request{
      .endpoint_id = "laptop", .payload = R"({"channel_id":"a-room","x":1})", .trace_id = "trace-0001"};
  run(world.context, [&]() -> awaitable<void> {
    auto artifact = co_await controlplane::async_request_artifact(world.context.get_executor(), std::move(options),
                                                                  std::move(request));
    EXPECT_TRUE(artifact);
    if (!artifact) co_return;
    EXPECT_EQ(artifact->correlation.value().trace_id, "trace-0001");
    EXPECT_EQ(std::get<endpoint::channel_init_grant>(artifact->body).channel_id, "a-room");
    EXPECT_EQ(co_await world.meet(std::move(*artifact)), "\"laptop\"");
    EXPECT_EQ((co_await world.ask_with_ticket("laptop", "a-ticket")).error().status, 404u);
  }());
  EXPECT_EQ(refusal("nobody"), "503 unavailable");
}

TEST_F(demonstration, json_that_is_nested_too_deep_is_refused_and_its_channel_id_not_replaced) {
  standing_endpoint laptop{world, "laptop", shared()};
  laptop.wait_registered(1);
  const auto nested = [](std::size_t levels) {
    return R"({"channel_id":"a-room","x":)" + std::string(levels, '[') + std::string(levels, ']') + '}';
  };
  const auto asked = [&](std::string payload) {
    controlplane::artifact_request request{.endpoint_id = "laptop", .payload = std::move(payload)};
    std::string said;
    run(world.context, [&]() -> awaitable<void> {
      auto options = world.asking();
      auto artifact = co_await controlplane::async_request_artifact(world.context.get_executor(), std::move(options),
                                                                    std::move(request));
      said = artifact ? std::get<endpoint::channel_init_grant>(artifact->body).channel_id
                      : std::to_string(artifact.error().status) + ' ' + artifact.error().code;
    }());
    return said;
  };
  EXPECT_EQ(grant_in(init(nested(31))).channel_id, "a-room");
  EXPECT_EQ(init(nested(32)), "400 bad request\n");
  EXPECT_EQ(asked(nested(31)), "a-room");
  EXPECT_EQ(asked(nested(32)), "400 invalid_request");
}

TEST_F(demonstration, refusals_of_a_channel_are_lines_of_text) {
  EXPECT_EQ(init(""), "503 no server endpoint connected\n");
  EXPECT_EQ(init(R"({"endpoint_id":"nobody"})"), "503 no server endpoint connected\n");
  EXPECT_EQ(init("", "GET"), "405 method not allowed\n");
  for (const auto* bad : {"[]", "{", "7", R"({"channel_id":7})", R"({"endpoint_id":null})"}) {
    EXPECT_EQ(init(bad), "400 bad request\n") << bad;
  }
  EXPECT_THAT(init(R"({"channel_id":")" + std::string(257, 'c') + "\"}"), StartsWith("400 "));
  EXPECT_THAT(init(R"({"channel_id":")" + std::string(256, 'c') + "\"}"), StartsWith("503 "));
  EXPECT_EQ(init(std::string(8193, ' ')), "413 request too large\n");
  EXPECT_THAT(init(std::string(8192, ' ')), StartsWith("503 "));
  EXPECT_EQ(init(std::string(40000, ' ')), "413 request too large\n");
}

TEST_F(demonstration, another_id_takes_the_place_of_the_first_and_who_leaves_is_nobodys_default) {
  asio::io_context& context = world.context;
  standing_endpoint phone{world, "phone", shared()};
  phone.wait_registered(1);
  endpoint::session session;
  run(context, [&]() -> awaitable<void> {
    auto info = shared();
    auto options = loopback_options();
    auto [failed, up] =
        co_await endpoint::async_connect(context.get_executor(), std::move(info), std::move(options), with_error);
    EXPECT_FALSE(failed) << failed.message();
    session = std::move(up);
    for (const auto* id : {"laptop", "tablet"}) {
      auto payload = token::encode_registration(id);
      auto [lost, reply] = co_await session.async_call(token::control_register_type, std::move(payload), with_error);
      EXPECT_TRUE(!lost && reply.ok());
    }
  }());
  EXPECT_EQ(refusal("laptop"), "503 unavailable");
  EXPECT_EQ(refusal("tablet"), "an artifact");
  run(context, [&]() -> awaitable<void> { co_await session.async_close(with_error); }());
  ASSERT_TRUE(world.plane->wait_for_err("endpoint left endpoint=tablet"));
  EXPECT_EQ(init(""), "503 no server endpoint connected\n") << "the phone came before";
  EXPECT_EQ(refusal("phone"), "an artifact");
}

TEST_F(demonstration, who_has_a_credential_of_its_own_is_nobody_else) {
  auto own = world.add_endpoint("laptop");
  standing_endpoint thief{world, "laptop", shared()};
  thief.wait_refused(1);
  EXPECT_EQ(thief.refusal().value().code, token::control_status::forbidden);
  EXPECT_EQ(refusal("laptop"), "503 unavailable");
  standing_endpoint laptop{world, "laptop", std::move(own)};
  laptop.wait_registered(1);
  EXPECT_EQ(refusal("laptop"), "an artifact");
}

TEST(no_demonstration, nothing_of_it_is_there) {
  controlplane_world world;
  EXPECT_FALSE(world.facts.contains("server_endpoint_control"));
  EXPECT_THAT(testing_support::http_get(world.listen_address(), "/v1/channel/init"), HasSubstr(" 404 "));
}

}  // namespace
}  // namespace flowersec::testing
