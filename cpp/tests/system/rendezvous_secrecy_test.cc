// What the programs in the middle hold while two people talk: neither what is said nor anything that opens it, in their
// memory or in their logs.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "flowersec/base/json.h"
#include "support/process.h"
#include "support/rendezvous_people.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using namespace rendezvous;
using asio::awaitable;
using testing_support::process;

/// Every page that the process can write to.
std::string memory_of(const process& program) {
  const auto folder = "/proc/" + std::to_string(program.pid());
  const int memory = ::open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_GE(memory, 0) << "the memory of a child can be read by its parent's user";
  std::string all;
  std::ifstream maps{folder + "/maps"};
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words{line};
    std::string range;
    std::string rights;
    words >> range >> rights;
    if (!rights.starts_with("rw")) continue;
    const auto from = std::stoull(range, nullptr, 16);
    const auto to = std::stoull(range.substr(range.find('-') + 1), nullptr, 16);
    std::string block(to - from, '\0');
    const auto got = ::pread(memory, block.data(), block.size(), static_cast<off_t>(from));
    if (got > 0) all.append(block, 0, static_cast<std::size_t>(got));
  }
  ::close(memory);
  return all;
}

std::string ready_word(process& program, const char* name) {
  const auto line = program.read_line();
  const auto ready = parse_json_object(line.value_or(""), 1 << 20);
  if (!ready) throw std::runtime_error("no ready line: " + program.wait().err);
  const auto* found = ready->if_contains(name);
  return found == nullptr ? std::string{} : std::string{found->as_string()};
}

std::string as_string(byte_view bytes) { return std::string{as_text(bytes)}; }

TEST(rendezvous_secrecy, neither_registry_nor_tunnel_holds_what_is_said_or_what_opens_it) {
  const testing_support::temporary_folder folder;
  ASSERT_EQ(testing_support::run_program("flowersec-issuer-keygen", {"--out-dir", folder.path()}).exit_code, 0);
  process tunnel{"flowersec-tunnel",
                 {"--listen=127.0.0.1:0", "--issuer-keys-file=" + folder.file("issuer_keys.json"),
                  "--aud=aud-of-this-test", "--iss=iss-of-this-test", "--log-level=debug"}};
  const auto tunnel_address = ready_word(tunnel, "listen");
  process registry{"flowersec-registry",
                   {"--listen=127.0.0.1:0", "--issuer-keys=" + folder.file("issuer_key.json"),
                    "--tunnel-url=ws://" + tunnel_address + "/ws", "--aud=aud-of-this-test", "--iss=iss-of-this-test",
                    "--allow-no-origin", "--log-level=debug"},
                   {},
                   folder.path()};
  const auto registry_address = ready_word(registry, "listen");
  const auto printed = testing_support::run_program("flowersec-registry", {"--print-key"}, {}, folder.path());
  const auto pinned = public_key::parse(printed.out.substr(0, identity::key_characters));
  ASSERT_TRUE(pinned) << printed.out;

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
      each->make("ws://" + registry_address, *pinned);
      co_await each->client->async_start();
    }
    for (int round = 0; round < 20; ++round) {
      co_await a.client->async_send(b.key(), '"' + said + '"');
      co_await b.client->async_send(a.key(), '"' + said + '"');
    }
    in_tunnel = memory_of(tunnel);
    in_registry = memory_of(registry);
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
  tunnel.send_signal(SIGTERM);
  registry.send_signal(SIGTERM);
  for (const auto& log : {tunnel.wait().err, registry.wait().err}) {
    EXPECT_EQ(log.find("midnight"), std::string::npos);
    EXPECT_EQ(log.find(a.key().text()), std::string::npos) << "no more than the first characters of a key";
  }
}

}  // namespace
}  // namespace flowersec::testing
