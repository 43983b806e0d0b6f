// See token_admission.h.
#include "tunnel/token_admission.h"

#include <utility>

namespace flowersec::tunnel {

namespace {

void append_escaped(std::string& label, std::string_view part) {
  for (const char c : part) {
    if (c == '|' || c == '\\') label += '\\';
    label += c;
  }
}

}  // namespace

std::string budget_label(std::string_view audience, std::string_view issuer) {
  std::string label;
  append_escaped(label, audience);
  label += '|';
  append_escaped(label, issuer);
  return label;
}

std::optional<verified_token> admit_token(token::verified_token token, wall_time now, const tunnel_limits& limits) {
  const auto bounded = with_bounded_times(limits);
  const token::server_bounds bounds{.max_token_lifetime = bounded.max_token_lifetime,
                                    .max_init_horizon = bounded.max_init_horizon};
  if (token::check_server_bounds(token, bounds, now)) return std::nullopt;
  verified_token admitted;
  admitted.scope.audience = std::move(token.aud);
  admitted.scope.issuer = std::move(token.iss);
  admitted.channel_id = std::move(token.channel_id);
  admitted.role = static_cast<endpoint_role>(token.role);
  admitted.token_id = std::move(token.token_id);
  admitted.init_exp = count(token.init_exp);
  admitted.idle_timeout_seconds = static_cast<std::int32_t>(token.idle_timeout.count());
  admitted.iat = count(token.iat);
  admitted.exp = count(token.exp);
  return admitted;
}

}  // namespace flowersec::tunnel
