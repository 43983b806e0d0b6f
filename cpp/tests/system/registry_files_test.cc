// The files of a flowersec-registry that change while it serves: its certificate, its own keys, those of its issuer.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "flowersec/base/base64url.h"
#include "flowersec/rendezvous/secure_socket_client.h"
#include "support/test_certificates.h"
#include "support/tunnel_client.h"
#include "system/registry_world.h"

namespace flowersec::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using enum rv::rendezvous_errc;
using namespace std::chrono_literals;

/// A client of the frames on WebSocket texts, over TLS or not.
class text_client {
 public:
  text_client(const registry_program& program, const std::string& scheme)
      : socket_(program.ready("listen"), {.tls = scheme == "https"}) {
    const auto address = program.ready("listen");
    socket_.send_text("GET /rv/v1/ws HTTP/1.1\r\nHost: " + address + "\r\nOrigin: " + scheme + "://" + address +
                      "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
    EXPECT_THAT(socket_.read_http_head(), StartsWith("HTTP/1.1 101 "));
    challenge = hear_a<rv::challenge_frame>();
  }

  void say(const rv::client_frame& frame) { socket_.send(client_frame(op_text, encode(frame))); }
  template <class Frame>
  Frame hear_a() {
    const auto text = socket_.message();
    auto frame = rv::decode_server_frame(text);
    if (!frame || !std::holds_alternative<Frame>(*frame)) throw std::runtime_error("another frame: " + text);
    return std::move(std::get<Frame>(*frame));
  }
  void enrol(std::uint32_t number) {
    say(registry_client::proof(person(number), challenge));
    EXPECT_TRUE(hear_a<rv::registered_frame>().key == key_of(number));
  }
  /// Whether it is served still.
  bool lives() {
    say(rv::ping_frame{.t = 7});
    return hear_a<rv::pong_frame>().t == 7;
  }
  [[nodiscard]] std::string certificate_digest() const { return socket_.certificate_digest(); }

  rv::challenge_frame challenge;

 private:
  tunnel_client socket_;
};

class registry_files : public ::testing::Test {
 protected:
  void start(process::words more = {}) { program.emplace(folder.path(), std::move(more)); }
  bool hang_up(const std::string& said) {
    program->running().take_err();
    program->running().send_signal(SIGHUP);
    return program->running().wait_for_err(said);
  }
  void use(const test_authority::files& files) const {
    std::filesystem::copy_file(files.chain, chain, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(files.key, key, std::filesystem::copy_options::overwrite_existing);
  }
  [[nodiscard]] std::string digest() const {
    return tunnel_client{program->ready("listen"), {.tls = true}}.certificate_digest();
  }

  temporary_folder folder;
  std::string chain = folder.file("chain.pem");
  std::string key = folder.file("key.pem");
  std::optional<registry_program> program;
};

TEST_F(registry_files, a_new_certificate_is_for_new_connections_and_the_old_ones_live_on) {
  test_authority authority;
  use(authority.issue("IP:127.0.0.1"));
  start({"--tls-cert=" + chain, "--tls-key=" + key});
  EXPECT_THAT(program->ready("http_url"), StartsWith("https://"));
  EXPECT_THAT(program->ready("sealed_url"), StartsWith("wss://"));
  text_client old{*program, "https"};
  old.enrol(1);
  const auto first = digest();
  EXPECT_EQ(old.certificate_digest(), first);

  use(authority.issue("IP:127.0.0.1"));
  ASSERT_TRUE(hang_up("reloaded certificate"));
  const auto second = digest();
  EXPECT_NE(second, first);
  EXPECT_TRUE(old.lives());
  text_client newcomer{*program, "https"};
  EXPECT_EQ(newcomer.certificate_digest(), second);
  newcomer.enrol(2);

  testing_support::write_whole_file(chain, "nothing");
  ASSERT_TRUE(hang_up("reload certificate failed, the old one stays: cannot use --tls-cert " + chain));
  EXPECT_EQ(digest(), second);
  EXPECT_TRUE(old.lives() && newcomer.lives());
  EXPECT_EQ(program->metric("keys"), 2U);
}

TEST_F(registry_files, a_port_with_tls_answers_nothing_in_the_clear) {
  test_authority authority;
  use(authority.issue("IP:127.0.0.1"));
  start({"--tls-cert=" + chain, "--tls-key=" + key});
  EXPECT_EQ(program->get("/").find("200 OK"), std::string::npos);
  tunnel_client client{program->ready("listen"), {.tls = true}};
  client.send_text("GET / HTTP/1.1\r\nHost: " + program->ready("listen") + "\r\n\r\n");
  EXPECT_THAT(client.read_http_head(), StartsWith("HTTP/1.1 200 OK"));
}

awaitable<error_code> register_with(const registry_program& program, endpoint::tls_trust trust,
                                    rv::registry_transport transport) {
  auto self = std::make_shared<identity::identity>(identity::identity::generate(system_random()).value());
  rv::secure_socket_options options;
  options.registries.push_back(
      {.url = "wss://" + program.ready("listen"), .keys = {*rv::public_key::parse(program.ready("registry_key"))}});
  options.contacts = std::make_shared<identity::contacts>(std::move(self));
  options.transport = transport;
  options.trust = std::move(trust);
  options.reconnect.max_attempts = 1;
  options.on_message = [](const rv::received_message&) {};
  auto client = rv::secure_socket_client::create(co_await asio::this_coro::executor, std::move(options)).value();
  const auto [failed] = co_await client.async_start(as_result);
  co_await client.async_close();
  co_return failed;
}

TEST_F(registry_files, clients_register_over_tls_when_they_trust_the_certificate) {
  test_authority authority;
  use(authority.issue("IP:127.0.0.1"));
  start({"--tls-cert=" + chain, "--tls-key=" + key, "--allow-no-origin"});
  const endpoint::tls_trust trust{.ca_pem = authority.ca_pem()};
  const auto body = [&]() -> awaitable<void> {
    for (const auto transport : {rv::registry_transport::sealed, rv::registry_transport::plain}) {
      EXPECT_EQ(co_await register_with(*program, trust, transport), error_code{});
      EXPECT_TRUE((co_await register_with(*program, endpoint::tls_trust{}, transport)).failed());
    }
    EXPECT_EQ(program->metric("registrations_total"), 2U);
  };
  asio::io_context context;
  testing::run(context, body(), 60s);
}

TEST_F(registry_files, a_key_that_left_the_file_is_not_taken_any_more) {
  start();
  text_client old{*program, "http"};
  old.enrol(1);
  ASSERT_EQ(testing_support::run_program("flowersec-registry", {"--new-key"}, {}, folder.path()).exit_code, 0);
  const auto file = folder.file("registry_key.json");
  auto content = boost::json::parse(testing_support::read_whole_file(file)).as_object();
  auto& keys = content.at("keys").as_array();
  ASSERT_EQ(keys.size(), 2U);
  keys.pop_back();
  testing_support::write_whole_file(file, boost::json::serialize(content));
  ASSERT_TRUE(hang_up("reloaded keys"));

  text_client next{*program, "http"};
  ASSERT_EQ(next.challenge.registry_keys.size(), 1U);
  const auto offered = next.challenge.registry_keys.front();
  EXPECT_FALSE(offered == old.challenge.registry_keys.front());
  next.challenge.registry_keys = old.challenge.registry_keys;
  next.say(registry_client::proof(person(2), next.challenge));
  EXPECT_EQ(next.hear_a<rv::error_frame>().code, unknown_registry_key);
  text_client another{*program, "http"};
  another.enrol(2);
  EXPECT_TRUE(old.lives()) << "who is registered stays so";
}

/// Which issuer's key signed the token.
std::string kid_of(const messages::sensitive_text& token) {
  const auto text = token.view();
  const auto first = text.find('.') + 1;
  const auto payload = decode_base64url(text.substr(first, text.find('.', first) - first));
  return std::string{boost::json::parse(as_text(*payload)).as_object().at("kid").as_string()};
}

TEST_F(registry_files, another_issuers_key_signs_the_calls_to_come) {
  start();
  text_client caller{*program, "http"};
  text_client callee{*program, "http"};
  caller.enrol(1);
  callee.enrol(2);
  const auto call = [&](std::uint64_t rid) {
    caller.say(rv::call_frame{.rid = rid, .to = key_of(2), .eph = key_of(900)});
    const auto incoming = callee.hear_a<rv::incoming_frame>();
    callee.say(rv::accept_frame{.call_id = incoming.call_id, .eph = key_of(901)});
    const auto grant = caller.hear_a<rv::grant_frame>();
    EXPECT_EQ(kid_of(grant.grant.token), kid_of(incoming.grant.token));
    return kid_of(grant.grant.token);
  };
  const auto before = call(1);
  const auto other = folder.file("other");
  ASSERT_EQ(
      testing_support::run_program("flowersec-issuer-keygen", {"--out-dir", other, "--kid", "second-key"}).exit_code,
      0);
  std::filesystem::rename(other + "/issuer_key.json", folder.file("issuer_key.json"));
  ASSERT_TRUE(hang_up("reloaded issuer keys"));
  EXPECT_NE(before, "second-key");
  EXPECT_EQ(call(2), "second-key");

  testing_support::write_whole_file(folder.file("issuer_key.json"), "{}");
  ASSERT_TRUE(hang_up("reload issuer keys failed, the old one stays"));
  EXPECT_EQ(call(3), "second-key");
}

TEST_F(registry_files, a_plain_request_for_a_websocket_is_no_refused_origin) {
  start({"--legacy", "--log-level=debug"});
  for (const std::string path : {"/rv/v1/ws", "/rv/v1/sealed", "/legacy"}) {
    const auto answer = program->get(path);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n")) << path;
    EXPECT_THAT(answer, HasSubstr("Sec-Websocket-Version: 13\r\n")) << path;
  }
  EXPECT_EQ(program->metric("origins_refused_total"), 0U);
  // A WebSocket from elsewhere is one.
  tunnel_client stranger{program->ready("listen")};
  EXPECT_THROW(stranger.upgrade({.path = "/rv/v1/ws"}), std::runtime_error);
  ASSERT_TRUE(program->running().wait_for_err("refused an origin"));
  EXPECT_EQ(program->metric("origins_refused_total"), 1U);
  EXPECT_EQ(program->stop().err.find("without Origin"), std::string::npos);
}

}  // namespace
}  // namespace flowersec::testing
