// What the programs in the middle hold while two people talk: neither what is said nor anything that opens it, in their
// memory or in their logs.
#include <gtest/gtest.h>

#include "flowersec/base/base64url.h"
#include "support/process_memory.h"
#include "system/rendezvous_programs.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using namespace rendezvous;
using asio::awaitable;

std::string as_string(byte_view bytes) { return std::string{as_text(bytes)}; }

TEST(rendezvous_secrecy, neither_registry_nor_tunnel_holds_what_is_said_or_what_opens_it) {
  rendezvous_programs programs;
  asio::io_context context;
  rendezvous_person a{context};
  rendezvous_person b{context};
  a.knows(b);
  b.knows(a);
  b.options.transport = registry_transport::plain;
  const std::string said = "the owl flies at midnight " + encode_base64url(a.key().view().first(9));
  std::string in_tunnel;
  std::string in_registry;
  const auto body = [&]() -> awaitable<void> {
    for (auto* each : {&a, &b}) {
      each->make(programs.url(), programs.key());
      co_await each->client->async_start();
    }
    for (int round = 0; round < 20; ++round) {
      co_await a.client->async_send(b.key(), '"' + said + '"');
      co_await b.client->async_send(a.key(), '"' + said + '"');
    }
    in_tunnel = memory_of(programs.tunnel().pid());
    in_registry = memory_of(programs.registry().pid());
    co_await a.client->async_close();
    co_await b.client->async_close();
  };
  testing::run(context, body(), 60s);
  EXPECT_EQ(b.received.size(), 20u);

  // What they have to know is found, so the search is one.
  EXPECT_NE(in_registry.find(as_string(a.key().view())), std::string::npos);
  EXPECT_NE(in_tunnel.find("aud-of-this-test"), std::string::npos);
  const auto dh = as_string(a.contacts->get(b.key())->dh.view());
  const auto a_private = as_string(a.contacts->owner().export_private().value().view());
  const auto b_private = as_string(b.contacts->owner().export_private().value().view());
  for (const auto& [name, memory] : {std::pair{"tunnel", &in_tunnel}, std::pair{"registry", &in_registry}}) {
    EXPECT_EQ(memory->find(said), std::string::npos) << name;
    EXPECT_EQ(memory->find("flies at midnight"), std::string::npos) << name;
    for (const auto& secret : {dh, a_private, b_private}) {
      EXPECT_EQ(memory->find(secret), std::string::npos) << name;
      EXPECT_EQ(memory->find(encode_base64url(as_bytes(secret))), std::string::npos) << name;
    }
  }
  programs.tunnel().send_signal(SIGTERM);
  programs.registry().send_signal(SIGTERM);
  for (const auto& log : {programs.tunnel().wait().err, programs.registry().wait().err}) {
    EXPECT_EQ(log.find("midnight"), std::string::npos);
    EXPECT_EQ(log.find(a.key().text()), std::string::npos) << "no more than the first characters of a key";
  }
}

}  // namespace
}  // namespace flowersec::testing
