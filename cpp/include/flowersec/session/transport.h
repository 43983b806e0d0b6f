// What a session runs over: an ordered pipe of messages.
// Layer session. WebSockets and in-memory pipes are transports; anything that keeps messages whole and in order can be
// one. It knows nothing of what the messages mean.
// Threads: every call in both directions happens on the session's strand, which the transport was made with.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "flowersec/base/bytes.h"
#include "flowersec/base/error.h"
#include "flowersec/session/outbox.h"

namespace flowersec::session {

enum class message_kind : std::uint8_t { text, binary };

/// Why a transport ended. `reason` is what the other side said, which on the tunnel path has a meaning during the
/// handshake; an end without a word is as normal as any.
struct transport_end {
  error_code cause;
  std::optional<std::uint16_t> close_code;
  std::string reason;
};

/// `bytes` may be changed in place.
struct transport_message {
  message_kind kind;
  mutable_byte_view bytes;
};

/// Whoever uses a transport.
class transport_user {
 public:
  virtual ~transport_user() = default;
  /// Answer to receive(). Valid during the call, until try_receive().
  virtual void on_message(transport_message message) = 0;
  /// Later answer to send(): the batch is free again.
  virtual void on_sent() = 0;
  /// The last call of all, once, also after close().
  virtual void on_end(transport_end why) = 0;
};

class transport {
 public:
  virtual ~transport() = default;

  /// Room that send() needs in front of each message.
  [[nodiscard]] virtual prefix_rule prefix() const noexcept = 0;

  /// The user of this transport from now on, kept alive while an operation is under way, which holds it. Before
  /// receive() and send().
  virtual void set_user(std::weak_ptr<transport_user> user) = 0;

  /// Asks for one message; at most one request is under way. Never answered inside the call.
  virtual void receive() = 0;
  /// The next message, if it is there already: for use inside on_message(), so that a batch costs one wake-up. Valid
  /// until the next call of this or receive(). nullopt: receive() tells more.
  [[nodiscard]] virtual std::optional<transport_message> try_receive() = 0;
  /// Sends the binary messages of a batch in order. True: they left at once, and the batch is free again. False:
  /// on_sent() or on_end() follows, never inside the call; at most one batch is under way, and it stays until then.
  /// Independent of receive(): neither waits for the other.
  [[nodiscard]] virtual bool send(outbox& batch) = 0;

  /// Ends both directions, politely if that is possible without waiting for the peer. on_end follows.
  virtual void close() = 0;
};

}  // namespace flowersec::session
