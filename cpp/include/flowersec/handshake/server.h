// The server's half of the handshake, as a machine without I/O.
// Layer handshake. INIT in, RESP out (as often as the client repeats INIT), ACK in, keys out. The session then sends
// the "finished" ping, a record, which this layer does not know.
// Source: PROTOCOL, "Handshake flow", "Retries and the handshake cache", "Time rules". Not thread-safe; the cache is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "flowersec/base/clock.h"
#include "flowersec/base/random.h"
#include "flowersec/handshake/errc.h"
#include "flowersec/handshake/frame.h"
#include "flowersec/handshake/key_schedule.h"
#include "flowersec/handshake/response_cache.h"

namespace flowersec::handshake {

struct server_options {
  /// The only channel served; nullopt accepts any.
  std::optional<std::string> channel_id;
  crypto::suite suite = crypto::suite::x25519;
  crypto::psk psk;
  /// End of the channel's init window.
  unix_seconds init_exp{0};
  /// How far the client's clock may be away, rounded up to whole seconds. Zero is exact, not "default".
  std::chrono::milliseconds clock_skew = std::chrono::seconds{30};
  std::uint32_t features = 0;
  handshake_limits limits;
};

/// Errors   handshake_errc::bad_channel_id, ::missing_init_exp, ::negative_skew, ::bad_limits.
[[nodiscard]] result<void> validate(const server_options& options) noexcept;

/// Send this frame and wait for the next one.
struct respond {
  byte_buffer frame;
};

/// Send the server-finished ping with these keys, and the session exists.
struct server_finished {
  traffic_keys keys;
};

using server_step = std::variant<respond, server_finished>;

/// One moment on both clocks: the cache ages on one, the client's timestamp is judged by the other.
struct moment {
  mono_time mono;
  unix_seconds wall;
};

class server_handshake {
 public:
  /// `options` have been validated. `cache` nullptr: a private one. A shared cache lets an INIT that was answered on
  /// one connection be continued on another.
  explicit server_handshake(server_options options, std::shared_ptr<response_cache> cache = nullptr);

  /// The next message from the client.
  /// Shape    `frame` is one whole transport message; `now` is the time it is processed.
  /// Errors   the frame checks, handshake_errc::malformed_message, then those of INIT or ACK in their order.
  ///          The first error is the end: secrets are wiped, later calls give ::unexpected_type.
  [[nodiscard]] result<server_step> on_frame(byte_view frame, moment now, random_source& random);

 private:
  struct awaiting_init {};
  struct awaiting_ack {
    init_fingerprint init;
    std::string channel_id;
    byte_buffer client_public_key;
    nonce nonce_c;
    std::uint32_t client_features;
  };
  struct ended {};

  [[nodiscard]] result<server_step> dispatch(byte_view frame, moment now, random_source& random);
  [[nodiscard]] result<server_step> on_init(std::string_view payload, moment now, random_source& random);
  [[nodiscard]] result<server_step> on_retried_init(const awaiting_ack& state, std::string_view payload, moment now);
  [[nodiscard]] result<server_step> on_ack(const awaiting_ack& state, std::string_view payload, unix_seconds now);
  [[nodiscard]] result<response_parameters> find_or_make_response(const init_fingerprint& init, mono_time now,
                                                                  random_source& random);
  [[nodiscard]] result<pending_response> make_response(random_source& random) const;
  [[nodiscard]] result<void> check_timestamp(std::uint64_t timestamp_unix_s, unix_seconds now) const;
  void end() noexcept;

  server_options options_;
  std::shared_ptr<response_cache> cache_;
  std::variant<awaiting_init, awaiting_ack, ended> state_;
};

}  // namespace flowersec::handshake
