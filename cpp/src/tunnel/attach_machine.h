// The steps of one attach, in the order that is visible from outside, without I/O.
// Layer tunnel. PROTOCOL, "Tunnel attach": message, JSON, token, channel, role, policy, replay, admission. The owner
// asks whom the step names and comes back with the answer; the first refusal is final.
#pragma once

#include <optional>
#include <string>

#include "flowersec/tunnel/limits.h"
#include "flowersec/tunnel/policy.h"
#include "flowersec/tunnel/reasons.h"
#include "flowersec/tunnel/replay.h"
#include "flowersec/tunnel/verifier.h"
#include "flowersec/ws/message_reader.h"

namespace flowersec::tunnel {

struct attach_step {
  enum class kind : std::uint8_t { refuse, ask_policy, ask_replay, admit };
  kind what = kind::refuse;
  attach_reason reason = attach_reason::ok;  ///< of a refusal
};

class attach_machine {
 public:
  /// The first data message of the connection.
  [[nodiscard]] attach_step on_message(ws::message_kind kind, std::string_view text, const token_verifier& verifier,
                                       const tunnel_limits& limits, bool has_policy, wall_time now);
  [[nodiscard]] attach_step on_policy(const std::optional<attach_decision>& decision);
  [[nodiscard]] attach_step on_replay(replay_answer answer) const;

  /// Valid after ask_policy, ask_replay or admit.
  [[nodiscard]] const verified_token& token() const noexcept { return token_; }
  /// Label of the token's scope; empty before the token is believed.
  [[nodiscard]] const std::string& tenant() const noexcept { return token_.scope.budget_label; }
  [[nodiscard]] const std::string& endpoint_instance_id() const noexcept { return instance_id_; }
  [[nodiscard]] replay_query replay() const;
  [[nodiscard]] const std::optional<wall_time>& lease_expires() const noexcept { return lease_expires_; }

 private:
  verified_token token_;
  std::string instance_id_;
  std::optional<wall_time> lease_expires_;
};

}  // namespace flowersec::tunnel
