// A peer that is addressed by its public key: registered with registries, in conversation with its contacts.
// Layer rendezvous, part `client`, on Asio. Keeps nothing on disk. Source: SECURE_WEBSOCKET.
// Threads: every member may be called from any thread. Handlers of the options run on get_executor(), a strand of the
// executor given, and so do completions without an executor of their own. The contacts are read there, and only there
// may they be changed while a client has them: asio::post(client.get_executor(), [=] { contacts->add(...); }).
//
//   rendezvous::secure_socket_options options;
//   options.registries = {{.url = "wss://registry.example", .keys = {*identity::public_key::parse(pinned)}}};
//   options.contacts = contacts;                 // with the identity
//   options.on_message = [](const rendezvous::received_message& message) { ... };
//   auto socket = rendezvous::secure_socket_client::create(executor, std::move(options)).value();
//   co_await socket.async_start();               // registered
//   co_await socket.async_send(bob, R"({"text":"hello"})");  // handed to Bob's application
//   co_await socket.async_close();
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flowersec/endpoint/options.h"
#include "flowersec/endpoint/reconnect_options.h"
#include "flowersec/endpoint/session.h"
#include "flowersec/identity/contacts.h"
#include "flowersec/identity/invitation.h"
#include "flowersec/rendezvous/client_event.h"
#include "flowersec/rendezvous/error.h"
#include "flowersec/rpc/router.h"

namespace flowersec::rendezvous {

struct registry_address {
  /// wss, or https, which is taken as wss; ws and http only to localhost, 127.0.0.0/8 and ::1. The paths of the
  /// protocol are put behind it.
  std::string url;
  /// The keys that the registry may have, at least one, from where nobody on the way has a say. The first one is sealed
  /// to; a registry that has another one of them is tried with that.
  std::vector<identity::public_key> keys;
};

enum class registry_transport : std::uint8_t {
  sealed,  ///< inside the encrypted mode, with the registry's key pinned: who ends TLS on the way learns nothing
  plain,   ///< text frames on a WebSocket
};

/// What happens with calls of keys that are no contacts'. Either way an invitation of ours is honoured.
enum class unknown_callers : std::uint8_t {
  ignore,  ///< not shown, not answered
  ask,     ///< told by on_incoming, answered by accept_call()
};

/// Serves streams of one kind that a contact opens on a channel. When it returns, the stream is closed in order.
using contact_stream_handler =
    std::function<boost::asio::awaitable<void>(identity::public_key from, flowersec::stream)>;

struct secure_socket_options {
  /// At least one; no two with the same URL.
  std::vector<registry_address> registries;
  /// Whom we know, and who we are. Required.
  std::shared_ptr<identity::contacts> contacts;
  registry_transport transport = registry_transport::sealed;
  unknown_callers unknown = unknown_callers::ignore;
  /// Takes the registration of another process with the same key over, once, with the first registration.
  bool replace = false;
  /// Tells registries that we watch our contacts, so that those who watch us as well see us come and go.
  bool watch_contacts = true;
  /// Origin header; absent: that of the URL.
  std::optional<std::string> origin{};
  endpoint::tls_trust trust{};
  /// For connections to registries. More attempts than elsewhere: who is not registered cannot be called.
  endpoint::reconnect_options reconnect{.enabled = true, .max_attempts = 100};
  /// For channels: calls of one round, and the waits between them.
  endpoint::reconnect_options calls{.enabled = true};
  /// From the open connection to `registered`, work not counted. Above 0.
  std::chrono::milliseconds registration_timeout = std::chrono::seconds{10};
  /// Name lookup, TCP, TLS and upgrade of one attempt. Above 0.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds{10};
  /// A channel without messages, and without other streams, for so long is closed. Above 0.
  std::chrono::milliseconds channel_idle = std::chrono::minutes{10};

  /// Required. Told each message once, those of one contact in order. See received_message for what it throws.
  std::function<void(const received_message&)> on_message{};
  /// With unknown_callers::ask.
  std::function<void(const incoming_call&)> on_incoming{};
  /// Told what becomes of registries, channels and contacts. What it throws is dropped.
  std::function<void(const socket_event&)> on_state{};
  /// Streams of other kinds than "rv/messages" and "rpc". One whose kind is not here is reset.
  std::map<std::string, contact_stream_handler, std::less<>> on_stream{};
  /// Serves RPC to a contact. Absent: none. Where it is served, channels are not closed for want of messages.
  std::function<rpc::router(const identity::public_key& peer)> make_rpc{};

  /// For tests. Both must outlive the client.
  const clock_source* clocks = &system_clocks();
  random_source* random = &system_random();
};

class secure_socket_client {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// Opens nothing yet.
  /// Errors   validate/missing_ws_url, transport_policy_denied, invalid_option.
  [[nodiscard]] static result<secure_socket_client> create(executor_type executor, secure_socket_options options);

  /// Ends everything at once, without a word to anybody.
  ~secure_socket_client();
  secure_socket_client(secure_socket_client&&) noexcept;
  secure_socket_client& operator=(secure_socket_client&&) noexcept;

  /// Begins unless it has begun, and completes when the first registry has registered us, or when none is tried any
  /// more, with the error of the last one. Signature void(error_code). Cancellation   only the waiting ends.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = endpoint::default_token>
  auto async_start(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, secure_socket_client* self) {
          self->start({std::move(handler), self->get_executor()});
        },
        token, this);
  }

  /// Takes a message, one JSON value; those of one thread to one contact arrive in the order of the calls. Opens a
  /// channel when there is none. Completes when the contact's application was given it, or when it is not tried any
  /// more; it may have arrived all the same, if its acknowledgement was lost. Signature void(error_code).
  /// Cancellation   only the waiting ends: operation_aborted.
  /// Errors         rendezvous_errc: unknown_contact, queue_full, message_too_large, message_not_json, offline, closed;
  ///                what a registry said, most often recipient_unavailable; that of the last channel.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = endpoint::default_token>
  auto async_send(identity::public_key to, std::string json, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, secure_socket_client* self, const identity::public_key& whom, std::string text) {
          self->start_send(whom, std::move(text), {std::move(handler), self->get_executor()});
        },
        token, this, to, std::move(json));
  }

  /// The channel to a contact, opened when there is none: for streams and RPC of the application's own. The session
  /// ends with the channel, and a channel that was given out is not closed for want of messages. Signature
  /// void(error_code, endpoint::session). Errors and cancellation   as async_send.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, endpoint::session)) Token = endpoint::default_token>
  auto async_open(identity::public_key to, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, endpoint::session)>(
        [](auto handler, secure_socket_client* self, const identity::public_key& whom) {
          self->start_open(whom, {std::move(handler), self->get_executor()});
        },
        token, this, to);
  }

  /// Says bye on every channel, closes them, then leaves the registries. What was not acknowledged fails with
  /// rendezvous_errc::closed. Signature void(error_code), always success.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = endpoint::default_token>
  auto async_close(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, secure_socket_client* self) {
          self->start_close({std::move(handler), self->get_executor()});
        },
        token, this);
  }

  /// Answers a call that on_incoming told, whose key is a contact's by now. One that is over is passed over.
  void accept_call(std::uint64_t id);
  void decline_call(std::uint64_t id);

  /// Remembers an invitation that we gave away: who comes with it becomes a contact of this name (or one like it, if
  /// that is taken). Told by guest_arrived, or by invitation_used when that adds nobody. Honoured for
  /// identity::invitation_lifetime after `since`; absent: from now on. Kept by nobody else: what is to outlive the
  /// process belongs into the identity file. Signature void(error_code). Errors   identity_errc::too_many, when
  /// identity::max_open_invitations have not lapsed.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = endpoint::default_token>
  auto async_expect_guest(identity::invitation given, std::string guest_name, std::optional<unix_seconds> since,
                          Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, secure_socket_client* self, identity::invitation which, std::string name,
           std::optional<unix_seconds> from) {
          self->start_expect(std::move(which), std::move(name), from, {std::move(handler), self->get_executor()});
        },
        token, this, std::move(given), std::move(guest_name), since);
  }
  /// The same for those who do not want to know.
  void expect_guest(identity::invitation given, std::string guest_name, std::optional<unix_seconds> since = {});
  /// Uses an invitation that we were given: calls to its host carry it until one has come through. The host is a
  /// contact, and the registry one of the options'.
  void use_invitation(identity::invitation given);

  /// Tells registries of contacts that were added, removed or blocked since.
  void refresh_contacts();
  /// Tries registries again that failed.
  void retry();

  [[nodiscard]] const identity::public_key& key() const noexcept;
  /// The strand of handlers.
  [[nodiscard]] executor_type get_executor() const noexcept;

  class impl;  ///< internal

 private:
  template <class... Args>
  using completion = ::flowersec::session::completion<Args...>;

  explicit secure_socket_client(std::shared_ptr<impl> state) noexcept;
  void start(completion<error_code> done);
  void start_send(const identity::public_key& to, std::string json, completion<error_code> done);
  void start_open(const identity::public_key& to, completion<error_code, endpoint::session> done);
  void start_close(completion<error_code> done);
  void start_expect(identity::invitation given, std::string name, std::optional<unix_seconds> since,
                    completion<error_code> done);

  std::shared_ptr<impl> impl_;
};

}  // namespace flowersec::rendezvous
