// People who talk through a registry and a tunnel of a test: contacts, a client, and what it was told.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "flowersec/rendezvous/secure_socket_client.h"
#include "flowersec/tunnel/server.h"
#include "support/own_loopback.h"
#include "support/rendezvous_registry.h"
#include "support/run_coroutine.h"

namespace flowersec::testing {

using rendezvous::public_key;

class rendezvous_person {
 public:
  explicit rendezvous_person(asio::io_context& context) : context_(&context) {
    auto self = std::make_shared<identity::identity>(identity::identity::generate(system_random()).value());
    contacts = std::make_shared<identity::contacts>(std::move(self));
    options.contacts = contacts;
    options.reconnect.initial_delay = options.calls.initial_delay = std::chrono::milliseconds{20};
    options.reconnect.max_delay = options.calls.max_delay = std::chrono::milliseconds{100};
    options.calls.max_attempts = 100;
    options.on_message = [this](const rendezvous::received_message& message) {
      if (refuse_next > 0) {
        --refuse_next;
        throw std::runtime_error("not now");
      }
      received.push_back(message.content);
      from.push_back(message.from);
      changed();
    };
    options.on_state = [this](const rendezvous::socket_event& event) {
      events.push_back(event);
      changed();
    };
  }

  [[nodiscard]] const public_key& key() const { return contacts->owner().key(); }
  void knows(const rendezvous_person& other) {
    ASSERT_TRUE(contacts->add(other.key(), "friend " + other.key().short_text()));
  }
  void make(const rendezvous_registry& registry) { make(registry.url(), registry.key()); }
  void make(const std::string& registry_url, const public_key& registry_key) {
    options.registries = {{.url = registry_url, .keys = {registry_key}}};
    make();
  }
  void make() {
    auto made = rendezvous::secure_socket_client::create(context_->get_executor(), options);
    client = std::make_unique<rendezvous::secure_socket_client>(std::move(made.value()));
  }
  void leave() { client.reset(); }

  template <class Event>
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(events, [](const auto& each) { return std::holds_alternative<Event>(each); }));
  }
  [[nodiscard]] std::size_t channels_opened() const {
    return static_cast<std::size_t>(std::ranges::count_if(events, [](const auto& each) {
      const auto* event = std::get_if<rendezvous::channel_changed>(&each);
      return event != nullptr && event->status == rendezvous::channel_status::open;
    }));
  }

  std::shared_ptr<identity::contacts> contacts;
  rendezvous::secure_socket_options options;
  std::unique_ptr<rendezvous::secure_socket_client> client;
  std::vector<std::string> received;
  std::vector<public_key> from;
  std::vector<rendezvous::socket_event> events;
  int refuse_next = 0;
  std::function<void()> changed = [] {};

 private:
  asio::io_context* context_;
};

/// A tunnel and a registry, and waiting for what happens there.
class rendezvous_world {
 public:
  rendezvous_world() : mint(flowersec::count(to_unix_seconds(system_clocks().wall_now()))) {
    start_tunnel(testing_support::own_loopback() + ":0");
    registry = std::make_unique<rendezvous_registry>(context, mint, tunnel_address());
  }
  ~rendezvous_world() {
    if (tunnel) tunnel->stop();
  }
  rendezvous_world(const rendezvous_world&) = delete;
  rendezvous_world& operator=(const rendezvous_world&) = delete;

  void start_tunnel(const std::string& listen) {
    tunnel::server_options options;
    options.listen = listen;
    options.origins.loopback_only = true;
    options.threads = 1;
    options.verifier = mint.verifier();
    tunnel = std::make_unique<tunnel::server>(std::move(options));
    ASSERT_FALSE(tunnel->start());
    address_ = tunnel->bound_address();
  }
  void restart_tunnel() {
    tunnel.reset();
    start_tunnel(address_);
  }
  [[nodiscard]] const std::string& tunnel_address() const { return address_; }

  std::unique_ptr<rendezvous_person> person() {
    auto made = std::make_unique<rendezvous_person>(context);
    made->changed = [this] { happened_.cancel(); };
    return made;
  }
  /// Until `done`, asked at every event of a person.
  asio::awaitable<void> until(std::function<bool()> done) {
    while (!done()) {
      happened_.expires_at(asio::steady_timer::time_point::max());
      (void)co_await happened_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
  void nudge() { happened_.cancel(); }

  asio::io_context context;
  token_mint mint;
  std::unique_ptr<tunnel::server> tunnel;
  std::unique_ptr<rendezvous_registry> registry;

 private:
  asio::steady_timer happened_{context};
  std::string address_;
};

}  // namespace flowersec::testing
