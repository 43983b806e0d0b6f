// Tickets: what they keep of a grant, and that nothing but a derived key makes one of them usable.
#include <gtest/gtest.h>

#include <type_traits>

#include "flowersec/rendezvous/make_artifact.h"

namespace flowersec::rendezvous {
namespace {

// A key out of a message is bytes, text or crypto::psk. None of them leads to anything one can connect with.
template <class Key>
concept makes_grant = requires(const channel_ticket& ticket, const Key& key) {
  make_grant(ticket, key);
};
template <class Key>
concept makes_artifact = requires(const channel_ticket& ticket, const Key& key) {
  make_artifact(ticket, key);
};
template <class Ticket>
concept has_key = requires(Ticket ticket) {
  ticket.e2ee_psk_b64u;
}
|| requires(Ticket ticket) { ticket.psk; };

static_assert(makes_grant<identity::call_psk> && makes_artifact<identity::call_psk>);
static_assert(!makes_grant<crypto::psk> && !makes_artifact<crypto::psk>);
static_assert(!makes_grant<std::string> && !makes_artifact<std::string>);
static_assert(!makes_grant<messages::sensitive_text> && !makes_grant<byte_buffer>);
static_assert(!std::is_constructible_v<identity::call_psk, crypto::psk>);
static_assert(!std::is_constructible_v<identity::call_psk, std::string>);
static_assert(!std::is_default_constructible_v<identity::call_psk>);
static_assert(!has_key<channel_ticket> && has_key<channel_init_grant>);
static_assert(!std::is_convertible_v<channel_ticket, channel_init_grant>);
static_assert(!std::is_constructible_v<channel_init_grant, channel_ticket>);
static_assert(!std::is_copy_constructible_v<channel_ticket>);

channel_ticket some_ticket() {
  channel_ticket ticket;
  ticket.tunnel_url = "wss://t.example/ws";
  ticket.channel_id = "c";
  ticket.init_expires = unix_seconds{1'790'000'000};
  ticket.idle_timeout = std::chrono::seconds{300};
  ticket.role = ticket_role::server;
  ticket.token = messages::sensitive_text{"FST2.a.b"};
  ticket.allowed_suites = {ticket_suite::x25519_hkdf_sha256_aes_256_gcm};
  return ticket;
}

identity::identity made_of(char filler) {
  const std::string bytes(identity::key_bytes, filler);
  return identity::identity::from_private(as_bytes(bytes)).value();
}

identity::ephemeral_key ephemeral_of(char filler) {
  const std::string bytes(identity::key_bytes, filler);
  return identity::ephemeral_key{identity::key_pair::from_private(as_bytes(bytes)).value()};
}

TEST(channel_ticket, the_key_of_a_minted_grant_goes_no_further) {
  channel_init_grant grant;
  grant.tunnel_url = "wss://t.example/ws";
  grant.channel_id = "c";
  grant.channel_init_expire_at_unix_s = 1'790'000'000;
  grant.idle_timeout_seconds = 300;
  grant.role = ticket_role::server;
  grant.token = messages::sensitive_text{"FST2.a.b"};
  grant.e2ee_psk_b64u = messages::sensitive_text{"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"};
  grant.allowed_suites = {ticket_suite::x25519_hkdf_sha256_aes_256_gcm};
  grant.default_suite = ticket_suite::x25519_hkdf_sha256_aes_256_gcm;
  const auto ticket = to_ticket(std::move(grant));
  EXPECT_TRUE(ticket == some_ticket());
  const auto text = encode_ticket(ticket);
  EXPECT_EQ(text.find("BBBB"), std::string::npos);
  EXPECT_NE(text.find(R"("e2ee_psk_b64u":")" + std::string(43, 'A') + '"'), std::string::npos);
  const auto read = messages::controlplane::v1::decode_channel_init_grant(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->token.view(), "FST2.a.b");
}

TEST(channel_ticket, a_clone_is_the_same_and_reads_back) {
  const auto ticket = some_ticket();
  EXPECT_TRUE(ticket.clone() == ticket);
  const auto read = decode_ticket(encode_ticket(ticket));
  ASSERT_TRUE(read);
  EXPECT_TRUE(*read == ticket);
  EXPECT_FALSE(decode_ticket("[]"));
}

TEST(channel_ticket, both_ends_make_grants_of_the_same_key) {
  const auto caller = std::make_shared<const identity::identity>(made_of('a'));
  const auto callee = std::make_shared<const identity::identity>(made_of('b'));
  identity::contacts of_caller{caller};
  identity::contacts of_callee{callee};
  const auto* to = of_caller.add(callee->key(), "callee").value();
  const auto* from = of_callee.add(caller->key(), "caller").value();
  const auto x = ephemeral_of('x');
  const auto y = ephemeral_of('y');
  auto ticket = some_ticket();
  const identity::call_derivation calls{
      .own = *caller, .peer = *to, .own_ephemeral = x, .peer_ephemeral = y.key(), .channel_id = ticket.channel_id};
  const identity::call_derivation called{
      .own = *callee, .peer = *from, .own_ephemeral = y, .peer_ephemeral = x.key(), .channel_id = ticket.channel_id};
  const auto at_caller = calls.derive(identity::call_role::caller).value();
  const auto at_callee = called.derive(identity::call_role::callee).value();

  const auto server = make_grant(ticket, at_callee);
  EXPECT_EQ(server.role, ticket_role::server);
  EXPECT_EQ(server.e2ee_psk_b64u.view(), at_callee.value().to_base64url());
  EXPECT_EQ(server.token.view(), "FST2.a.b");
  ticket.role = ticket_role::client;
  const auto artifact = make_artifact(ticket, at_caller);
  const auto& client = std::get<channel_init_grant>(artifact.target);
  EXPECT_EQ(client.role, ticket_role::client);
  EXPECT_EQ(client.e2ee_psk_b64u.view(), server.e2ee_psk_b64u.view());
  EXPECT_EQ(client.channel_id, "c");
  EXPECT_EQ(client.channel_init_expire_at_unix_s, 1'790'000'000);
  EXPECT_EQ(client.idle_timeout_seconds, 300);
}

}  // namespace
}  // namespace flowersec::rendezvous
