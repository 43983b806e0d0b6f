// See attach_machine.h.
#include "tunnel/attach_machine.h"

#include <limits>

#include "flowersec/messages/tunnel_v1.h"

namespace flowersec::tunnel {

namespace {

constexpr attach_step refuse(attach_reason why) { return {attach_step::kind::refuse, why}; }

}  // namespace

attach_step attach_machine::on_message(ws::message_kind kind, std::string_view text, const token_verifier& verifier,
                                       const tunnel_limits& limits, bool has_policy, wall_time now) {
  if (kind != ws::message_kind::text) return refuse(attach_reason::expected_attach);
  const auto attach = messages::tunnel::v1::read_attach(text);
  if (!attach) return refuse(attach_reason::invalid_attach);
  auto token = verifier.verify(attach->token.view(), now, limits);
  if (!token) return refuse(attach_reason::invalid_token);
  // The token is believed now; what it says must be what the connection asks for.
  token_ = *std::move(token);
  if (token_.channel_id != attach->channel_id) return refuse(attach_reason::channel_mismatch);
  if (static_cast<std::uint8_t>(token_.role) != static_cast<std::uint8_t>(attach->role)) {
    return refuse(attach_reason::role_mismatch);
  }
  instance_id_ = attach->endpoint_instance_id;
  return {has_policy ? attach_step::kind::ask_policy : attach_step::kind::ask_replay, attach_reason::ok};
}

attach_step attach_machine::on_policy(const std::optional<attach_decision>& decision) {
  // Before the replay store, so that a denied token may be shown again once the policy has changed its mind.
  if (!decision) return refuse(attach_reason::policy_error);
  if (!decision->allowed) return refuse(attach_reason::policy_denied);
  lease_expires_ = decision->lease_expires;
  return {attach_step::kind::ask_replay, attach_reason::ok};
}

attach_step attach_machine::on_replay(replay_answer answer) const {
  if (answer != replay_answer::fresh) return refuse(attach_reason::token_replay);
  return {attach_step::kind::admit, attach_reason::ok};
}

replay_query attach_machine::replay() const {
  replay_query query;
  query.key.reserve(token_.scope.audience.size() + token_.scope.issuer.size() + token_.token_id.size() + 2);
  query.key = token_.scope.audience;
  query.key += '\0';
  query.key += token_.scope.issuer;
  query.key += '\0';
  query.key += token_.token_id;
  constexpr auto skew = clock_skew.count();
  const auto latest = std::numeric_limits<std::int64_t>::max() - skew;
  query.remember_until = std::min(token_.exp, latest) + skew;
  query.issued_at = token_.iat;
  return query;
}

}  // namespace flowersec::tunnel
