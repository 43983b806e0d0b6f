// The life of our registration with one registry: connections, proofs, work, keep-alive, and when it is given up.
// Layer rendezvous, part `client`, private. No I/O; told frames and the time, it answers with intents. Attempts and
// waits are reconnect_machine's. Source: IDENTITY, "Proof of registration"; SECURE_WEBSOCKET, "Registries".
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "endpoint/reconnect_machine.h"
#include "flowersec/rendezvous/client_event.h"
#include "flowersec/rendezvous/frames.h"

namespace flowersec::rendezvous {

using endpoint::attempt_id;

/// Tries of one slice of work: some milliseconds, between which the executor does other things.
inline constexpr std::uint64_t work_slice = 4096;

namespace reg {
/// Open a connection; with the sealed transport, to this one of the pinned keys.
struct dial {
  attempt_id attempt;
  std::size_t key;
};
/// Close whatever there is of it. What it still says changes nothing.
struct drop {
  attempt_id attempt;
};
struct send {
  attempt_id attempt;
  client_frame frame;
};
/// Call work() soon, behind what else waits.
struct work {};
/// A frame of a registered connection that is not about the registration.
struct pass {
  server_frame frame;
};
struct changed {
  registry_status status;
  error_code why;
};
}  // namespace reg

using registration_intent = std::variant<reg::dial, reg::drop, reg::send, reg::work, reg::pass, reg::changed>;

struct registration_settings {
  std::shared_ptr<const identity::identity> self;
  std::vector<public_key> pinned;  ///< not empty
  instance_id instance{};
  bool replace = false;
  endpoint::reconnect_options reconnect{};
  std::chrono::milliseconds timeout = client_limits{}.registration_timeout;
};

class registration_machine {
 public:
  /// `unit` draws numbers, uniform in 0..1, for the waits.
  registration_machine(registration_settings settings, std::function<double()> unit);

  /// Begins unless it has begun; after `failed` it begins anew.
  void start();
  /// Ends it for good.
  void close();
  void opened(attempt_id attempt, mono_time now);
  void take(attempt_id attempt, server_frame frame, mono_time now);
  /// An attempt failed, or a connection is gone. `draining`: the other side announced it.
  void lost(attempt_id attempt, error_code why, bool draining, mono_time now);
  void work(mono_time now);
  void advance(mono_time now);

  [[nodiscard]] std::optional<mono_time> deadline() const;
  [[nodiscard]] std::optional<registration_intent> poll_intent();
  [[nodiscard]] registry_status status() const noexcept { return status_; }
  [[nodiscard]] error_code error() const noexcept { return error_; }
  /// Says something on the registered connection; nothing when there is none.
  void say(client_frame frame);

 private:
  enum class stage : std::uint8_t { challenge, work, answer, registered };
  struct connection {
    attempt_id attempt;
    stage at = stage::challenge;
    mono_time by{};  ///< when the stage has to be over
    mono_time heard_at{};
    mono_time ping_at{};
  };
  struct chosen {
    challenge_frame frame;
    public_key registry;
    std::optional<identity::work_search> search{};
  };

  void on(const challenge_frame& frame, mono_time now);
  void on(const registered_frame& frame, mono_time now);
  void on(const error_frame& frame, mono_time now);
  void answer(std::optional<identity::work_nonce> nonce, mono_time now);
  void end(error_code why);
  void settle();
  void become(registry_status status, error_code why);

  registration_settings settings_;
  endpoint::reconnect_machine attempts_;
  std::deque<registration_intent> intents_;
  std::optional<attempt_id> dialing_;
  std::optional<connection> connection_;
  std::optional<chosen> chosen_;
  std::chrono::seconds keepalive_ = keepalive_interval;
  std::size_t key_ = 0;  ///< of the pinned ones, sealed to
  bool started_ = false;
  registry_status status_ = registry_status::closed;
  error_code error_;
};

}  // namespace flowersec::rendezvous
