// What a server that clients reach without a tunnel knows of them beforehand: one channel, whoever a resolver finds, or
// its own key pair.
// Layer endpoint. Source: PROTOCOL, "Endpoint, direct", "Sealed open".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/crypto/dh.h"
#include "flowersec/crypto/secret.h"
#include "flowersec/messages/direct_v1.h"
#include "flowersec/sealed/key_file.h"

namespace flowersec::endpoint {

/// One channel, known beforehand.
struct fixed_credential {
  std::string channel_id;
  crypto::psk psk;
  unix_seconds init_exp{0};
  crypto::suite suite = crypto::suite::x25519;

  /// From the info that clients are given. Errors   validate/missing_channel_id, invalid_input, missing_init_exp,
  /// invalid_psk, invalid_suite.
  [[nodiscard]] static result<fixed_credential> from(const messages::direct::v1::direct_connect_info& info);
};

/// What a client's first message says. Nothing of it is authenticated.
struct credential_request {
  std::string channel_id;
  crypto::suite suite = crypto::suite::x25519;
  std::uint32_t client_features = 0;
};

/// What a resolver finds.
struct resolved_credential {
  crypto::psk psk;
  unix_seconds init_exp{0};
  /// Called after the client proved that it knows the key, before any stream starts: the moment to mark a credential
  /// as used. An error closes the connection: handshake/credential_commit_failed.
  std::function<boost::asio::awaitable<error_code>()> commit{};
};

/// Finds the credential of a channel. It must not consume anything: whoever asks is not authenticated yet. An error, an
/// exception or taking longer than the handshake time-out refuses the client.
using credential_resolver = std::function<boost::asio::awaitable<result<resolved_credential>>(credential_request)>;

/// Public-key mode: each client brings the key of its channel, sealed to one of ours. That key is good for its socket
/// and for nothing else, so clients that choose the same channel id have nothing to do with each other.
struct sealed_credentials {
  /// The keys at this moment, asked once per client and on any thread; a reload answers with others. Not null.
  std::function<std::shared_ptr<const sealed::keyring>()> keys;
  /// From the upgrade to the open message. Above 0; the handshake time-out counts from the upgrade as well.
  std::chrono::milliseconds open_timeout = std::chrono::seconds{5};
  /// Instead of common_options::clock_skew: the clocks of browsers are often wrong, and a fresh key of the server
  /// already stops a replay. Not negative.
  std::chrono::milliseconds clock_skew = std::chrono::hours{24};
  /// At least one.
  std::vector<crypto::suite> allowed_suites{crypto::suite::x25519, crypto::suite::p256};

  /// Keys that stay as they are.
  [[nodiscard]] static sealed_credentials of(sealed::keyring keys);
};

/// A channel opened by its client ends so many seconds after the open message.
inline constexpr std::int64_t sealed_init_window_seconds = 60;

}  // namespace flowersec::endpoint
