// What is left in a program's memory of the keys of a call and of its people: nothing, once they are closed and gone.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "flowersec/base/base64url.h"
#include "identity/psk_parts.h"
#include "support/process_memory.h"
#include "support/rendezvous_people.h"

namespace flowersec::testing {
namespace {

using namespace rendezvous;
using asio::awaitable;

struct secret {
  const char* name;
  masked_needle needle;
  bool found = false;
};

/// The bytes that `make` returns, masked. It runs in a process of its own: this one never holds them.
masked_needle made_elsewhere(const std::function<byte_buffer()>& make) {
  std::array<int, 2> pipe_ends{};
  EXPECT_EQ(::pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  const auto child = ::fork();
  EXPECT_GE(child, 0);
  if (child == 0) {
    const auto masked = masked_needle{make()}.masked();
    const auto written = ::write(pipe_ends[1], masked.data(), masked.size());
    ::_exit(written == static_cast<ssize_t>(masked.size()) ? 0 : 1);
  }
  ::close(pipe_ends[1]);
  byte_buffer masked(max_needle_bytes);
  const auto got = ::read(pipe_ends[0], masked.data(), masked.size());
  ::close(pipe_ends[0]);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  masked.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return masked_needle::of_masked(std::move(masked));
}

/// As bytes, and as JSON and links carry it.
void add_both(std::vector<secret>& secrets, const char* name, const std::function<byte_buffer()>& make) {
  secrets.push_back({name, made_elsewhere(make)});
  secrets.push_back({name, made_elsewhere([&] { return to_buffer(as_bytes(encode_base64url(make()))); })});
}

void look_for(std::vector<secret>& secrets) {
  for (auto& each : secrets) each.found = false;
  visit_memory(::getpid(), [&](byte_view block) {
    for (auto& each : secrets) each.found = each.found || each.needle.is_in(block);
    return true;
  });
}

bool holds(const std::vector<secret>& secrets, std::string_view name) {
  return std::ranges::any_of(secrets, [&](const auto& each) { return each.found && each.name == name; });
}

class rendezvous_wiping : public ::testing::Test {
 protected:
  rendezvous_wiping() {
    a->knows(*b);
    b->knows(*a);
    world.registry->tamper = [this](const public_key&, server_frame& frame) {
      if (const auto* incoming = std::get_if<incoming_frame>(&frame)) eph_of_caller = incoming->eph;
      // The callee has derived the key, and the caller has not.
      if (const auto* grant = std::get_if<grant_frame>(&frame)) learn(grant->grant.channel_id, grant->eph);
    };
  }

  /// From the private keys of both, and from what the registry has seen.
  void learn(const std::string& channel_id, const public_key& eph_of_callee) {
    const auto& caller = a->contacts->owner();
    const auto& callee = b->contacts->owner();
    add_both(secrets, "psk", [&] {
      const auto dh = caller.agree(callee.key()).value();
      const auto dh_x = callee.agree(*eph_of_caller).value();
      const auto dh_y = caller.agree(eph_of_callee).value();
      const auto info = identity::psk_info("flowersec-rv-psk-v2", channel_id,
                                           {&caller.key(), &callee.key(), &*eph_of_caller, &eph_of_callee});
      return to_buffer(identity::derive_psk("flowersec-rv-psk-v2", {dh.view(), dh_x.view(), dh_y.view()}, info).view());
    });
    add_both(secrets, "dh", [&] { return to_buffer(caller.agree(callee.key()).value().view()); });
    add_both(secrets, "caller", [&] { return to_buffer(caller.export_private().value().view()); });
    add_both(secrets, "callee", [&] { return to_buffer(callee.export_private().value().view()); });
    look_for(secrets);
    for (const auto* name : {"psk", "dh", "caller", "callee"}) EXPECT_TRUE(holds(secrets, name)) << name;
  }
  void expect_gone() {
    look_for(secrets);
    for (const auto& each : secrets) {
      const auto* how = each.needle.masked().size() == identity::key_bytes ? " as bytes" : " as text";
      EXPECT_FALSE(each.found) << each.name << how;
    }
  }

  rendezvous_world world;
  std::unique_ptr<rendezvous_person> a = world.person();
  std::unique_ptr<rendezvous_person> b = world.person();
  std::optional<public_key> eph_of_caller;
  std::vector<secret> secrets;
};

TEST_F(rendezvous_wiping, leaves_neither_the_key_of_a_call_nor_those_of_its_people) {
  const auto talk = [this]() -> awaitable<void> {
    for (auto* each : {a.get(), b.get()}) {
      each->make(*world.registry);
      co_await each->client->async_start();
    }
    co_await a->client->async_send(b->key(), "1");
    co_await b->client->async_send(a->key(), "2");
    co_await a->client->async_close();
    co_await b->client->async_close();
  };
  testing::run(world.context, talk());
  ASSERT_EQ(secrets.size(), 8U);
  EXPECT_EQ(b->received.size() + a->received.size(), 2U);
  look_for(secrets);
  EXPECT_FALSE(holds(secrets, "psk")) << "nobody needs it any more";
  EXPECT_TRUE(holds(secrets, "dh") && holds(secrets, "caller") && holds(secrets, "callee"));
  a.reset();
  b.reset();
  world.context.restart();
  world.context.poll();
  expect_gone();
}

}  // namespace
}  // namespace flowersec::testing
