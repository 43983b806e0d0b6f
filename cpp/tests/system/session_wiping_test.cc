// What is left in a process of the keys of a session: of a handshake's, nothing once it is over; of a record key,
// nothing after a rekey; of all of them, nothing when the session has ended.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flowersec/messages/grant_file.h"
#include "support/process.h"
#include "support/random_sources.h"
#include "support/session_pair.h"
#include "support/watched_secrets.h"
#include "unit/endpoint/direct_fixture.h"

namespace flowersec::testing {
namespace {

constexpr std::uint64_t client_seed = 11;
constexpr std::uint64_t server_seed = 12;
constexpr std::uint64_t psk_seed = 13;

/// No byte of it passes through anything but registers and its place.
crypto::psk drawn_psk() {
  crypto::secret_bytes<crypto::psk::size> bytes;
  EXPECT_TRUE(seeded_random{psk_seed}.fill(bytes.mutable_view()));
  return crypto::psk{std::move(bytes)};
}

machine_options with_drawn_psk(machine_options options) {
  if (auto* client = std::get_if<handshake::client_options>(&options.side)) client->psk = drawn_psk();
  if (auto* server = std::get_if<session::server_side>(&options.side)) server->options.psk = drawn_psk();
  return options;
}

/// Draws as seeded_random does, and remembers it.
class remembering_random final : public random_source {
 public:
  explicit remembering_random(std::uint64_t seed) noexcept : drawing_(seed) {}
  [[nodiscard]] bool fill(mutable_byte_view into) noexcept override {
    const bool filled = drawing_.fill(into);
    drawn.push_back(to_buffer(into));
    return filled;
  }
  std::vector<byte_buffer> drawn;

 private:
  seeded_random drawing_;
};

struct handshake_secrets {
  handshake::traffic_keys keys;
  byte_buffer client_private;
  byte_buffer server_private;
};

/// The private key among what was drawn: the one whose public half is in the message.
byte_buffer private_key_in(const remembering_random& random, crypto::suite suite, byte_view message) {
  for (const auto& drawn : random.drawn) {
    const auto pair = crypto::dh_key_pair::from_private(suite, drawn);
    if (pair && as_text(message).find(encode_base64url(pair->public_key())) != std::string_view::npos) return drawn;
  }
  return {};
}

/// The handshake that two machines with these seeds make.
handshake_secrets secrets_of(crypto::suite suite) {
  remembering_random client_draws{client_seed};
  remembering_random server_draws{server_seed};
  const auto now = virtual_time{}.now();
  auto options = with_drawn_psk(client_options_of(suite));
  auto client =
      handshake::client_handshake::begin(std::move(std::get<handshake::client_options>(options.side)), client_draws);
  auto accepting = with_drawn_psk(server_options_of(suite));
  handshake::server_handshake server{std::move(std::get<session::server_side>(accepting.side).options)};
  const auto answer = server.on_frame(client->init_frame(), now, server_draws);
  const auto& response = std::get<handshake::respond>(answer.value()).frame;
  auto finished = client->on_frame(response, now.wall).value();
  return {.keys = std::move(finished.keys),
          .client_private = private_key_in(client_draws, suite, client->init_frame()),
          .server_private = private_key_in(server_draws, suite, response)};
}

/// Without the bytes that X25519 changes before it uses a key.
byte_buffer unclamped(const byte_buffer& key) { return to_buffer(byte_view{key}.subspan(1, key.size() - 2)); }

class session_wiping : public ::testing::TestWithParam<crypto::suite> {
 protected:
  session_wiping() {
    const auto suite = GetParam();
    secrets.add_both("psk", [] { return to_buffer(drawn_psk().view()); });
    secrets.add("client's private key", [=] { return unclamped(secrets_of(suite).client_private); });
    secrets.add("server's private key", [=] { return unclamped(secrets_of(suite).server_private); });
    secrets.add("client's key", [=] { return to_buffer(secrets_of(suite).keys.client_to_server.key.view()); });
    secrets.add("server's key", [=] { return to_buffer(secrets_of(suite).keys.server_to_client.key.view()); });
    secrets.add("client's base", [=] { return to_buffer(secrets_of(suite).keys.client_to_server.rekey_base.view()); });
    secrets.add("server's base", [=] { return to_buffer(secrets_of(suite).keys.server_to_client.rekey_base.view()); });
  }
  void expect(bool held, std::initializer_list<const char*> names, const char* when) {
    secrets.look();
    for (const auto* name : names) EXPECT_EQ(secrets.holds(name), held) << name << ' ' << when;
  }

  watched_secrets secrets;
};

bool carry(machine& from, machine& to, moment now) {
  session::outbox batch{session::no_prefix};
  from.fill(batch, now);
  for (const auto& message : batch.messages()) {
    to.receive(session::message_kind::binary, batch.payload(message), now);
  }
  while (to.poll_event()) {
  }
  return !batch.empty();
}

TEST_P(session_wiping, leaves_nothing_of_a_handshake_a_rekey_and_a_session) {
  const auto now = virtual_time{}.now();
  seeded_random client_random{client_seed};
  seeded_random server_random{server_seed};
  auto client = machine::create(with_drawn_psk(client_options_of(GetParam())), client_random, now);
  auto server = machine::create(with_drawn_psk(server_options_of(GetParam())), server_random, now);
  ASSERT_TRUE(client && server);
  expect(true, {"psk", "client's private key"}, "before the handshake");

  const auto settle = [&] {
    while (carry(*client, *server, now) || carry(*server, *client, now)) {
    }
  };
  settle();
  ASSERT_TRUE(client->has_streams() && server->has_streams());
  expect(true, {"client's key", "server's key", "client's base", "server's base"}, "while the session is up");
  expect(false, {"psk", "client's private key", "server's private key"}, "after the handshake");

  ASSERT_TRUE(client->rekey());
  settle();
  expect(false, {"client's key"}, "after its rekey");
  expect(true, {"server's key"}, "which was not changed");

  client->end(make_error_code(session::session_errc::closed_here), now);
  server->end(make_error_code(session::session_errc::closed_here), now);
  secrets.expect_gone();
}

TEST_P(session_wiping, leaves_nothing_of_a_key_that_came_as_text_and_went_through_sockets) {
  const auto suite = GetParam();
  watched_secrets key;
  key.add_both("psk", [] { return to_buffer(drawn_psk().view()); });
  testing_support::temporary_folder folder;
  const auto file = folder.file("info.json");
  const auto child = ::fork();
  if (child == 0) {
    auto info = info_for("ws://127.0.0.1:9/", static_cast<std::uint16_t>(suite));
    info.e2ee_psk_b64u = messages::sensitive_text{encode_base64url(drawn_psk().view())};
    testing_support::write_whole_file(file, encode(info));
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);

  asio::io_context context;
  const auto talk = [&]() -> awaitable<void> {
    // As a program reads it that wipes what it read.
    auto text = std::make_unique<std::array<char, 1024>>();
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    const auto got = ::read(fd, text->data(), text->size());
    ::close(fd);
    auto info = messages::read_direct_info({text->data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))}).value();
    ::explicit_bzero(text->data(), text->size());

    auto credential = endpoint::fixed_credential::from(info).value();
    auto listener = endpoint::direct_listener::open(context.get_executor(), std::move(credential), listening()).value();
    info.ws_url = listener.url();
    key.look();
    EXPECT_TRUE(key.holds("psk"));
    auto dialling = endpoint::async_connect(context.get_executor(), std::move(info), dial_options());
    both ends;
    ends.client = co_await std::move(dialling);
    ends.server = co_await listener.async_accept();
    co_await ends.client.async_ping();
    co_await ends.client.async_close();
    co_await ends.server.async_close();
    listener.close();
  };
  run(context, talk());
  context.restart();
  context.poll();
  key.expect_gone();
}

INSTANTIATE_TEST_SUITE_P(suites, session_wiping, ::testing::Values(crypto::suite::x25519, crypto::suite::p256),
                         [](const auto& param) { return param.param == crypto::suite::x25519 ? "x25519" : "p256"; });

}  // namespace
}  // namespace flowersec::testing
