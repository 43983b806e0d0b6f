// flowersec-controlplane as people run it: a tunnel, an endpoint and clients around it.
#include "controlplane_world.h"
#include "support/tunnel_client.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A refusal as a client sees it.
std::string refusal_of(const controlplane::artifact_outcome& outcome) {
  return outcome ? "an artifact" : std::to_string(outcome.error().status) + ' ' + outcome.error().code;
}

TEST(controlplane_program, a_client_meets_the_endpoint_it_asked_for) {
  controlplane_world world;
  standing_endpoint laptop{world, "laptop", world.add_endpoint("laptop")};
  standing_endpoint phone{world, "phone", world.add_endpoint("phone")};
  laptop.wait_registered(1);
  phone.wait_registered(1);
  run(world.context, [&]() -> awaitable<void> {
    for (const auto* name : {"laptop", "phone", "laptop"}) {
      auto artifact = co_await world.ask(name);
      EXPECT_TRUE(artifact) << artifact.error().message;
      if (!artifact) co_return;
      EXPECT_EQ(artifact->correlation.value().trace_id, "trace-0001");
      EXPECT_EQ(co_await world.meet(std::move(*artifact)), '"' + std::string{name} + '"');
    }
  }());
  EXPECT_EQ(laptop.channels().size(), 2u);
  EXPECT_EQ(phone.channels().size(), 1u);
  const auto metrics = world.metrics();
  EXPECT_THAT(metrics, HasSubstr("flowersec_controlplane_artifacts_total{outcome=\"ok\",route=\"normal\"} 3"));
  EXPECT_THAT(metrics, HasSubstr("flowersec_controlplane_registered_endpoints 2"));
  for (const auto* of_the_process : {"process_cpu_seconds_total ", "process_max_fds ", "process_open_fds ",
                                     "process_resident_memory_bytes ", "process_start_time_seconds "}) {
    EXPECT_THAT(metrics, HasSubstr(std::string{"\n"} + of_the_process));
  }
}

TEST(controlplane_program, an_endpoint_that_is_unknown_or_offline_is_a_typed_error_at_once) {
  controlplane_world world;
  static_cast<void>(world.add_endpoint("offline"));
  run(world.context, [&]() -> awaitable<void> {
    EXPECT_EQ(refusal_of(co_await world.ask("nobody")), "404 endpoint_unknown");
    EXPECT_EQ(refusal_of(co_await world.ask("offline")), "503 endpoint_offline");
  }());
}

/// An endpoint that registers and then neither reads nor leaves, like a process that is stopped.
class stalled_endpoint {
 public:
  stalled_endpoint(const controlplane_world& world, const std::string& endpoint_id) {
    auto info = world.add_endpoint(endpoint_id);
    run(context_, [&]() -> awaitable<void> {
      auto options = world.dialling();
      auto [failed, up] =
          co_await endpoint::async_connect(context_.get_executor(), std::move(info), std::move(options), with_error);
      EXPECT_FALSE(failed) << failed.message();
      session_ = std::move(up);
      auto payload = token::encode_registration(endpoint_id);
      auto [lost, reply] = co_await session_.async_call(token::control_register_type, std::move(payload), with_error);
      EXPECT_TRUE(!lost && reply.ok());
    }());
  }

 private:
  asio::io_context context_;  // stands still from now on
  endpoint::session session_;
};

TEST(controlplane_program, an_endpoint_that_takes_no_grant_is_a_typed_error_and_then_offline) {
  controlplane_world world{{"--delivery-timeout", "300ms"}};
  stalled_endpoint stalled{world, "laptop"};
  run(world.context, [&]() -> awaitable<void> {
    EXPECT_EQ(refusal_of(co_await world.ask("laptop")), "503 delivery_failed");
    EXPECT_EQ(refusal_of(co_await world.ask("laptop")), "503 endpoint_offline");
  }());
  EXPECT_THAT(world.metrics(), HasSubstr("flowersec_controlplane_control_drops_total{reason=\"no_receipt\"} 1"));
}

TEST(controlplane_program, the_normal_route_is_behind_the_bearer_key_and_the_entry_route_behind_tickets) {
  controlplane_world world;
  standing_endpoint laptop{world, "laptop", world.add_endpoint("laptop")};
  static_cast<void>(world.add_endpoint("phone"));
  laptop.wait_registered(1);
  const auto ticket = world.make_ticket("laptop");
  run(world.context, [&]() -> awaitable<void> {
    auto options = world.asking();
    options.headers = {{"Authorization", "Bearer " + ticket}};
    controlplane::artifact_request request{.endpoint_id = "laptop"};
    auto refused = co_await controlplane::async_request_artifact(world.context.get_executor(), std::move(options),
                                                                 std::move(request));
    EXPECT_EQ(refusal_of(refused), "401 unauthorized");
    EXPECT_EQ(refusal_of(co_await world.ask_with_ticket("laptop", world.bearer)), "401 ticket_refused");
    EXPECT_EQ(refusal_of(co_await world.ask_with_ticket("phone", ticket)), "401 ticket_refused");
    auto artifact = co_await world.ask_with_ticket("laptop", ticket);
    EXPECT_EQ(refusal_of(artifact), "an artifact");
    if (!artifact) co_return;
    EXPECT_EQ(co_await world.meet(std::move(*artifact)), "\"laptop\"");
    EXPECT_EQ(refusal_of(co_await world.ask_with_ticket("laptop", ticket)), "401 ticket_refused") << "it was used up";
  }());
}

TEST(controlplane_program, a_ticket_is_not_spent_on_an_endpoint_that_is_offline) {
  controlplane_world world;
  auto credential = world.add_endpoint("laptop");
  const auto ticket = world.make_ticket("laptop");
  run(world.context, [&]() -> awaitable<void> {
    EXPECT_EQ(refusal_of(co_await world.ask_with_ticket("laptop", ticket)), "503 endpoint_offline");
  }());
  standing_endpoint laptop{world, "laptop", std::move(credential)};
  laptop.wait_registered(1);
  run(world.context, [&]() -> awaitable<void> {
    EXPECT_EQ(refusal_of(co_await world.ask_with_ticket("laptop", ticket)), "an artifact");
  }());
}

TEST(controlplane_program, an_endpoint_whose_credential_is_revoked_is_cut_and_cannot_come_back) {
  controlplane_world world;
  standing_endpoint laptop{world, "laptop", world.add_endpoint("laptop")};
  laptop.wait_registered(1);
  ASSERT_EQ(world.command({"revoke-endpoint", "--endpoint-id", "laptop"}).exit_code, 0);
  // Clients are told from this moment on, even before the connection is cut.
  run(world.context,
      [&]() -> awaitable<void> { EXPECT_EQ(refusal_of(co_await world.ask("laptop")), "404 endpoint_unknown"); }());
  laptop.wait_refused(3);
  EXPECT_EQ(laptop.registrations(), 1);
  EXPECT_TRUE(world.plane->wait_for_err("reason=revoked"));
  // Not even with the same id: the new credential is another.
  standing_endpoint again{world, "laptop", world.add_endpoint("laptop")};
  again.wait_registered(1);
  laptop.wait_refused(6);
  EXPECT_EQ(laptop.registrations(), 1);
}

TEST(controlplane_program, a_credential_registers_no_other_endpoint) {
  controlplane_world world;
  static_cast<void>(world.add_endpoint("phone"));
  standing_endpoint thief{world, "phone", world.add_endpoint("laptop")};
  thief.wait_refused(1);
  EXPECT_EQ(thief.refusal().value().code, token::control_status::forbidden);
  run(world.context,
      [&]() -> awaitable<void> { EXPECT_EQ(refusal_of(co_await world.ask("phone")), "503 endpoint_offline"); }());
}

TEST(controlplane_program, the_newest_connection_of_an_endpoint_is_the_one_that_counts) {
  controlplane_world world;
  auto credential = world.add_endpoint("laptop");
  asio::io_context& context = world.context;
  run(context, [&]() -> awaitable<void> {
    std::vector<endpoint::session> sessions;
    for (int i = 0; i < 2; ++i) {
      auto info = credential.clone();
      auto options = loopback_options();
      auto [failed, session] =
          co_await endpoint::async_connect(context.get_executor(), std::move(info), std::move(options), with_error);
      EXPECT_FALSE(failed) << failed.message();
      auto payload = token::encode_registration("laptop");
      auto [lost, reply] = co_await session.async_call(token::control_register_type, std::move(payload), with_error);
      EXPECT_TRUE(!lost && reply.ok());
      sessions.push_back(std::move(session));
    }
    auto [cancelled, end] = co_await sessions[0].async_wait_end(with_error);
    EXPECT_FALSE(end.closed_here);
    auto artifact = co_await world.ask("laptop");
    EXPECT_EQ(refusal_of(artifact), "an artifact");
  }());
}

TEST(controlplane_program, an_endpoint_comes_back_by_itself_after_a_restart_and_nothing_is_lost) {
  controlplane_world world;
  standing_endpoint laptop{world, "laptop", world.add_endpoint("laptop")};
  laptop.wait_registered(1);
  const auto ticket = world.make_ticket("laptop");
  world.kill();
  world.start();
  laptop.wait_registered(2);
  run(world.context, [&]() -> awaitable<void> {
    auto artifact = co_await world.ask_with_ticket("laptop", ticket);
    EXPECT_EQ(refusal_of(artifact), "an artifact");
    if (!artifact) co_return;
    EXPECT_EQ(co_await world.meet(std::move(*artifact)), "\"laptop\"");
  }());
}

TEST(controlplane_program, killed_again_and_again_while_it_mints_it_delivers_no_grant_twice) {
  controlplane_world world{{"--log-level", "error"}};
  standing_endpoint laptop{world, "laptop", world.add_endpoint("laptop")};
  constexpr int kills = 8;
  std::set<std::string> acknowledged;
  for (int round = 1; round <= kills; ++round) {
    laptop.wait_registered(round);
    run(world.context, [&]() -> awaitable<void> {
      // Many at once, and the end comes while some of them are under way: a little later in each round.
      int waiting = 0;
      asio::steady_timer all{world.context, asio::steady_timer::time_point::max()};
      for (int i = 0; i < 40; ++i) {
        ++waiting;
        asio::co_spawn(world.context, world.ask("laptop"),
                       [&](const std::exception_ptr&, controlplane::artifact_outcome got) {
                         if (got) {
                           auto& grant = std::get<endpoint::channel_init_grant>(got->body);
                           EXPECT_TRUE(acknowledged.insert(grant.channel_id).second) << "two clients in one channel";
                         }
                         if (--waiting == 40 - 4 * round) world.plane->send_signal(SIGKILL);
                         if (waiting == 0) all.cancel();
                       });
      }
      co_await all.async_wait(with_error);
    }());
    EXPECT_EQ(world.plane->wait().signal, SIGKILL);
    world.start();
  }
  laptop.wait_registered(kills + 1);
  EXPECT_FALSE(laptop.saw_one_twice());
  EXPECT_GE(acknowledged.size(), static_cast<std::size_t>(kills));
  EXPECT_THAT(laptop.channels(), ::testing::IsSupersetOf(acknowledged)) << "who was answered has somebody to meet";
  run(world.context,
      [&]() -> awaitable<void> { EXPECT_EQ(refusal_of(co_await world.ask("laptop")), "an artifact"); }());
}

TEST(controlplane_program, a_rotation_under_load_refuses_nobody) {
  controlplane_world world{{"--log-level", "warning"}};
  standing_endpoint laptop{world, "laptop", world.add_endpoint("laptop")};
  laptop.wait_registered(1);
  bool enough = false;
  int met = 0;
  int under_way = 0;
  std::vector<std::string> wrong;
  const auto client = [&]() -> awaitable<void> {
    ++under_way;
    while (!enough) {
      auto artifact = co_await world.ask("laptop");
      if (!artifact) {
        wrong.push_back(refusal_of(artifact) + artifact.error().message);
        break;
      }
      const auto said = co_await world.meet(std::move(*artifact));
      if (said == "\"laptop\"") {
        ++met;
      } else {
        wrong.push_back(said);
      }
    }
    --under_way;
  };
  constexpr int crowd = 8;
  for (int i = 0; i < crowd; ++i) asio::co_spawn(world.context, client(), asio::detached);
  world.context.restart();
  while (under_way < crowd) ASSERT_GT(world.context.run_one_for(10s), 0u);
  const auto meet_more = [&](int more) {
    for (const int goal = met + more; met < goal && under_way == crowd;) {
      ASSERT_GT(world.context.run_one_for(10s), 0u) << "nothing happens any more";
    }
  };
  // The commands run as processes beside it; clients that are under way meanwhile go on right behind each.
  meet_more(40);
  ASSERT_EQ(world.command({"publish-key", "--kid", "k2"}).exit_code, 0);
  EXPECT_THAT(world.kids(), ElementsAre("k1", "k2"));
  meet_more(40);
  const auto rotated = world.rotate("k2", {"--tunnel-ready-url", world.tunnel_ready_url, "--wait", "30s"});
  ASSERT_EQ(rotated.exit_code, 0) << rotated.err;
  meet_more(40);
  EXPECT_EQ(world.command({"retire-key", "--kid", "k1"}).exit_code, 1) << "its tokens may be under way";
  ASSERT_EQ(world.command({"retire-key", "--kid", "k1", "--now"}).exit_code, 0);  // none is: 40 came after the last
  EXPECT_THAT(world.kids(), ElementsAre("k2"));
  meet_more(40);
  enough = true;
  while (under_way > 0) ASSERT_GT(world.context.run_one_for(10s), 0u);
  EXPECT_THAT(wrong, ElementsAre());
  EXPECT_GE(met, 160);
  EXPECT_FALSE(laptop.saw_one_twice());
}

TEST(controlplane_program, a_key_that_a_tunnel_does_not_know_never_signs) {
  controlplane_world world;
  ASSERT_EQ(world.command({"publish-key", "--kid", "k2"}).exit_code, 0);
  const auto nobody = world.rotate("k2", {"--tunnel-ready-url", "http://127.0.0.1:1/readyz", "--wait", "0s"});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("nothing was changed"));
  // Every tunnel has the key by now or soon, but for the tokens of somebody else.
  const auto other = world.rotate("k2", {"--tunnel-ready-url", world.tunnel_ready_url, "--wait", "0s", "--iss", "x"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("does not list key k2 for --aud aud and --iss x; nothing was changed"));
  EXPECT_THAT(world.command({"list-keys"}).out, HasSubstr(R"({"kid":"k1","state":"signing")"));
}

TEST(controlplane_program, the_service_writes_the_keyset_file_that_a_command_did_not_come_to_write) {
  controlplane_world world;
  const auto elsewhere = world.folder.file("elsewhere.json");
  ASSERT_EQ(world.command({"publish-key", "--kid", "k2", "--issuer-keys-file", elsewhere}).exit_code, 0);
  ASSERT_TRUE(world.plane->wait_for_err("keyset file written"));
  EXPECT_THAT(world.kids(), ElementsAre("k1", "k2"));
}

TEST(controlplane_program, a_body_that_is_too_long_or_too_slow_is_not_waited_for) {
  controlplane_world world{{"--request-timeout", "300ms"}};
  const std::string head =
      "POST /v1/connect/artifact HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ";
  tunnel_client large{world.listen_address()};
  large.send_text(head + "32769\r\n\r\n");
  EXPECT_THAT(large.read_http_head(), HasSubstr("413 "));
  tunnel_client slow{world.listen_address()};
  slow.send_text(head + "20\r\n\r\n{");
  EXPECT_TRUE(slow.ended());
}

TEST(controlplane_program, health_and_unknown_paths) {
  controlplane_world world;
  EXPECT_THAT(testing_support::http_get(world.listen_address(), "/healthz"), HasSubstr(" 200 "));
  EXPECT_THAT(testing_support::http_get(world.listen_address(), "/readyz"), HasSubstr(" 200 "));
  EXPECT_THAT(testing_support::http_get(world.listen_address(), "/metrics"), HasSubstr(" 404 "));
  EXPECT_THAT(testing_support::http_get(world.listen_address(), "/v1/connect/artifact"), HasSubstr(" 405 "));
  EXPECT_THAT(testing_support::http_get(world.metrics_address, "/"), HasSubstr(" 404 "));
}

TEST(controlplane_program, stops_in_order_at_a_signal) {
  controlplane_world world;
  standing_endpoint laptop{world, "laptop", world.add_endpoint("laptop")};
  laptop.wait_registered(1);
  world.plane->send_signal(SIGTERM);
  const auto end = world.plane->wait();
  EXPECT_EQ(end.exit_code, 0) << end.err;
  EXPECT_THAT(end.err, HasSubstr("stopping"));
  laptop.wait_refused(1);
}

TEST(controlplane_program, no_secret_is_in_a_log_a_metric_or_an_error) {
  controlplane_world world{{"--log-level", "debug"}};
  auto credential = world.add_endpoint("laptop");
  const std::string psk{credential.e2ee_psk_b64u.view()};
  standing_endpoint laptop{world, "laptop", std::move(credential)};
  laptop.wait_registered(1);
  const auto ticket = world.make_ticket("laptop");
  std::vector<std::string> secrets{psk, ticket, world.bearer};
  run(world.context, [&]() -> awaitable<void> {
    for (int i = 0; i < 2; ++i) {
      auto artifact = co_await world.ask_with_ticket("laptop", ticket);
      if (!artifact) continue;
      const auto& grant = std::get<endpoint::channel_init_grant>(artifact->body);
      secrets.emplace_back(grant.token.view());
      secrets.emplace_back(grant.e2ee_psk_b64u.view());
    }
    static_cast<void>(co_await world.ask("laptop"));
    static_cast<void>(co_await world.ask("nobody"));
  }());
  ASSERT_EQ(secrets.size(), 5u);
  const auto again = world.command({"add-endpoint", "--endpoint-id", "laptop", "--control-url", world.control_url});
  auto said = again.out + again.err + world.metrics() + world.command({"list-endpoints"}).out;
  world.plane->send_signal(SIGTERM);
  said += world.plane->wait().err;
  EXPECT_THAT(said, HasSubstr("artifact issued"));
  for (const auto& secret : secrets) EXPECT_THAT(said, Not(HasSubstr(secret)));
}

}  // namespace
}  // namespace flowersec::testing
