// A tunnel, a control plane that speaks the frames of a control connection, and clients: what a served endpoint meets.
// Test support. Everything but the tunnel runs on one io_context.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flowersec/endpoint/direct_listener.h"
#include "flowersec/endpoint/serve.h"
#include "flowersec/token/control_frames.h"
#include "flowersec/tunnel/server.h"
#include "support/run_coroutine.h"
#include "support/secret_watch.h"
#include "support/tunnel_grants.h"

namespace flowersec::testing {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

inline constexpr auto with_error = asio::as_tuple(endpoint::default_token{});

/// Runs what is due until `happened`, for at most 60 s.
template <class Condition>
awaitable<void> until(Condition happened) {
  const auto limit = std::chrono::steady_clock::now() + 60s;
  while (!happened() && std::chrono::steady_clock::now() < limit) co_await asio::post(endpoint::default_token{});
  EXPECT_TRUE(happened()) << "it did not happen";
}

/// The control plane's end of control connections.
class test_control_plane {
 public:
  explicit test_control_plane(asio::io_context& context) : context_(context) {}

  /// Listens; after stop() on the same port.
  void start() {
    endpoint::listen_options options;
    options.allowed_origins = {std::string{app_origin}};
    options.port = port_;
    auto opened = endpoint::direct_listener::open(
        context_.get_executor(),
        [this](endpoint::credential_request) -> awaitable<result<endpoint::resolved_credential>> {
          ++asked;
          if (revoked || std::exchange(refuse_next, std::max(refuse_next - 1, 0)) > 0)
            co_return make_error_code(boost::system::errc::permission_denied);
          endpoint::resolved_credential found{.psk = psk(), .init_exp = expiry()};
          co_return found;
        },
        std::move(options));
    listener_.emplace(std::move(opened.value()));
    port_ = listener_->port();
    asio::co_spawn(context_, accept(&*listener_), asio::detached);
  }
  void stop() {
    if (listener_) listener_->close();
    drop_all();
  }
  void drop_all() {
    for (auto& each : std::exchange(sessions_, {})) each.async_close([](error_code) {});
  }

  [[nodiscard]] endpoint::direct_connect_info credential() const {
    endpoint::direct_connect_info info;
    info.ws_url = "ws://127.0.0.1:" + std::to_string(port_) + "/ws";
    info.channel_id = "credential";
    testing_support::secret_watch::instance().remember(psk_text);
    info.e2ee_psk_b64u = messages::sensitive_text{psk_text};
    info.channel_init_expire_at_unix_s = count(expiry());
    info.default_suite = static_cast<messages::direct::v1::suite>(1);
    return info;
  }
  /// To whoever registered last.
  void notify(const std::string& payload) { peers_.at("laptop").notify(token::control_grant_type, payload); }
  [[nodiscard]] bool has(const std::string& id) const { return peers_.contains(id); }

  std::optional<rpc::call_error> refusal;  // of registrations
  bool mute = false;                       // registrations are not answered
  bool revoked = false;                    // handshakes are refused
  int refuse_next = 0;                     // so many of them are
  std::string before_answer;               // a grant that is sent before the registration is answered
  int asked = 0;                           // handshakes
  std::vector<std::string> registrations;

 private:
  static constexpr const char* psk_text = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
  [[nodiscard]] static crypto::psk psk() { return crypto::psk::from_base64url(psk_text).value(); }
  [[nodiscard]] static unix_seconds expiry() {
    return unix_seconds{count(to_unix_seconds(system_clocks().wall_now())) + 3600};
  }

  awaitable<void> accept(endpoint::direct_listener* from) {
    for (;;) {
      auto [failed, up] = co_await from->async_accept(with_error);
      if (failed == endpoint::endpoint_errc::not_connected) co_return;
      if (failed) continue;
      sessions_.push_back(up);
      up.async_serve(endpoint::stream_router{}.on_rpc([this](const endpoint::rpc_peer& to) { return routes(to); }),
                     [](error_code) {});
    }
  }
  rpc::router routes(const endpoint::rpc_peer& to) {
    rpc::router router;
    router.on_request(token::control_register_type, [this, to](const rpc::request& call, rpc::responder answer) {
      const auto id = token::decode_registration(call.payload);
      registrations.push_back(id ? *id : id.error().message);
      if (mute) return kept_.push_back(std::move(answer));
      if (refusal) return answer.fail(refusal->code, refusal->message);
      peers_[*id] = to;
      if (!before_answer.empty()) to.notify(token::control_grant_type, before_answer);
      answer.succeed(token::encode_registered());
    });
    return router;
  }

  asio::io_context& context_;
  std::optional<endpoint::direct_listener> listener_;
  std::uint16_t port_ = 0;
  std::vector<endpoint::session> sessions_;
  std::map<std::string, endpoint::rpc_peer> peers_;
  std::vector<rpc::responder> kept_;
};

class serve_world : public ::testing::Test {
 protected:
  serve_world() : mint_(count(to_unix_seconds(system_clocks().wall_now()))), control(context) {
    tunnel::server_options options;
    options.origins.allowed = {std::string{app_origin}};
    options.verifier = mint_.verifier();
    options.threads = 1;
    tunnel_ = std::make_unique<tunnel::server>(std::move(options));
    EXPECT_FALSE(tunnel_->start());
    control.start();
  }
  ~serve_world() override { tunnel_->stop(); }

  /// Of an endpoint that echoes, and comes back at once.
  [[nodiscard]] endpoint::serve_options serving() {
    endpoint::serve_options options;
    options.control = control.credential();
    options.endpoint_id = " laptop ";
    options.control_connect = dial_plaintext();
    options.attach = dial_plaintext();
    options.reconnect.initial_delay = options.reconnect.max_delay = 5ms;
    options.reconnect.drain_spread = 0ms;
    options.on_registered = [this](const error_code& why) { registered.push_back(why); };
    options.on_session = [this](const endpoint::session&) { ++served; };
    options.router.on("echo", [](flowersec::stream stream) -> awaitable<void> {
      std::array<char, 256> block;
      for (;;) {
        const auto [failed, n] = co_await stream.async_read_some(asio::buffer(block), with_error);
        if (failed) break;
        co_await stream.async_write_some(asio::buffer(block.data(), n), endpoint::default_token{});
      }
      co_await stream.async_shutdown_send(endpoint::default_token{});
    });
    return options;
  }
  void start(endpoint::serve_options options) {
    endpoint::serve(context.get_executor(), std::move(options),
                    asio::bind_cancellation_slot(stop_.slot(), [this](error_code why) { ended = why; }));
  }
  void stop() { stop_.emit(asio::cancellation_type::terminal); }
  [[nodiscard]] auto is_registered() {
    return [this] { return !registered.empty() && !registered.back(); };
  }

  [[nodiscard]] endpoint::channel_init_grant grant(const std::string& channel, endpoint::role as) {
    return make_grant(mint_, tunnel_->bound_address(), channel, as);
  }
  [[nodiscard]] std::string server_grant(const std::string& channel) {
    return encode(grant(channel, endpoint::role::server));
  }
  /// A client asks: the endpoint is told, then the client connects.
  awaitable<endpoint::session> client() {
    const auto channel = "channel-" + std::to_string(++channels_);
    control.notify(server_grant(channel));
    auto up = co_await endpoint::async_connect(context.get_executor(), grant(channel, endpoint::role::client),
                                               dial_plaintext());
    co_return up;
  }
  static awaitable<void> expect_echo(endpoint::session& over) {
    auto stream = co_await over.async_open_stream("echo");
    co_await stream.async_write_some(asio::buffer(std::string{"hello"}), endpoint::default_token{});
    std::array<char, 16> block;
    const auto n = co_await stream.async_read_some(asio::buffer(block), endpoint::default_token{});
    EXPECT_EQ((std::string{block.data(), n}), "hello");
  }

  asio::io_context context;

 private:
  token_mint mint_;
  std::unique_ptr<tunnel::server> tunnel_;
  asio::cancellation_signal stop_;
  int channels_ = 0;

 protected:
  test_control_plane control;
  std::vector<error_code> registered;
  int served = 0;
  std::optional<error_code> ended;
};

}  // namespace flowersec::testing
