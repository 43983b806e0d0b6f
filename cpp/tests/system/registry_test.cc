// flowersec-registry as people run it: registrations, calls, files, signals, pages, and what its log says.
#include <filesystem>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json_frame.h"
#include "flowersec/endpoint/connect.h"
#include "system/registry_world.h"

namespace flowersec::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using enum rv::rendezvous_errc;
using namespace std::chrono_literals;

class registry : public ::testing::Test {
 protected:
  void start(process::words more = {}) { program.emplace(folder.path(), std::move(more)); }
  void run(awaitable<void> body) { testing::run(context, std::move(body), 60s); }
  awaitable<registry_client> open(std::string path = "/rv/v1/ws") {
    return registry_client::open(program->port(), loopback_number(++addresses), std::move(path));
  }
  awaitable<registry_client> registered(std::uint32_t number, bool replace = false, char instance = 'i') {
    return registry_client::registered(program->port(), loopback_number(++addresses), number, replace, instance);
  }

  temporary_folder folder;
  std::optional<registry_program> program;
  asio::io_context context;
  unsigned addresses = 0;
};

rv::call_frame call_to(std::uint32_t number, std::uint64_t rid) {
  return {.rid = rid, .to = key_of(number), .eph = key_of(900)};
}

/// The claims of a token, as the tunnel reads them.
boost::json::object claims_of(const messages::sensitive_text& token) {
  const auto text = token.view();
  const auto first = text.find('.');
  const auto payload = text.substr(first + 1, text.find('.', first + 1) - first - 1);
  return boost::json::parse(as_text(*decode_base64url(payload))).as_object();
}

awaitable<void> accepted_call(registry_client& caller, registry_client& callee) {
  co_await caller.say(call_to(2, 1));
  const auto incoming = co_await callee.hear_a<rv::incoming_frame>();
  EXPECT_TRUE(incoming.from == key_of(1));
  const rv::accept_frame accept{.call_id = incoming.call_id, .eph = key_of(901)};
  co_await callee.say(accept);
  const auto grant = co_await caller.hear_a<rv::grant_frame>();
  EXPECT_EQ(grant.grant.channel_id, incoming.grant.channel_id);
  EXPECT_EQ(decode_base64url(grant.grant.channel_id)->size(), 24U);
  EXPECT_EQ(grant.grant.idle_timeout, 300s);
  EXPECT_EQ(grant.grant.tunnel_url, "ws://127.0.0.1:9/ws");
  EXPECT_EQ(grant.grant.allowed_suites.size(), 1U);
  const auto claims = claims_of(grant.grant.token);
  EXPECT_EQ(claims.at("aud").as_string(), "tunnel");
  EXPECT_EQ(claims.at("iss").as_string(), "registry");
  EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 60);
  // Nothing about the pair.
  const auto all = boost::json::serialize(claims);
  for (const auto number : {1U, 2U, 900U, 901U}) {
    EXPECT_EQ(all.find(key_of(number).text()), std::string::npos);
    EXPECT_EQ(all.find(key_of(number).short_text()), std::string::npos);
  }
}

TEST_F(registry, hands_both_ends_of_a_call_their_grants) {
  start({"--log-level=debug"});
  const auto body = [this]() -> awaitable<void> {
    auto caller = co_await registered(1);
    auto callee = co_await registered(2);
    co_await accepted_call(caller, callee);
    EXPECT_EQ(program->metric("keys"), 2U);
    EXPECT_EQ(program->metric("calls_total{outcome=\"accepted\"}"), 1U);
  };
  run(body());
  const auto ended = program->stop();
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.err, HasSubstr("registered key=" + key_of(1).short_text()));
  for (const auto number : {1U, 2U}) EXPECT_THAT(ended.err, Not(HasSubstr(key_of(number).text())));
}

TEST_F(registry, refuses_what_proves_nothing) {
  start();
  const auto body = [this]() -> awaitable<void> {
    for (const std::string how : {"other key", "other challenge", "other registry", "small order"}) {
      auto client = co_await open();
      auto challenge = co_await client.hear_a<rv::challenge_frame>();
      const auto who = person(1);
      if (how == "other challenge") challenge.challenge[0] ^= std::byte{1};
      if (how == "other registry") challenge.registry_keys = {key_of(77)};
      auto frame = registry_client::proof(who, challenge);
      if (how == "other key") frame.key = key_of(2);
      auto text = encode(rv::client_frame{frame});
      if (how == "small order") text.replace(text.find(who.key().text()), 43, std::string(43, 'A'));
      co_await client.say_text(text);
      const auto error = co_await client.hear_a<rv::error_frame>();
      EXPECT_TRUE(error.fatal);
      EXPECT_EQ(error.code, how == "other registry" ? unknown_registry_key
                            : how == "small order"  ? invalid_frame
                                                    : proof_failed)
          << how;
      EXPECT_FALSE(co_await client.hear());
      EXPECT_EQ(client.close_code, 1008);
    }
    auto twice = co_await open();
    const auto challenge = co_await twice.hear_a<rv::challenge_frame>();
    const auto frame = registry_client::proof(person(1), challenge);
    co_await twice.say(frame);
    co_await twice.hear_a<rv::registered_frame>();
    co_await twice.say(frame);
    EXPECT_EQ((co_await twice.hear_a<rv::error_frame>()).code, invalid_frame);
  };
  run(body());
}

TEST_F(registry, a_second_process_must_ask_to_replace) {
  start();
  const auto body = [this]() -> awaitable<void> {
    auto first = co_await registered(1);
    auto second = co_await open();
    const auto challenge = co_await second.hear_a<rv::challenge_frame>();
    const auto frame = registry_client::proof(person(1), challenge, false, 'j');
    co_await second.say(frame);
    EXPECT_EQ((co_await second.hear_a<rv::error_frame>()).code, already_registered);
    auto third = co_await registered(1, true, 'k');
    EXPECT_EQ((co_await first.hear_a<rv::error_frame>()).code, replaced);
    EXPECT_FALSE(co_await first.hear());
    EXPECT_EQ(first.close_code, 1008);
    // Its own process needs no word.
    auto fourth = co_await registered(1, false, 'k');
    EXPECT_FALSE(co_await third.hear());
    EXPECT_EQ(third.close_code, 1000);
    EXPECT_EQ(program->metric("keys"), 1U);
  };
  run(body());
}

TEST_F(registry, frames_too_long_end_the_connection) {
  start();
  const auto body = [this]() -> awaitable<void> {
    auto client = co_await registered(1);
    std::string text = R"({"type":"ping","t":1})";
    co_await client.say_text(text + std::string(rv::max_registry_frame_bytes - text.size(), ' '));
    co_await client.hear_a<rv::pong_frame>();
    co_await client.say_text(text + std::string(rv::max_registry_frame_bytes + 1 - text.size(), ' '));
    EXPECT_EQ((co_await client.hear_a<rv::error_frame>()).code, invalid_frame);
    auto binary = co_await registered(2);
    co_await binary.say_text(text, ws::opcode::binary);
    EXPECT_EQ((co_await binary.hear_a<rv::error_frame>()).code, invalid_frame);
  };
  run(body());
}

TEST_F(registry, an_address_that_registers_too_often_is_refused) {
  start();
  const auto body = [this]() -> awaitable<void> {
    const auto from = loopback_number(200);
    // Registrations can be had back only as time passes: the fifth in less than a quarter of a second is one too many.
    const auto begin = std::chrono::steady_clock::now();
    std::vector<registry_client> clients;
    auto refused = co_await registry_client::open(program->port(), from);
    auto heard = co_await refused.hear();
    while (heard && std::holds_alternative<rv::challenge_frame>(*heard)) {
      const auto number = static_cast<std::uint32_t>(clients.size() + 1);
      const auto proof = registry_client::proof(person(number), std::get<rv::challenge_frame>(*heard));
      co_await refused.say(proof);
      co_await refused.hear_a<rv::registered_frame>();
      clients.push_back(std::move(refused));
      refused = co_await registry_client::open(program->port(), from);
      heard = co_await refused.hear();
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(clients.size(), 4U);
    EXPECT_LE(static_cast<double>(clients.size()), 4 + 4 * taken.count());
    EXPECT_EQ(std::get<rv::error_frame>(heard.value()).code, rate_limited);
    EXPECT_FALSE(co_await refused.hear());
    EXPECT_EQ(refused.close_code, 1008);
    EXPECT_EQ(program->metric("sockets_refused_total"), 1U);
  };
  run(body());
}

TEST_F(registry, with_pow_it_asks_for_work_instead) {
  start({"--pow"});
  const auto body = [this]() -> awaitable<void> {
    const auto from = loopback_number(200);
    std::vector<registry_client> clients;
    const auto next = [&] { return static_cast<std::uint32_t>(clients.size() + 1); };
    auto lazy = co_await registry_client::open(program->port(), from);
    auto challenge = co_await lazy.hear_a<rv::challenge_frame>();
    // More than four are free of it on a machine that stands still meanwhile.
    while (!challenge.pow_bits) {
      const auto answer = registry_client::proof(person(next()), challenge);
      co_await lazy.say(answer);
      co_await lazy.hear_a<rv::registered_frame>();
      clients.push_back(std::move(lazy));
      lazy = co_await registry_client::open(program->port(), from);
      challenge = co_await lazy.hear_a<rv::challenge_frame>();
    }
    EXPECT_GE(clients.size(), 4U);
    EXPECT_EQ(challenge.pow_bits, 16U);
    EXPECT_EQ(challenge.expires_in_s, 30U);
    challenge.pow_bits.reset();
    const auto frame = registry_client::proof(person(next()), challenge);
    co_await lazy.say(frame);
    EXPECT_EQ((co_await lazy.hear_a<rv::error_frame>()).code, pow_required);
    while (program->metric("proofs_of_work_asked_total") < 2U) {
      clients.push_back(co_await registry_client::registered(program->port(), from, next()));
    }
    EXPECT_EQ(program->metric("proofs_of_work_asked_total"), 2U);
  };
  run(body());
}

TEST_F(registry, the_same_frames_travel_in_a_sealed_connection) {
  start({"--allow-origin=https://chat.example"});
  const auto body = [this]() -> awaitable<void> {
    endpoint::sealed_connect_info info{.ws_url = program->ready("sealed_url"),
                                       .server_keys = {*sealed::public_key::parse(program->ready("registry_key"))}};
    endpoint::connect_options options;
    options.origin = "https://chat.example";
    options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
    auto session =
        co_await endpoint::async_connect(co_await asio::this_coro::executor, info, options, asio::use_awaitable);
    auto frames = co_await session.async_open_stream(std::string{rv::registry_stream_kind}, asio::use_awaitable);
    json_frame_splitter splitter{rv::max_registry_frame_bytes};
    std::array<std::byte, 4096> buffer{};
    const auto hear = [&]() -> awaitable<rv::server_frame> {
      const auto bytes = co_await frames.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      byte_view rest{buffer.data(), bytes};
      EXPECT_EQ(splitter.consume(rest), json_frame_splitter::status::frame);
      co_return rv::decode_server_frame(splitter.text()).value();
    };
    const auto challenge = std::get<rv::challenge_frame>(co_await hear());
    const auto proof = encode_json_frame(encode(rv::client_frame{registry_client::proof(person(1), challenge)}));
    co_await asio::async_write(frames, asio::buffer(proof), asio::use_awaitable);
    const auto done = co_await hear();
    EXPECT_TRUE(std::holds_alternative<rv::registered_frame>(done));
    EXPECT_EQ(program->metric("keys"), 1U);
    co_await session.async_close(asio::use_awaitable);
  };
  run(body());
}

TEST_F(registry, tells_its_clients_that_it_ends) {
  start();
  std::optional<registry_client> client;
  const auto before = [&]() -> awaitable<void> { client = co_await registered(1); };
  run(before());
  program->running().send_signal(SIGTERM);
  const auto after = [&]() -> awaitable<void> {
    EXPECT_EQ((co_await client->hear_a<rv::error_frame>()).code, shutting_down);
    EXPECT_FALSE(co_await client->hear());
    EXPECT_EQ(client->close_code, 1001);
  };
  run(after());
  client->abort();
  EXPECT_EQ(program->running().wait().exit_code, 0);
}

TEST_F(registry, tells_those_who_are_nobody_yet_that_it_ends) {
  start();
  registry_client clear;
  registry_client sealed;
  const asio::ip::address here = asio::ip::address_v4::loopback();
  const auto before = [&]() -> awaitable<void> {
    clear = co_await registry_client::open(program->port(), here, std::string{rv::registry_ws_path});
    sealed = co_await registry_client::open(program->port(), here, std::string{rv::registry_sealed_path});
  };
  run(before());
  while (program->metric("sockets") < 2) {
  }
  program->running().send_signal(SIGTERM);
  const auto after = [&]() -> awaitable<void> {
    while (co_await clear.hear_text()) {
    }
    EXPECT_EQ(clear.close_code, 1001);
    EXPECT_FALSE(co_await sealed.hear_text());
    EXPECT_EQ(sealed.close_code, 1001);
  };
  run(after());
  clear.abort();
  sealed.abort();
  EXPECT_EQ(program->running().wait().exit_code, 0);
}

TEST_F(registry, a_start_that_fails_leaves_no_key_behind) {
  start();
  temporary_folder other;
  auto words = registry_program::arguments(other.path(), {"--listen=" + program->ready("listen")});
  const auto taken = testing_support::run_program("flowersec-registry", words, {}, other.path());
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_THAT(taken.err, HasSubstr("--listen"));
  words.back() = "--tls-cert=none.pem";
  words.push_back("--tls-key=none.pem");
  EXPECT_EQ(testing_support::run_program("flowersec-registry", words, {}, other.path()).exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(other.file("registry_key.json")));
  const registry_program good{other.path()};
  EXPECT_TRUE(std::filesystem::exists(other.file("registry_key.json")));
}

TEST_F(registry, a_new_key_is_offered_and_the_old_one_still_taken) {
  start();
  const auto old_key = *identity::public_key::parse(program->ready("registry_key"));
  const auto made = testing_support::run_program("flowersec-registry", {"--new-key"}, {}, folder.path());
  ASSERT_EQ(made.exit_code, 0) << made.err;
  ASSERT_TRUE(program->running().wait_for_err("reloaded keys"));
  const auto shown = testing_support::run_program("flowersec-registry", {"--print-key"}, {}, folder.path());
  EXPECT_EQ(shown.out, made.out);
  const auto body = [&]() -> awaitable<void> {
    auto client = co_await open();
    auto challenge = co_await client.hear_a<rv::challenge_frame>();
    EXPECT_EQ(challenge.registry_keys.size(), 2U);
    EXPECT_EQ(challenge.registry_keys[0].text(), made.out.substr(0, 43));
    EXPECT_TRUE(challenge.registry_keys[1] == old_key);
    challenge.registry_keys = {old_key};
    const auto frame = registry_client::proof(person(1), challenge);
    co_await client.say(frame);
    co_await client.hear_a<rv::registered_frame>();
  };
  run(body());
  testing_support::write_whole_file(folder.file("registry_key.json"), "{}");
  EXPECT_TRUE(program->running().wait_for_err("reload keys failed, the old one stays"));
}

TEST_F(registry, its_page_says_how_to_connect_and_brings_no_code) {
  start({"--legacy"});
  const auto page = program->get("/");
  EXPECT_THAT(page, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(page, HasSubstr(program->ready("registry_key")));
  EXPECT_THAT(page, HasSubstr("/rv/v1/sealed"));
  EXPECT_THAT(page, HasSubstr("/legacy"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(program->get("/" + key_of(1).text()), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(program->get("/healthz"), HasSubstr("HTTP/1.1 200 OK"));
  for (const std::string path : {"/other", "/metrics", "/rv/v1/other"}) {
    EXPECT_THAT(program->get(path), HasSubstr("HTTP/1.1 404"));
  }
}

TEST_F(registry, the_compatible_mode_is_off_unless_asked_for) {
  start();
  const auto body = [this]() -> awaitable<void> {
    EXPECT_FALSE(co_await open("/legacy"));
    EXPECT_FALSE(co_await open("/" + key_of(1).text()));
  };
  run(body());
}

/// Registers in the compatible mode at a path.
awaitable<std::string> register_legacy(registry_client& client, std::uint32_t number) {
  const auto challenge = boost::json::parse((co_await client.hear_text()).value()).as_object();
  const auto who = person(number);
  const auto server = identity::public_key::parse(challenge.at("from").as_string()).value();
  const auto secret = identity::legacy_secret_of(who, server).value();
  std::array<std::byte, 24> nonce{};
  EXPECT_TRUE(decode_base64url_into(challenge.at("nonce").as_string(), nonce));
  const boost::json::object response{
      {"type", "CHALLENGE_RESPONSE"},
      {"from", who.key().text()},
      {"to", challenge.at("from")},
      {"nonce", challenge.at("nonce")},
      {"message", identity::legacy_seal(secret, nonce, challenge.at("challengeText").as_string())}};
  co_await client.say_text(boost::json::serialize(response));
  co_return (co_await client.hear_text()).value_or("");
}

TEST_F(registry, clients_of_the_original_reach_each_other) {
  start({"--legacy"});
  const auto body = [this]() -> awaitable<void> {
    auto alice = co_await open("/" + key_of(1).text());
    auto bob = co_await open("/legacy");
    EXPECT_EQ(co_await register_legacy(alice, 1), R"({"type":"REGISTER_SUCCESS"})");
    EXPECT_EQ(co_await register_legacy(bob, 2), R"({"type":"REGISTER_SUCCESS"})");
    const boost::json::object envelope{{"type", "MESSAGE"},
                                       {"from", key_of(1).text()},
                                       {"to", key_of(2).text()},
                                       {"nonce", "GBkaGxwdHh8gISIjJCUmJygpKissLS4v"},
                                       {"message", "p5BG5otPb48FXoQsx6CbhnKGb26bFv-AyKaD__BawDxwEx4"}};
    co_await alice.say_text(boost::json::serialize(envelope));
    EXPECT_EQ(boost::json::parse((co_await bob.hear_text()).value()), envelope);
    EXPECT_THAT((co_await alice.hear_text()).value(), HasSubstr("MESSAGE_DELIVERED"));
    auto other = co_await open("/" + key_of(3).text());
    EXPECT_THAT(co_await register_legacy(other, 4), HasSubstr("REGISTER_FAILURE"));
    EXPECT_FALSE(co_await other.hear_text());
  };
  run(body());
}

TEST_F(registry, a_client_of_the_original_that_does_not_read_is_not_thrown_out_by_who_writes_to_it) {
  start({"--legacy"});
  const auto body = [this]() -> awaitable<void> {
    auto alice = co_await open("/legacy");
    auto bob = co_await open("/legacy");
    EXPECT_EQ(co_await register_legacy(alice, 1), R"({"type":"REGISTER_SUCCESS"})");
    EXPECT_EQ(co_await register_legacy(bob, 2), R"({"type":"REGISTER_SUCCESS"})");
    const boost::json::object envelope{{"type", "MESSAGE"},
                                       {"from", key_of(1).text()},
                                       {"to", key_of(2).text()},
                                       {"nonce", "GBkaGxwdHh8gISIjJCUmJygpKissLS4v"},
                                       {"message", std::string(15'000, 'A')}};
    const auto text = boost::json::serialize(envelope);
    std::size_t delivered = 0;
    // What the sockets of the system hold comes before the queue.
    for (std::string answer = "MESSAGE_DELIVERED"; answer.find("MESSAGE_DELIVERED") != std::string::npos;) {
      co_await alice.say_text(text);
      answer = (co_await alice.hear_text()).value_or("");
      if (answer.find("RECIPIENT_NOT_AVAILABLE") == std::string::npos) ++delivered;
    }
    EXPECT_GT(delivered, 0U);
    for (std::size_t i = 0; i < delivered; ++i) EXPECT_TRUE(co_await bob.hear_text());
    co_await alice.say_text(text);
    EXPECT_THAT((co_await alice.hear_text()).value(), HasSubstr("MESSAGE_DELIVERED"));
    EXPECT_TRUE(co_await bob.hear_text());
  };
  run(body());
}

TEST_F(registry, what_makes_no_sense_is_said_before_the_start) {
  const auto usage = [&](process::words words) {
    return testing_support::run_program("flowersec-registry", std::move(words), {}, folder.path());
  };
  EXPECT_EQ(usage({}).exit_code, 2);
  EXPECT_THAT(usage({}).err, HasSubstr("missing --issuer-keys"));
  auto words = registry_program::arguments(folder.path(), {"--suites=3"});
  EXPECT_THAT(usage(words).err, HasSubstr("--suites must be"));
  words.back() = "--tls-cert=x";
  EXPECT_THAT(usage(words).err, HasSubstr("needs both"));
  words.back() = "--tunnel-url=http://x";
  EXPECT_THAT(usage(words).err, HasSubstr("invalid --tunnel-url"));
  words.back() = "--allow-origin=*";
  EXPECT_THAT(usage(words).err, HasSubstr("* is no origin"));
  words.back() = "--check-config";
  const auto good = usage(words);
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("ok   --issuer-keys"));
  testing_support::write_whole_file(folder.file("issuer_key.json"), "{}");
  const auto bad = usage(words);
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("bad  --issuer-keys"));
}

TEST_F(registry, what_it_holds_cannot_be_dumped) {
  start();
  EXPECT_THAT(program->running().limits(), ::testing::ContainsRegex("Max core file size +0 +0"));
}

}  // namespace
}  // namespace flowersec::testing
