// A chat client for programs: command lines, desktops, bridges, tests. Speaks the encrypted side of a gateway.
// Layer ownwire, part `client`, on Asio. Keeps nothing on disk: the resume token lives as long as the client.
// Source: PROTOCOL, "OwnWire, chat stream", "Sealed open".
// Threads: every member may be called from any thread. Handlers without an executor of their own, and on_event, run on
// a strand of the client's executor.
//
//   ownwire::client_options options;
//   options.url = "wss://chat.example/ws";
//   options.server_keys = {*sealed::public_key::parse(pinned)};
//   options.on_event = [](const ownwire::client_event& event) { ... };
//   auto chat = ownwire::client::create(executor, std::move(options)).value();
//   chat.async_connect(asio::detached);
//   co_await chat.async_send("hello");        // completes when somebody has been handed it
//   co_await chat.async_close();
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/reconnect_options.h"
#include "flowersec/ownwire/client_errc.h"
#include "flowersec/ownwire/client_event.h"

namespace flowersec::ownwire {

/// Between probes of a connection, and how long an answer may take.
inline constexpr std::chrono::seconds probe_interval{25};
inline constexpr std::chrono::seconds probe_timeout{10};

struct client_options {
  /// wss, or https, which is taken as wss; ws and http only to localhost, 127.0.0.0/8 and ::1.
  std::string url;
  /// The keys that the gateway may have, the one to use first. At least one, from where nobody on the way has a say.
  std::vector<sealed::public_key> server_keys;
  /// Handed to whoever answers, as it is. UTF-8, at most max_metadata_bytes.
  std::optional<std::string> metadata{};
  /// Handed on where that is switched on. UTF-8, at most max_auth_bytes.
  std::optional<std::string> auth{};
  /// Origin header; absent: that of the URL.
  std::optional<std::string> origin{};
  crypto::suite suite = crypto::suite::x25519;
  endpoint::reconnect_options reconnect{.enabled = true};
  /// Texts that are neither delivered nor failed. One more is refused. At least 1. What the application can make us
  /// hold is this times max_content_bytes.
  std::size_t max_queue = 100;
  endpoint::tls_trust trust{};
  /// Name lookup, TCP, TLS and upgrade of one attempt. Above 0.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds{10};
  /// Told everything, in order. What it throws is dropped. Must not wait.
  std::function<void(const client_event&)> on_event{};
  /// For tests. Both must outlive the client.
  const clock_source* clocks = &system_clocks();
  random_source* random = &system_random();
};

class client {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// Opens nothing yet.
  /// Errors   validate/missing_ws_url, transport_policy_denied, invalid_suite; invalid_option: no key, max_queue,
  ///          connect_timeout, reconnect, a null clock or random source; client_errc::metadata_too_large, also for text
  ///          that is not UTF-8.
  [[nodiscard]] static result<client> create(executor_type executor, client_options options);

  /// Ends everything at once, without a word to the gateway.
  ~client();
  client(client&&) noexcept;
  client& operator=(client&&) noexcept;

  /// Begins unless it has begun, and completes when a session is there or nothing is tried any more. Signature
  /// void(error_code). What fails meanwhile is told by events.
  /// Cancellation   only the waiting ends.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = endpoint::default_token>
  auto async_connect(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, client* self) {
          self->start_connect({std::move(handler), self->get_executor()});
        },
        token, this);
  }

  /// Takes a text; those of one thread leave in the order of the calls, also before there is a session. Completes when
  /// an internal client has been handed it, or when nobody will be. Signature void(error_code, std::uint64_t): its id,
  /// by which events name it; 0 for an empty text, which is ignored, and for one that was not taken.
  /// Cancellation   only the waiting ends: operation_aborted.
  /// Errors         those of client_errc marked "text" and "final"; that of the last attempt when nothing is tried any
  ///                more.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, std::uint64_t)) Token = endpoint::default_token>
  auto async_send(std::string content, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, std::uint64_t)>(
        [](auto handler, client* self, std::string text) {
          self->start_send(std::move(text), {std::move(handler), self->get_executor()});
        },
        token, this, std::move(content));
  }

  /// Tells whoever answers that the user types. Nothing happens without a session.
  void typing(bool on);

  /// Ends the session: says bye, closes the connection, does not come back. Texts that were not delivered fail with
  /// client_errc::closed. Signature void(error_code), always success; completes when the connection is gone: the
  /// gateway ends it behind the bye, or 2 s are over.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = endpoint::default_token>
  auto async_close(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, client* self) {
          self->start_close({std::move(handler), self->get_executor()});
        },
        token, this);
  }

  /// As of the last event.
  [[nodiscard]] client_state state() const noexcept;
  [[nodiscard]] executor_type get_executor() const noexcept;

  class impl;  ///< internal

 private:
  explicit client(std::shared_ptr<impl> state) noexcept;
  void start_connect(::flowersec::session::completion<error_code> done);
  void start_send(std::string content, ::flowersec::session::completion<error_code, std::uint64_t> done);
  void start_close(::flowersec::session::completion<error_code> done);

  std::shared_ptr<impl> impl_;
};

}  // namespace flowersec::ownwire
