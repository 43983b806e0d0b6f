// The life of two programs around the control plane's program, with one call each: serve() and async_connect(source).
#include "controlplane_world.h"
#include "flowersec/endpoint/reconnect_manager.h"
#include "flowersec/endpoint/serve.h"
#include "flowersec/sources/controlplane.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;

/// A server that is kept registered, and what became of it.
class kept_endpoint {
 public:
  kept_endpoint(controlplane_world& world, const std::string& endpoint_id) : context_(world.context) {
    endpoint::serve_options options;
    options.control = world.add_endpoint(endpoint_id);
    options.endpoint_id = endpoint_id;
    options.control_connect = options.attach = loopback_options();
    options.reconnect.initial_delay = options.reconnect.max_delay = 50ms;
    rpc::router calls;
    calls.on_request(greeting_type, [endpoint_id](const rpc::request&, rpc::responder answer) {
      answer.succeed('"' + endpoint_id + '"');
    });
    options.router.on_rpc(std::move(calls));
    options.on_registered = [this](const error_code& lost) {
      ++(lost ? losses_ : registered_);
      changed();
    };
    endpoint::serve(context_.get_executor(), std::move(options), [this](const error_code& why) {
      ended_ = why;
      changed();
    });
  }

  awaitable<void> until_registered(int times) {
    while (registered_ < times && !ended_) co_await change();
    EXPECT_FALSE(ended_) << ended_->message();
  }
  /// So many times that it is not registered.
  awaitable<void> until_told(int times) {
    while (losses_ < times && !ended_) co_await change();
    EXPECT_FALSE(ended_) << ended_->message();
  }
  [[nodiscard]] int registrations() const noexcept { return registered_; }

 private:
  awaitable<void> change() { co_await change_.async_wait(with_error); }
  void changed() { change_.cancel(); }

  asio::io_context& context_;
  asio::steady_timer change_{context_, asio::steady_timer::time_point::max()};
  int registered_ = 0;
  int losses_ = 0;
  std::optional<error_code> ended_;
};

/// A connection that is kept, and what the endpoint answers on it.
awaitable<std::string> meet_kept(controlplane_world& world, std::string endpoint_id) {
  const auto executor = world.context.get_executor();
  auto source = sources::from_controlplane(executor, {.client = world.asking(), .endpoint_id = std::move(endpoint_id)});
  auto options = loopback_options();
  auto [failed, connection] = co_await endpoint::async_connect(
      executor, std::move(source), std::move(options), endpoint::reconnect_options{.enabled = true}, with_error);
  if (failed) co_return failed.message();
  auto calls = connection.rpc();
  std::string payload{"{}"};
  auto [lost, reply] = co_await calls.async_call(greeting_type, std::move(payload), with_error);
  co_await connection.async_disconnect(with_error);
  co_return lost ? lost.message() : reply.payload;
}

TEST(controlplane_life, one_call_each_is_all_that_two_programs_need) {
  controlplane_world world;
  kept_endpoint laptop{world, "laptop"};
  run(world.context, [&]() -> awaitable<void> {
    co_await laptop.until_registered(1);
    EXPECT_EQ(co_await meet_kept(world, "laptop"), "\"laptop\"");
  }());
}

TEST(controlplane_life, an_endpoint_is_there_again_after_the_control_plane_was_killed) {
  controlplane_world world;
  kept_endpoint laptop{world, "laptop"};
  run(world.context, [&]() -> awaitable<void> {
    co_await laptop.until_registered(1);
    world.kill();
    world.start();
    co_await laptop.until_registered(2);
    EXPECT_EQ(co_await meet_kept(world, "laptop"), "\"laptop\"");
  }());
}

TEST(controlplane_life, an_endpoint_whose_credential_is_revoked_is_told_so_and_never_registered_again) {
  controlplane_world world;
  kept_endpoint laptop{world, "laptop"};
  kept_endpoint phone{world, "phone"};
  run(world.context, [&]() -> awaitable<void> {
    co_await laptop.until_registered(1);
    co_await phone.until_registered(1);
    EXPECT_EQ(world.command({"revoke-endpoint", "--endpoint-id", "laptop"}).exit_code, 0);
    co_await laptop.until_told(7);  // the loss, and more refusals than one would give up after
    EXPECT_EQ(laptop.registrations(), 1);
    EXPECT_EQ(co_await meet_kept(world, "phone"), "\"phone\"") << "nobody else is harmed";
  }());
}

}  // namespace
}  // namespace flowersec::testing
