#include "controlplane/control_listener.h"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "flowersec/base/base64url.h"
#include "flowersec/controlplane/direct_init.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/token/control_frames.h"
#include "support/run_coroutine.h"
#include "support/temporary_folder.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using controlplane::state_store;
using endpoint::direct_connect_info;
using testing_support::temporary_folder;

constexpr auto with_error = asio::as_tuple(endpoint::default_token{});
constexpr unix_seconds added_at{1'700'000'000};

shared_credential shared_of(const direct_connect_info& info) {
  return {.channel_id = info.channel_id,
          .psk = crypto::psk::from_base64url(info.e2ee_psk_b64u.view()).value(),
          .init_exp = unix_seconds{info.channel_init_expire_at_unix_s}};
}

/// The control connections on a state file, which another process changes. Nobody tells them to look at it.
class control_connections : public ::testing::Test {
 protected:
  control_connections() {
    const auto key = crypto::ed25519_signing_key::generate(system_random()).value();
    EXPECT_TRUE(state_store::create(file_, "k1", key, added_at));
    store_.emplace(state_store::open(file_).value());
    elsewhere_.emplace(state_store::open(file_).value());
  }
  ~control_connections() override {
    sessions_.clear();
    listener_.reset();
    flowersec::testing::run_out(context_);
  }

  void open(control_options options = {}) {
    options.address = "127.0.0.1";
    auto opened = control_listener::open(context_.get_executor(), std::move(options), *store_, metrics_);
    ASSERT_TRUE(opened) << opened.error().message();
    listener_.emplace(std::move(*opened));
  }
  /// A credential that nobody knows yet.
  static direct_connect_info fresh_credential() {
    controlplane::direct_init_options options;
    options.ws_url = "ws://later";
    options.init_window = std::chrono::hours{1};
    return controlplane::issue_direct(options, system_random(), to_unix_seconds(system_clocks().wall_now())).value();
  }
  /// What `add-endpoint` does.
  direct_connect_info add(const std::string& endpoint_id) {
    auto info = fresh_credential();
    const auto same = shared_of(info);
    EXPECT_TRUE(elsewhere_->add_endpoint(
        {.endpoint_id = endpoint_id, .channel_id = same.channel_id, .psk = same.psk.clone(), .init_exp = same.init_exp},
        added_at));
    return info;
  }
  /// What `revoke-endpoint` does.
  void revoke(const std::string& endpoint_id) { EXPECT_TRUE(elsewhere_->revoke_endpoint(endpoint_id)); }

  void spoil_state_file() const {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &raw), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(raw, "ALTER TABLE endpoints RENAME TO elsewhere", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(raw);
  }

  /// Connects, and registers. "ok", or what was said instead.
  std::string enter(const direct_connect_info& credential, const std::string& endpoint_id) {
    std::string said = "nothing";
    flowersec::testing::run(context_, [&]() -> awaitable<void> {
      auto info = credential.clone();
      info.ws_url = listener_->url();
      endpoint::connect_options options;
      options.origin = "https://app.example";
      options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
      auto [failed, session] =
          co_await endpoint::async_connect(context_.get_executor(), std::move(info), std::move(options), with_error);
      said = failed.message();
      if (failed) co_return;
      sessions_.push_back(std::move(session));
      said = co_await register_on(sessions_.back(), endpoint_id);
    }());
    return said;
  }
  static awaitable<std::string> register_on(endpoint::session& session, const std::string& endpoint_id) {
    auto payload = token::encode_registration(endpoint_id);
    auto [lost, reply] = co_await session.async_call(token::control_register_type, std::move(payload), with_error);
    co_return lost ? lost.message() : reply.ok() ? "ok" : std::to_string(reply.error->code);
  }
  /// Whether a grant arrives.
  bool deliver(const std::string& endpoint_id) {
    bool outcome = false;
    flowersec::testing::run(context_, [&]() -> awaitable<void> {
      asio::steady_timer told{context_, asio::steady_timer::time_point::max()};
      bool is_told = false;
      listener_->deliver(endpoint_id, "{}", [&](bool delivered) {
        outcome = delivered;
        is_told = true;
        told.cancel();
      });
      if (!is_told) co_await told.async_wait(with_error);
    }());
    return outcome;
  }
  [[nodiscard]] std::string counted() const { return metrics_.text({}); }
  static std::string dropped(const std::string& reason) {
    return "flowersec_controlplane_control_drops_total{reason=\"" + reason + "\"} 1";
  }

  temporary_folder folder_{temporary_folder::fast_parent()};
  std::filesystem::path file_ = folder_.file("plane.db");
  asio::io_context context_;
  plane_metrics metrics_;
  std::optional<state_store> store_;
  std::optional<state_store> elsewhere_;
  std::optional<control_listener> listener_;
  std::vector<endpoint::session> sessions_;
};

TEST_F(control_connections, a_revoked_credential_is_no_endpoint_also_when_the_id_has_another_one_at_once) {
  open();
  ASSERT_EQ(enter(add("laptop"), "laptop"), "ok");
  EXPECT_TRUE(listener_->is_online("laptop"));
  EXPECT_TRUE(deliver("laptop"));
  revoke("laptop");
  const auto next = add("laptop");
  EXPECT_FALSE(listener_->is_online("laptop"));
  EXPECT_EQ(listener_->connections(), 0u);
  EXPECT_THAT(counted(), ::testing::HasSubstr(dropped("revoked")));
  ASSERT_EQ(enter(next, "laptop"), "ok");
  EXPECT_TRUE(listener_->is_online("laptop"));
}

TEST_F(control_connections, a_grant_goes_to_no_credential_that_was_revoked_since_the_endpoint_was_found_online) {
  open();
  ASSERT_EQ(enter(add("laptop"), "laptop"), "ok");
  ASSERT_TRUE(listener_->is_online("laptop"));
  revoke("laptop");
  static_cast<void>(add("laptop"));
  EXPECT_FALSE(deliver("laptop"));
  EXPECT_THAT(counted(), ::testing::HasSubstr(dropped("revoked")));
}

TEST_F(control_connections, the_shared_credential_is_worth_nothing_for_an_id_from_when_that_has_its_own) {
  const auto everybodys = fresh_credential();
  open({.address = {}, .shared = shared_of(everybodys)});
  ASSERT_EQ(enter(everybodys, "laptop"), "ok");
  ASSERT_EQ(enter(everybodys, "phone"), "ok");
  static_cast<void>(add("laptop"));
  EXPECT_FALSE(listener_->is_online("laptop"));
  EXPECT_TRUE(listener_->is_online("phone"));
  static_cast<void>(add("phone"));
  listener_->drop_revoked();
  EXPECT_EQ(listener_->connections(), 0u);
}

TEST_F(control_connections, silent_ones_of_one_address_keep_no_endpoint_from_registering) {
  open({.address = {}, .trusted_proxies = {}});
  const auto colon = listener_->url().rfind(':') + 1;
  const auto port = static_cast<std::uint16_t>(std::stoi(listener_->url().substr(colon)));
  std::vector<asio::ip::tcp::socket> silent;
  flowersec::testing::run(context_, [&]() -> awaitable<void> {
    const endpoint::listen_options whole;
    while (silent.size() < whole.max_handshakes + endpoint::direct_listener::max_refusals_under_way) {
      auto& next = silent.emplace_back(context_, asio::ip::tcp::v4());
      next.bind({asio::ip::make_address("127.0.0.9"), 0});
      co_await next.async_connect({asio::ip::make_address("127.0.0.1"), port}, endpoint::default_token{});
    }
  }());
  EXPECT_EQ(enter(add("laptop"), "laptop"), "ok");
}

TEST_F(control_connections, nobody_is_dropped_for_a_state_file_that_cannot_be_read) {
  open();
  ASSERT_EQ(enter(add("laptop"), "laptop"), "ok");
  spoil_state_file();
  EXPECT_FALSE(listener_->is_online("laptop"));
  listener_->drop_revoked();
  EXPECT_EQ(listener_->connections(), 1u);
}

TEST_F(control_connections, who_registers_while_the_state_file_cannot_be_read_may_come_again) {
  open();
  ASSERT_EQ(enter(add("laptop"), "laptop"), "ok");
  spoil_state_file();
  flowersec::testing::run(
      context_, [&]() -> awaitable<void> { EXPECT_EQ(co_await register_on(sessions_.back(), "laptop"), "503"); }());
  EXPECT_EQ(listener_->connections(), 1u);
  EXPECT_THAT(counted(), ::testing::HasSubstr("registrations_total{outcome=\"503\"} 1"));
}

TEST_F(control_connections, at_the_limit_an_endpoint_takes_the_place_of_its_own_old_connection_and_nobody_elses) {
  const auto everybodys = fresh_credential();
  open({.address = {}, .shared = shared_of(everybodys), .max_connections = 2});
  const auto laptop = add("laptop");
  const auto phone = add("phone");
  ASSERT_EQ(enter(laptop, "laptop"), "ok");
  ASSERT_EQ(enter(everybodys, "tablet"), "ok");
  EXPECT_EQ(enter(laptop, "laptop"), "ok") << "the old one may be half open";
  EXPECT_THAT(counted(), ::testing::HasSubstr(dropped("replaced")));
  EXPECT_TRUE(listener_->is_online("laptop"));
  EXPECT_NE(enter(phone, "phone"), "ok");
  EXPECT_NE(enter(everybodys, "watch"), "ok") << "whoever has the shared one may be somebody else";
  EXPECT_TRUE(listener_->is_online("laptop"));
  EXPECT_TRUE(listener_->is_online("tablet"));
  EXPECT_EQ(listener_->connections(), 2u);
}

}  // namespace
}  // namespace flowersec::apps
