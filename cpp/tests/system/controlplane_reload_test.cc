// The files of a running control plane: its certificate and the bearer key, used, exchanged and broken.
#include <sys/stat.h>

#include <filesystem>

#include "controlplane_world.h"
#include "support/test_certificates.h"
#include "support/tunnel_client.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* key_reloaded = " reloaded bearer key\n";
constexpr const char* key_failed = " reload bearer key failed, the old one stays: ";
constexpr const char* certificate_reloaded = " reloaded certificate\n";
constexpr const char* certificate_failed = " reload certificate failed, the old one stays: ";

/// Asks with what the world trusts and shows: "an artifact", the status and code of a refusal, or what else went wrong.
awaitable<std::string> asked(controlplane_world& world) {
  const auto outcome = co_await world.ask("laptop");
  if (outcome) co_return "an artifact";
  const auto& failed = outcome.error();
  co_return failed.status == 0 ? failed.cause.message() : std::to_string(failed.status) + ' ' + failed.code;
}

// ---- TLS.

class over_tls : public ::testing::Test {
 protected:
  over_tls() {
    install(first_);
    world.emplace(process::words{"--tls-cert-file", chain_, "--tls-key-file", key_}, first_.ca_pem());
  }

  void install(test_authority& authority) const {
    const auto files = authority.issue("IP:" + testing_support::own_loopback());
    replace(files.chain, chain_);
    replace(files.key, key_);
  }
  void replace(const std::string& from, const std::string& to) const {
    const auto next = folder_.file("next");
    std::filesystem::copy_file(from, next);
    std::filesystem::rename(next, to);
  }
  /// Of the listener there.
  static std::string certificate_at(const std::string& address) {
    tunnel_client::options how;
    how.tls = true;
    return tunnel_client{address, how}.certificate_digest();
  }
  /// The one certificate of all listeners.
  [[nodiscard]] std::string certificate() const {
    auto digest = certificate_at(world->listen_address());
    EXPECT_EQ(certificate_at(host_of(world->control_url)), digest);
    EXPECT_EQ(certificate_at(world->metrics_address), digest);
    return digest;
  }

  temporary_folder folder_;
  std::string chain_ = folder_.file("chain.pem");
  std::string key_ = folder_.file("key.pem");
  test_authority first_;
  test_authority second_;
  std::optional<controlplane_world> world;
};

TEST_F(over_tls, artifacts_and_control_connections_are_for_those_who_trust_the_authority) {
  EXPECT_THAT(world->http_url, HasSubstr("https://"));
  EXPECT_THAT(world->control_url, HasSubstr("wss://"));
  standing_endpoint laptop{*world, "laptop", world->add_endpoint("laptop")};
  laptop.wait_registered(1);
  run(world->context, [&]() -> awaitable<void> {
    auto artifact = co_await world->ask("laptop");
    EXPECT_TRUE(artifact) << artifact.error().cause.message();
    if (!artifact) co_return;
    EXPECT_EQ(co_await world->meet(std::move(*artifact)), "\"laptop\"");
    world->ca_pem = second_.ca_pem();
    EXPECT_EQ((co_await world->ask("laptop")).error().cause, http::http_errc::tls_failed);
  }());
  standing_endpoint mistrustful{*world, "laptop", world->add_endpoint("phone")};
  mistrustful.wait_refused(1);
  EXPECT_EQ(mistrustful.registrations(), 0);
}

TEST_F(over_tls, a_signal_exchanges_the_certificate_everywhere_and_nobody_is_dropped) {
  standing_endpoint laptop{*world, "laptop", world->add_endpoint("laptop")};
  laptop.wait_registered(1);
  const auto before = certificate();
  install(second_);
  ASSERT_TRUE(world->hang_up(certificate_reloaded));
  EXPECT_NE(certificate(), before);
  run(world->context, [&]() -> awaitable<void> {
    EXPECT_EQ((co_await world->ask("laptop")).error().cause, http::http_errc::tls_failed);
    world->ca_pem = second_.ca_pem();
    auto artifact = co_await world->ask("laptop");
    EXPECT_TRUE(artifact);
    if (!artifact) co_return;
    EXPECT_EQ(co_await world->meet(std::move(*artifact)), "\"laptop\"");
  }());
  EXPECT_EQ(laptop.registrations(), 1) << "the control connection went on";
}

TEST_F(over_tls, a_bad_new_pair_is_refused_and_the_old_one_stays) {
  const auto before = certificate();
  replace(second_.issue("IP:" + testing_support::own_loopback()).chain, chain_);
  ASSERT_TRUE(world->hang_up(std::string{certificate_failed} + "cannot use --tls-cert-file " + chain_ +
                             " with --tls-key-file " + key_));
  EXPECT_EQ(certificate(), before);
  std::filesystem::remove(key_);
  ASSERT_TRUE(world->hang_up(std::string{certificate_failed} + "cannot read " + key_));
  EXPECT_EQ(certificate(), before);
  install(second_);
  ASSERT_TRUE(world->hang_up(certificate_reloaded));
  EXPECT_NE(certificate(), before);
}

TEST_F(over_tls, a_change_of_the_files_is_noticed) {
  const auto before = certificate();
  install(second_);
  ASSERT_TRUE(world->plane->wait_for_err(certificate_reloaded));
  EXPECT_NE(certificate(), before);
}

// ---- The bearer key.

class new_bearer_key : public ::testing::Test {
 protected:
  new_bearer_key() : laptop{world, "laptop", world.add_endpoint("laptop")} { laptop.wait_registered(1); }

  void expect_answer(const std::string& bearer, const std::string& answer) {
    world.bearer = bearer;
    run(world.context, [&]() -> awaitable<void> { EXPECT_EQ(co_await asked(world), answer); }());
  }

  controlplane_world world;
  standing_endpoint laptop;
  const std::string old_key = world.bearer;
  const std::string new_key = "another-bearer-key-of-the-tests";
};

TEST_F(new_bearer_key, takes_the_place_of_the_old_one_at_a_signal) {
  expect_answer(old_key, "an artifact");
  world.change_bearer(new_key);
  ASSERT_TRUE(world.hang_up(key_reloaded));
  expect_answer(old_key, "401 unauthorized");
  expect_answer(new_key, "an artifact");
  EXPECT_EQ(laptop.registrations(), 1) << "endpoints are not touched";
}

TEST_F(new_bearer_key, is_noticed_without_a_signal) {
  world.change_bearer(new_key);
  ASSERT_TRUE(world.plane->wait_for_err(key_reloaded));
  expect_answer(new_key, "an artifact");
}

TEST_F(new_bearer_key, that_makes_no_sense_leaves_the_old_one_in_force) {
  world.change_bearer("two words of a key that is bad");
  ASSERT_TRUE(world.hang_up(std::string{key_failed} + "invalid --bearer-key-file: " + world.bearer_file));
  expect_answer(old_key, "an artifact");
  std::filesystem::remove(world.bearer_file);
  ASSERT_TRUE(world.hang_up(key_failed));
  expect_answer(old_key, "an artifact");
  world.change_bearer(new_key);
  ASSERT_TRUE(world.hang_up(key_reloaded));
  expect_answer(old_key, "401 unauthorized");
}

TEST_F(new_bearer_key, that_is_a_pipe_is_not_waited_for) {
  std::filesystem::remove(world.bearer_file);
  ASSERT_EQ(::mkfifo(world.bearer_file.c_str(), 0600), 0);
  ASSERT_TRUE(world.hang_up("cannot read " + world.bearer_file + ": not a regular file"));
  expect_answer(old_key, "an artifact");
}

TEST_F(over_tls, a_pipe_in_place_of_a_certificate_is_not_waited_for) {
  const auto before = certificate();
  std::filesystem::remove(chain_);
  ASSERT_EQ(::mkfifo(chain_.c_str(), 0600), 0);
  ASSERT_TRUE(world->hang_up(std::string{certificate_failed} + "cannot read " + chain_ + ": not a regular file"));
  EXPECT_EQ(certificate(), before);
  world->plane->send_signal(SIGTERM);
  EXPECT_EQ(world->plane->wait().exit_code, 0);
  const auto again =
      run_program("flowersec-controlplane",
                  {"serve", "--state", world->state, "--bearer-key-file", world->bearer_file, "--tunnel-url", "ws://h/",
                   "--aud", "a", "--iss", "i", "--tls-cert-file", chain_, "--tls-key-file", key_});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("cannot read " + chain_ + ": not a regular file"));
}

}  // namespace
}  // namespace flowersec::testing
