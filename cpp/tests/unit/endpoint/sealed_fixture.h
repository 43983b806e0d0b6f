// Servers and clients of public-key mode on loopback, and somebody on the way between them who keeps everything.
#pragma once

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <vector>

#include "direct_fixture.h"
#include "flowersec/endpoint/accept.h"
#include "flowersec/sealed/open_message.h"
#include "flowersec/ws/accept.h"
#include "flowersec/ws/connect.h"
#include "support/random_sources.h"

namespace flowersec::testing {

using asio::ip::tcp;

inline sealed::key_pair identity(std::uint64_t seed = 1) {
  seeded_random random{seed};
  return sealed::key_pair::generate(random).value();
}

inline sealed::keyring keys_of(std::vector<std::uint64_t> seeds) {
  std::vector<sealed::keyring::entry> entries;
  for (const auto seed : seeds) entries.push_back({.key = identity(seed), .created_at = unix_seconds{1}});
  return sealed::keyring::of(std::move(entries)).value();
}

inline endpoint::sealed_credentials credentials() { return endpoint::sealed_credentials::of(keys_of({1})); }

inline endpoint::direct_listener sealed_listener(asio::io_context& context,
                                                 endpoint::sealed_credentials with = credentials(),
                                                 endpoint::listen_options options = listening()) {
  return endpoint::direct_listener::open(context.get_executor(), std::move(with), std::move(options)).value();
}

inline endpoint::sealed_connect_info sealed_info(std::string url, std::uint64_t seed = 1,
                                                 crypto::suite suite = crypto::suite::x25519) {
  return {.ws_url = std::move(url), .server_keys = {identity(seed).public_half()}, .default_suite = suite};
}

/// As a good client writes it, for identity(1).
inline sealed::open_message good_open() {
  const auto psk = crypto::psk::generate(system_random()).value();
  return {.channel_id = "channel",
          .kid = identity().kid(),
          .suite = crypto::suite::x25519,
          .sealed = sealed::seal(identity().public_half(), "channel", psk, system_random()).value()};
}

/// What both ends report of one attempt.
struct attempt_of_both {
  error_code client_error;
  error_code server_error;
  endpoint::session client;
  endpoint::session server;
};

inline awaitable<void> accept_into(endpoint::direct_listener& listener, attempt_of_both& seen) {
  auto [failed, session] = co_await listener.async_accept(with_error);
  seen.server_error = failed;
  seen.server = std::move(session);
}

inline awaitable<void> connect_into(endpoint::sealed_connect_info info, endpoint::connect_options options,
                                    attempt_of_both& seen) {
  auto [failed, session] = co_await endpoint::async_connect(co_await asio::this_coro::executor, std::move(info),
                                                            std::move(options), with_error);
  seen.client_error = failed;
  seen.client = std::move(session);
}

inline awaitable<attempt_of_both> meet_sealed(endpoint::direct_listener& listener, endpoint::sealed_connect_info info,
                                              endpoint::connect_options options = dial_options()) {
  using namespace asio::experimental::awaitable_operators;
  attempt_of_both seen;
  co_await (connect_into(std::move(info), std::move(options), seen) && accept_into(listener, seen));
  co_return seen;
}

/// Opens a stream on one end and sends a text through it to the other.
inline awaitable<std::string> send_through(endpoint::session& from, endpoint::session& to, std::string text) {
  auto out = co_await from.async_open_stream("test");
  auto in = co_await to.async_accept_stream();
  if (in.kind == endpoint::rpc_stream_kind) in = co_await to.async_accept_stream();
  co_await asio::async_write(out, asio::buffer(text), asio::use_awaitable_t<asio::any_io_executor>{});
  std::string arrived(text.size(), '\0');
  co_await asio::async_read(in.stream, asio::buffer(arrived), asio::use_awaitable_t<asio::any_io_executor>{});
  co_return arrived;
}

// ---- Raw WebSockets

inline constexpr auto ws_result = asio::as_tuple(asio::use_awaitable);

inline awaitable<ws::message_socket> raw_client(std::string url) {
  auto target = ws::parse_url(url).value();
  ws::connect_options options{.origin = dial_options().origin};
  co_return co_await ws::async_connect(co_await asio::this_coro::executor, std::move(target), std::move(options));
}

/// A listening socket whose clients are upgraded and then left to the test.
class raw_server {
 public:
  explicit raw_server(asio::io_context& context)
      : acceptor_(context, tcp::endpoint{asio::ip::address_v4::loopback(), 0}) {}

  [[nodiscard]] std::string url() const {
    return "ws://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/ws";
  }
  awaitable<ws::message_socket> accept() {
    auto peer = co_await acceptor_.async_accept(asio::use_awaitable);
    ws::accept_options options{.origins = ws::origin_policy::everybody()};
    auto accepted = co_await ws::async_accept(std::move(peer), std::move(options));
    co_return std::move(accepted.socket);
  }

 private:
  tcp::acceptor acceptor_;
};

struct recorded_message {
  ws::message_kind kind;
  byte_buffer bytes;
};

/// What the peer says from here to the end, and how it ends.
struct last_words {
  std::vector<recorded_message> messages;
  std::optional<ws::close_payload> close;
};

inline awaitable<last_words> listen_to_the_end(ws::message_socket& socket) {
  last_words heard;
  while (true) {
    auto [ended, message] = co_await socket.async_read_message(ws_result);
    if (ended) break;
    heard.messages.push_back({message.kind, to_buffer(message.payload)});
  }
  heard.close = socket.peer_close();
  (void)co_await socket.async_close(ws::close_code::normal, "", ws_result);
  co_return heard;
}

/// How a server and a client that it refused see it.
struct refusal {
  error_code server;
  last_words heard;
};

/// Of a client that says what `say` does on its raw socket, and then listens.
inline refusal refusal_of(const std::function<awaitable<void>(ws::message_socket&)>& say,
                          endpoint::sealed_credentials with = credentials(),
                          endpoint::listen_options accept = listening()) {
  using namespace asio::experimental::awaitable_operators;
  asio::io_context context;
  auto listener = sealed_listener(context, std::move(with), std::move(accept));
  refusal seen;
  const auto client = [&]() -> awaitable<void> {
    auto socket = co_await raw_client(listener.url());
    co_await say(socket);
    seen.heard = co_await listen_to_the_end(socket);
  };
  const auto whole = [&]() -> awaitable<void> {
    attempt_of_both met;
    co_await (client() && accept_into(listener, met));
    seen.server = met.server_error;
  };
  run(context, whole());
  return seen;
}

/// Whoever ends TLS between a client and a server: sees every message, and may change them.
struct wiretap {
  std::vector<recorded_message> up;
  std::vector<recorded_message> down;
  /// Sees a message of the client before it goes on; may replace it.
  std::function<void(std::size_t index, recorded_message&)> change{};

  [[nodiscard]] std::string everything() const {
    std::string all;
    for (const auto* way : {&up, &down}) {
      for (const auto& message : *way) all += as_text(message.bytes);
    }
    return all;
  }
};

inline awaitable<void> pump(ws::message_socket& from, ws::message_socket& to, std::vector<recorded_message>& kept,
                            std::function<void(std::size_t, recorded_message&)> change) {
  while (true) {
    auto [ended, message] = co_await from.async_read_message(ws_result);
    if (ended) break;
    recorded_message next{message.kind, to_buffer(message.payload)};
    if (change) change(kept.size(), next);
    kept.push_back(next);
    (void)co_await to.async_write_message(next.kind, next.bytes, ws_result);
  }
  const auto said = from.peer_close().value_or(ws::close_payload{});
  const auto code = static_cast<ws::close_code>(said.code.value_or(1001));
  (void)co_await to.async_close(code, said.reason, ws_result);
}

/// Serves one client of `at`, with `url` behind it.
inline awaitable<void> tap(raw_server& at, std::string url, wiretap& seen) {
  using namespace asio::experimental::awaitable_operators;
  auto client = co_await at.accept();
  auto server = co_await raw_client(std::move(url));
  co_await (pump(client, server, seen.up, seen.change) && pump(server, client, seen.down, {}));
}

}  // namespace flowersec::testing
