// Public-key mode over loopback sockets: who gets in, who does not, and what somebody on the way can do.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "flowersec/handshake/server.h"
#include "sealed_fixture.h"

namespace flowersec::testing {
namespace {

using endpoint::endpoint_errc;
using endpoint::stage;
using namespace asio::experimental::awaitable_operators;

TEST(sealed_mode, a_client_that_knows_only_the_public_key_comes_in_with_both_suites) {
  for (const auto suite : {crypto::suite::x25519, crypto::suite::p256}) {
    asio::io_context context;
    auto listener = sealed_listener(context);
    const auto whole = [&]() -> awaitable<void> {
      auto met = co_await meet_sealed(listener, sealed_info(listener.url(), 1, suite));
      EXPECT_FALSE(met.client_error) << met.client_error.message();
      EXPECT_FALSE(met.server_error) << met.server_error.message();
      EXPECT_EQ(met.client.channel_id().size(), 32u);
      EXPECT_EQ(met.client.channel_id(), met.server.channel_id());
      EXPECT_EQ(co_await send_through(met.client, met.server, "hello"), "hello");
    };
    run(context, whole());
  }
}

TEST(sealed_mode, a_client_with_another_pin_is_told_unknown_key) {
  asio::io_context context;
  auto listener = sealed_listener(context);
  const auto whole = [&]() -> awaitable<void> {
    auto met = co_await meet_sealed(listener, sealed_info(listener.url(), 2));
    EXPECT_EQ(met.client_error, endpoint_errc::unknown_key);
    EXPECT_EQ(met.client_error, stage::handshake);
    EXPECT_EQ(met.server_error, endpoint_errc::unknown_key);
  };
  run(context, whole());
}

TEST(sealed_mode, every_key_of_a_rotation_is_accepted_and_a_removed_one_is_not) {
  asio::io_context context;
  auto current = std::make_shared<const sealed::keyring>(keys_of({1, 2}));
  endpoint::sealed_credentials rotating;
  rotating.keys = [&current] { return current; };
  auto listener = sealed_listener(context, rotating);
  const auto whole = [&]() -> awaitable<void> {
    EXPECT_FALSE((co_await meet_sealed(listener, sealed_info(listener.url(), 1))).client_error);
    EXPECT_FALSE((co_await meet_sealed(listener, sealed_info(listener.url(), 2))).client_error);
    current = std::make_shared<const sealed::keyring>(keys_of({2, 3}));
    EXPECT_EQ((co_await meet_sealed(listener, sealed_info(listener.url(), 1))).client_error,
              endpoint_errc::unknown_key);
    EXPECT_FALSE((co_await meet_sealed(listener, sealed_info(listener.url(), 3))).client_error);
    current = nullptr;
    EXPECT_EQ((co_await meet_sealed(listener, sealed_info(listener.url(), 3))).server_error,
              endpoint_errc::unknown_key);
  };
  run(context, whole());
}

TEST(sealed_mode, somebody_on_the_way_sees_one_text_and_neither_the_key_nor_the_content) {
  asio::io_context context;
  auto listener = sealed_listener(context);
  raw_server proxy{context};
  wiretap seen;
  seeded_random random{77};
  auto options = dial_options();
  options.common.random = &random;
  asio::co_spawn(context, tap(proxy, listener.url(), seen), asio::detached);
  const auto whole = [&]() -> awaitable<void> {
    auto met = co_await meet_sealed(listener, sealed_info(proxy.url()), options);
    EXPECT_FALSE(met.client_error) << met.client_error.message();
    EXPECT_EQ(co_await send_through(met.client, met.server, "a very private word"), "a very private word");
  };
  run(context, whole());
  // The same draws again: channel id, then the key.
  seeded_random again{77};
  std::array<std::byte, 24> channel;
  ASSERT_TRUE(again.fill(channel));
  const auto psk = crypto::psk::generate(again).value();
  ASSERT_GE(seen.up.size(), 4u);
  const auto opened = sealed::decode(as_text(seen.up[0].bytes));
  ASSERT_TRUE(opened);
  EXPECT_EQ(sealed::open(identity(), opened->channel_id, opened->sealed).value(), psk) << "the key was guessed right";
  const auto everything = seen.everything();
  EXPECT_EQ(everything.find(as_text(psk.view())), std::string::npos);
  EXPECT_EQ(everything.find(psk.to_base64url()), std::string::npos);
  EXPECT_EQ(everything.find("private"), std::string::npos);
  for (std::size_t i = 0; i < seen.up.size(); ++i) {
    EXPECT_EQ(seen.up[i].kind, i == 0 ? ws::message_kind::text : ws::message_kind::binary) << i;
  }
}

TEST(sealed_mode, a_forged_server_that_ignores_the_key_id_gets_no_byte_of_the_application) {
  asio::io_context context;
  raw_server forged{context};
  last_words heard;
  error_code client_error;
  const auto server = [&]() -> awaitable<void> {
    auto socket = co_await forged.accept();
    auto first = co_await socket.async_read_message();
    const auto opened = sealed::decode(as_text(first.payload)).value();
    // Everything but the key in the box, which it cannot know.
    handshake::server_options options{.channel_id = opened.channel_id,
                                      .suite = opened.suite,
                                      .psk = crypto::psk::generate(system_random()).value(),
                                      .init_exp = unix_seconds{std::time(nullptr) + 60},
                                      .limits = {}};
    handshake::server_handshake side{std::move(options)};
    const handshake::moment now{.mono = {}, .wall = unix_seconds{std::time(nullptr)}};
    auto init = co_await socket.async_read_message();
    auto answer = side.on_frame(init.payload, now, system_random());
    co_await socket.async_write_message(ws::message_kind::binary, std::get<handshake::respond>(*answer).frame);
    auto ack = co_await socket.async_read_message();
    EXPECT_FALSE(side.on_frame(ack.payload, now, system_random())) << "the client's proof is of another key";
    // A first record of its own making.
    byte_buffer record(64);
    co_await socket.async_write_message(ws::message_kind::binary, record);
    heard = co_await listen_to_the_end(socket);
  };
  const auto client = [&]() -> awaitable<void> {
    auto [failed, session] =
        co_await endpoint::async_connect(context.get_executor(), sealed_info(forged.url()), dial_options(), with_error);
    client_error = failed;
  };
  const auto whole = [&]() -> awaitable<void> { co_await (server() && client()); };
  run(context, whole());
  EXPECT_EQ(client_error, stage::handshake);
  EXPECT_EQ(client_error, endpoint_errc::handshake_failed);
  EXPECT_TRUE(heard.messages.empty()) << "nothing may follow the acknowledgement";
}

TEST(sealed_mode, a_replayed_recording_does_not_come_in) {
  asio::io_context context;
  auto listener = sealed_listener(context);
  raw_server proxy{context};
  wiretap seen;
  asio::co_spawn(context, tap(proxy, listener.url(), seen), asio::detached);
  const auto whole = [&]() -> awaitable<void> {
    {
      auto met = co_await meet_sealed(listener, sealed_info(proxy.url()));
      EXPECT_FALSE(met.client_error);
    }
    const auto replay = [&]() -> awaitable<void> {
      auto socket = co_await raw_client(listener.url());
      // The open message, INIT, and the old acknowledgement once the server has answered with a fresh key.
      for (std::size_t i = 0; i < 3; ++i) {
        if (i == 2) (void)co_await socket.async_read_message();
        co_await socket.async_write_message(seen.up.at(i).kind, seen.up.at(i).bytes);
      }
      EXPECT_TRUE((co_await listen_to_the_end(socket)).messages.empty());
    };
    attempt_of_both seen_again;
    co_await (replay() && accept_into(listener, seen_again));
    EXPECT_EQ(seen_again.server_error, endpoint_errc::handshake_failed)
        << "the acknowledgement is of another handshake";
  };
  run(context, whole());
}

TEST(sealed_mode, the_same_psk_and_channel_twice_lead_to_different_record_keys) {
  asio::io_context context;
  auto listener = sealed_listener(context);
  std::array<wiretap, 2> seen;
  const auto whole = [&]() -> awaitable<void> {
    for (auto& each : seen) {
      raw_server proxy{context};
      asio::co_spawn(context, tap(proxy, listener.url(), each), asio::detached);
      // A client that draws the same numbers again: channel, key, box and its half of the handshake.
      seeded_random random{5};
      auto options = dial_options();
      options.common.random = &random;
      auto met = co_await meet_sealed(listener, sealed_info(proxy.url()), options);
      EXPECT_FALSE(met.client_error);
      EXPECT_EQ(co_await send_through(met.client, met.server, "the same text"), "the same text");
    }
  };
  run(context, whole());
  ASSERT_GE(seen[0].up.size(), 4u);
  ASSERT_GE(seen[1].up.size(), 4u);
  EXPECT_EQ(seen[0].up[0].bytes, seen[1].up[0].bytes) << "the same open message";
  // The fourth message is the first record of the client: the same header, then nothing in common.
  const auto& first = seen[0].up[3].bytes;
  const auto& second = seen[1].up[3].bytes;
  constexpr std::size_t header = 18;
  ASSERT_GT(first.size(), header);
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + 4, second.begin()));
  EXPECT_FALSE(std::equal(first.begin() + header, first.begin() + header + 16, second.begin() + header));
}

/// Channel ids are drawn first, and always the same; everything else is not.
class same_channel final : public random_source {
 public:
  [[nodiscard]] bool fill(mutable_byte_view into) noexcept override {
    if (!drawn_ && into.size() == 24) {
      drawn_ = true;
      std::ranges::fill(into, std::byte{7});
      return true;
    }
    return system_random().fill(into);
  }

 private:
  bool drawn_ = false;
};

TEST(sealed_mode, two_clients_with_the_same_channel_id_do_not_disturb_each_other) {
  asio::io_context context;
  auto accept = listening();
  accept.common.handshake_cache = std::make_shared<handshake::response_cache>();  // would be shared, and is not
  auto listener = sealed_listener(context, credentials(), accept);
  same_channel one;
  same_channel two;
  auto first_options = dial_options();
  first_options.common.random = &one;
  auto second_options = dial_options();
  second_options.common.random = &two;
  const auto whole = [&]() -> awaitable<void> {
    auto first = co_await meet_sealed(listener, sealed_info(listener.url()), first_options);
    auto second = co_await meet_sealed(listener, sealed_info(listener.url()), second_options);
    EXPECT_FALSE(first.client_error);
    EXPECT_FALSE(second.client_error);
    EXPECT_EQ(first.server.channel_id(), second.server.channel_id());
    EXPECT_EQ(co_await send_through(first.client, first.server, "of the first"), "of the first");
    EXPECT_EQ(co_await send_through(second.client, second.server, "of the second"), "of the second");
  };
  run(context, whole());
}

/// Somebody on the way who puts an open message of his own in place of the client's.
error_code server_error_with(const std::function<sealed::open_message(const sealed::open_message&)>& forge) {
  asio::io_context context;
  auto listener = sealed_listener(context);
  raw_server proxy{context};
  wiretap seen;
  seen.change = [&](std::size_t index, recorded_message& message) {
    if (index == 0) message.bytes = to_buffer(as_bytes(encode(forge(*sealed::decode(as_text(message.bytes))))));
  };
  asio::co_spawn(context, tap(proxy, listener.url(), seen), asio::detached);
  error_code server_error;
  const auto whole = [&]() -> awaitable<void> {
    auto met = co_await meet_sealed(listener, sealed_info(proxy.url()));
    EXPECT_EQ(met.client_error, stage::handshake);
    server_error = met.server_error;
  };
  run(context, whole());
  return server_error;
}

sealed::open_message seal_own(const sealed::open_message& theirs, std::string channel_id) {
  auto own = theirs;
  own.channel_id = std::move(channel_id);
  const auto psk = crypto::psk::generate(system_random()).value();
  own.sealed = sealed::seal(identity().public_half(), own.channel_id, psk, system_random()).value();
  return own;
}

TEST(sealed_mode, init_must_be_for_the_opened_channel_and_suite_and_of_its_key) {
  EXPECT_EQ(server_error_with([](const auto& theirs) { return seal_own(theirs, "another channel"); }),
            endpoint_errc::handshake_failed);
  EXPECT_EQ(server_error_with([](const auto& theirs) {
              auto own = theirs;
              own.suite = crypto::suite::p256;
              return own;
            }),
            endpoint_errc::invalid_suite);
  EXPECT_EQ(server_error_with([](const auto& theirs) { return seal_own(theirs, theirs.channel_id); }),
            endpoint_errc::auth_tag_mismatch);
  EXPECT_EQ(server_error_with([](const auto& theirs) {
              auto own = theirs;
              own.sealed[40] ^= std::byte{1};
              return own;
            }),
            endpoint_errc::invalid_open);
}

// ---- What a server does with clients that are none

refusal refused(const std::vector<recorded_message>& said, endpoint::sealed_credentials with = credentials(),
                endpoint::listen_options accept = listening()) {
  const auto say = [&said](ws::message_socket& socket) -> awaitable<void> {
    for (const auto& message : said) co_await socket.async_write_message(message.kind, message.bytes);
  };
  return refusal_of(say, std::move(with), std::move(accept));
}

recorded_message text(std::string_view bytes) { return {ws::message_kind::text, to_buffer(as_bytes(bytes))}; }

void expect_refusal(const refusal& seen, endpoint_errc code, const std::string& reason) {
  EXPECT_EQ(seen.server, code) << seen.server.message();
  EXPECT_EQ(seen.server, stage::handshake);
  EXPECT_TRUE(seen.heard.messages.empty());
  ASSERT_TRUE(seen.heard.close);
  EXPECT_EQ(seen.heard.close->code, 1008);
  EXPECT_EQ(seen.heard.close->reason, reason);
}

TEST(sealed_refusals, whatever_is_no_open_message_is_invalid_open) {
  auto padded = encode(good_open());
  padded.resize(sealed::max_open_bytes + 1, ' ');
  auto other_channel = good_open();
  other_channel.channel_id = "another";
  const std::vector<std::pair<const char*, recorded_message>> rows{
      {"binary", {ws::message_kind::binary, to_buffer(as_bytes(encode(good_open())))}},
      {"no JSON", text("hello")},
      {"empty", text("")},
      {"an object of something else", text("{}")},
      {"4097 bytes", text(padded)},
      {"100000 bytes", text(std::string(100'000, 'x'))},
      {"a box for another channel", text(encode(other_channel))},
  };
  for (const auto& [name, message] : rows) {
    SCOPED_TRACE(name);
    expect_refusal(refused({message}), endpoint_errc::invalid_open, "invalid_open");
  }
}

TEST(sealed_refusals, a_suite_that_is_not_allowed_is_invalid_open) {
  auto with = credentials();
  with.allowed_suites = {crypto::suite::p256};
  expect_refusal(refused({text(encode(good_open()))}, with), endpoint_errc::invalid_open, "invalid_open");
}

TEST(sealed_refusals, an_unknown_key_is_told_before_the_box_is_looked_at) {
  auto open = good_open();
  open.kid = identity(9).kid();
  open.sealed = {};
  expect_refusal(refused({text(encode(open))}), endpoint_errc::unknown_key, "unknown_key");
}

TEST(sealed_refusals, a_client_that_says_nothing_is_told_open_timeout) {
  auto with = credentials();
  with.open_timeout = 30ms;
  expect_refusal(refused({}, with), endpoint_errc::timeout, "open_timeout");
}

TEST(sealed_refusals, a_client_that_says_nothing_is_told_open_timeout_where_the_handshake_has_no_time_out) {
  auto with = credentials();
  with.open_timeout = 30ms;
  auto accept = listening();
  accept.common.session.handshake_timeout = 0ms;
  expect_refusal(refused({}, with, accept), endpoint_errc::timeout, "open_timeout");
}

TEST(sealed_refusals, a_handshake_that_does_not_follow_is_dropped_within_the_time_of_both) {
  auto accept = listening();
  accept.common.session.handshake_timeout = 2s;
  const auto seen = refused({text(encode(good_open()))}, credentials(), accept);
  EXPECT_EQ(seen.server, endpoint_errc::timeout);
  EXPECT_TRUE(seen.heard.messages.empty());
  EXPECT_TRUE(!seen.heard.close || seen.heard.close->reason.empty());
}

TEST(sealed_refusals, a_text_after_the_open_message_is_dropped) {
  const auto seen = refused({text(encode(good_open())), text("hello")});
  EXPECT_EQ(seen.server, endpoint_errc::handshake_failed);
  EXPECT_TRUE(seen.heard.messages.empty());
}

TEST(sealed_refusals, a_second_open_message_is_dropped_as_well) {
  const auto open = text(encode(good_open()));
  EXPECT_EQ(refused({open, open}).server, endpoint_errc::handshake_failed);
}

// ---- Clients

TEST(sealed_connect, is_refused_before_anything_is_dialled) {
  asio::io_context context;
  const auto error_of = [&](endpoint::sealed_connect_info info, endpoint::connect_options options) {
    error_code seen;
    const auto whole = [&]() -> awaitable<void> {
      auto [failed, session] =
          co_await endpoint::async_connect(context.get_executor(), std::move(info), std::move(options), with_error);
      seen = failed;
    };
    run(context, whole());
    EXPECT_EQ(seen, stage::validate);
    return seen;
  };
  const std::string url = "ws://127.0.0.1:1/ws";
  EXPECT_EQ(error_of(sealed_info(""), dial_options()), endpoint_errc::missing_ws_url);
  EXPECT_EQ(error_of({.ws_url = url, .server_keys = {}}, dial_options()), endpoint_errc::invalid_option);
  const std::array<std::byte, 32> zero{};
  EXPECT_EQ(error_of({.ws_url = url, .server_keys = {sealed::public_key{zero}}}, dial_options()),
            endpoint_errc::invalid_input);
  EXPECT_EQ(error_of(sealed_info(url, 1, crypto::suite{3}), dial_options()), endpoint_errc::invalid_suite);
  EXPECT_EQ(error_of(sealed_info("ws://example.com/ws"), dial_options()), endpoint_errc::transport_policy_denied);
  auto options = dial_options();
  options.origin.clear();
  EXPECT_EQ(error_of(sealed_info(url), options), endpoint_errc::missing_origin);
  for (const int good_draws : {0, 1, 2}) {
    seeded_random dry{1, good_draws};
    options = dial_options();
    options.common.random = &dry;
    EXPECT_EQ(error_of(sealed_info(url), options), endpoint_errc::random_failed) << good_draws;
  }
}

TEST(sealed_connect, what_a_server_says_is_passed_on_and_nothing_else) {
  struct row {
    const char* reason;
    endpoint_errc code;
  };
  for (const auto& expected :
       {row{"unknown_key", endpoint_errc::unknown_key}, row{"invalid_open", endpoint_errc::invalid_open},
        row{"open_timeout", endpoint_errc::timeout}, row{"rate_limited", endpoint_errc::resource_exhausted},
        row{"use this key instead", endpoint_errc::handshake_failed}, row{"", endpoint_errc::handshake_failed}}) {
    const auto& reason = expected.reason;
    asio::io_context context;
    raw_server server{context};
    error_code client_error;
    const auto refuse = [&]() -> awaitable<void> {
      auto socket = co_await server.accept();
      (void)co_await socket.async_read_message();
      (void)co_await socket.async_close(ws::close_code::policy_violation, reason, ws_result);
    };
    const auto client = [&]() -> awaitable<void> {
      auto [failed, session] = co_await endpoint::async_connect(context.get_executor(), sealed_info(server.url()),
                                                                dial_options(), with_error);
      client_error = failed;
    };
    const auto whole = [&]() -> awaitable<void> { co_await (refuse() && client()); };
    run(context, whole());
    EXPECT_EQ(client_error, expected.code) << reason;
    EXPECT_EQ(client_error, stage::handshake) << reason;
  }
}

TEST(sealed_listener, its_options_are_checked) {
  asio::io_context context;
  const auto error_of = [&](endpoint::sealed_credentials with) {
    return endpoint::direct_listener::open(context.get_executor(), std::move(with), listening()).error();
  };
  EXPECT_EQ(error_of({}), endpoint_errc::invalid_option);
  auto with = credentials();
  with.open_timeout = 0ms;
  EXPECT_EQ(error_of(with), endpoint_errc::invalid_option);
  with = credentials();
  with.clock_skew = -1ms;
  EXPECT_EQ(error_of(with), endpoint_errc::invalid_option);
  with = credentials();
  with.allowed_suites.clear();
  EXPECT_EQ(error_of(with), endpoint_errc::invalid_option);
  with.allowed_suites = {crypto::suite{3}};
  EXPECT_EQ(error_of(with), endpoint_errc::invalid_suite);
}

}  // namespace
}  // namespace flowersec::testing
