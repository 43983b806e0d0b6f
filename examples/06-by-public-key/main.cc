// Two people who know each other's public key, a registry that finds them for each other, and a tunnel: in one process.
//
//   ./by-public-key
//
// Registry and tunnel see who talks to whom and when, and nothing of what is said. See docs/SECURE_WEBSOCKET.md.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

#include "flowersec/rendezvous/registry_server.h"
#include "flowersec/rendezvous/secure_socket_client.h"
#include "flowersec/tunnel/server.h"

namespace asio = boost::asio;
namespace identity = flowersec::identity;
namespace rendezvous = flowersec::rendezvous;
using asio::awaitable;

// What somebody else runs: flowersec-tunnel and flowersec-registry do the same as programs.
class infrastructure {
 public:
  explicit infrastructure(asio::io_context& context) {
    flowersec::token::keyset keys;
    for (const auto& [kid, key] : issuer_->public_keys()) keys.add(kid, key);
    flowersec::tunnel::server_options tunnel;
    tunnel.origins.loopback_only = true;
    tunnel.verifier = flowersec::tunnel::make_single_tenant_verifier(std::move(keys), "example", "registry");
    tunnel_ = std::make_unique<flowersec::tunnel::server>(std::move(tunnel));
    if (const auto failed = tunnel_->start()) throw boost::system::system_error{failed};

    flowersec::controlplane::channel_init_options grants;
    grants.tunnel_url = "ws://" + tunnel_->bound_address() + "/ws";
    grants.audience = "example";
    grants.issuer = "registry";
    grants.idle_timeout = rendezvous::call_idle_timeout;
    rendezvous::registry_options options;
    options.keys = [keyring = keyring_] { return keyring; };
    options.mint = rendezvous::make_mint(issuer_, grants);
    options.port = rendezvous::registry_port_options{.listen = {asio::ip::address_v4::loopback(), 0}};
    registry_ = std::make_unique<rendezvous::registry_server>(
        rendezvous::registry_server::open(context.get_executor(), std::move(options)).value());
  }
  ~infrastructure() { tunnel_->stop(); }
  infrastructure(const infrastructure&) = delete;
  infrastructure& operator=(const infrastructure&) = delete;

  // What people are told beforehand.
  [[nodiscard]] rendezvous::registry_address address() const {
    return {.url = "ws://127.0.0.1:" + std::to_string(registry_->port()),
            .keys = {identity::public_key::from_bytes(keyring_->current().public_half().view()).value()}};
  }
  [[nodiscard]] awaitable<void> stop() const { co_await registry_->async_stop(); }

 private:
  std::shared_ptr<flowersec::controlplane::issuer_keyset> issuer_ =
      std::make_shared<flowersec::controlplane::issuer_keyset>(
          flowersec::controlplane::issuer_keyset::generate("k1", flowersec::system_random()).value());
  std::shared_ptr<const flowersec::sealed::keyring> keyring_ =
      std::make_shared<const flowersec::sealed::keyring>(flowersec::sealed::keyring::entry{
          .key = flowersec::sealed::key_pair::generate(flowersec::system_random()).value()});
  std::unique_ptr<flowersec::tunnel::server> tunnel_;
  std::unique_ptr<rendezvous::registry_server> registry_;
};

std::shared_ptr<identity::contacts> somebody() {
  return std::make_shared<identity::contacts>(
      std::make_shared<identity::identity>(identity::identity::generate(flowersec::system_random()).value()));
}

rendezvous::secure_socket_client client_of(asio::io_context& context, const std::shared_ptr<identity::contacts>& who,
                                           const infrastructure& somewhere) {
  rendezvous::secure_socket_options options;
  options.registries = {somewhere.address()};
  options.contacts = who;
  options.on_message = [who](const rendezvous::received_message& message) {
    std::cout << "from " << who->get(message.from)->name << ": " << message.content << '\n';
  };
  return rendezvous::secure_socket_client::create(context.get_executor(), std::move(options)).value();
}

awaitable<void> talk(asio::io_context& context) {
  const infrastructure somewhere{context};
  const auto alice = somebody();
  const auto bob = somebody();
  const auto alices_key = alice->owner().key();
  const auto bobs_key = bob->owner().key();
  alice->add(bobs_key, "Bob").value();
  bob->add(alices_key, "Alice").value();
  std::cout << "to compare: " << identity::pair_fingerprint(alices_key, bobs_key) << '\n';

  auto alices = client_of(context, alice, somewhere);
  auto bobs = client_of(context, bob, somewhere);
  co_await alices.async_start();
  co_await bobs.async_start();

  std::string question = R"({"text":"are you there?"})";
  co_await alices.async_send(bobs_key, std::move(question));
  std::string answer = R"({"text":"yes"})";
  co_await bobs.async_send(alices_key, std::move(answer));
  std::cout << "both arrived\n";

  co_await alices.async_close();
  co_await bobs.async_close();
  co_await somewhere.stop();
}

int main() {
  asio::io_context context;
  int outcome = 1;
  asio::co_spawn(context, talk(context), [&](const std::exception_ptr& failed) {
    try {
      if (failed) std::rethrow_exception(failed);
      outcome = 0;
    } catch (const std::exception& error) {
      std::cerr << "failed: " << error.what() << '\n';
    }
  });
  context.run();
  return outcome;
}
