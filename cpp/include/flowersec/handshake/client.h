// The client's half of the handshake, as two steps without I/O.
// Layer handshake. INIT goes out, RESP comes in, ACK goes out. What follows is a record, which this layer does not
// know: the session must see the server's "finished" ping before it trusts the keys or sends anything.
// Source: PROTOCOL, "Handshake flow". Not thread-safe.
#pragma once

#include <optional>
#include <string>

#include "flowersec/base/clock.h"
#include "flowersec/base/random.h"
#include "flowersec/handshake/errc.h"
#include "flowersec/handshake/frame.h"
#include "flowersec/handshake/key_schedule.h"

namespace flowersec::handshake {

struct client_options {
  std::string channel_id;  ///< normalised; 1..256 bytes
  crypto::suite suite = crypto::suite::x25519;
  crypto::psk psk;
  std::uint32_t features = 0;
  handshake_limits limits;
};

struct client_finished {
  byte_buffer ack_frame;  ///< to be sent; then the next message must be the server-finished record
  traffic_keys keys;      ///< not confirmed until that record opened
};

class client_handshake {
 public:
  /// Draws a key pair and a nonce.
  /// Errors   handshake_errc::bad_channel_id, ::bad_limits, ::random_failed.
  [[nodiscard]] static result<client_handshake> begin(client_options options, random_source& random);

  /// INIT. Send it as it is; a retry is these same bytes.
  [[nodiscard]] byte_view init_frame() const noexcept { return init_frame_; }

  /// The first message from the server. One call only: whatever it returns, the handshake is over afterwards and
  /// its secrets are wiped.
  /// Shape    `frame` is one whole transport message; `now` goes into ACK.
  /// Errors   the frame checks, handshake_errc::malformed_message, ::empty_handshake_id, ::malformed_public_key,
  ///          ::malformed_nonce, ::key_agreement_failed, ::clock_out_of_range; ::unexpected_type on a second call.
  [[nodiscard]] result<client_finished> on_frame(byte_view frame, unix_seconds now);

 private:
  struct awaiting_resp {
    client_options options;
    crypto::dh_key_pair key_pair;
    nonce nonce_c;
  };

  explicit client_handshake(awaiting_resp state);
  [[nodiscard]] static result<client_finished> finish(awaiting_resp state, byte_view frame, unix_seconds now);

  std::optional<awaiting_resp> state_;
  byte_buffer init_frame_;
};

}  // namespace flowersec::handshake
