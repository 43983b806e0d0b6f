// Texts and codes of outcomes. PROTOCOL, "Attach reasons": clients compare these spellings.
#include "flowersec/tunnel/reasons.h"

#include <array>

namespace flowersec::tunnel {

namespace {

struct refusal {
  std::string_view text;
  std::uint16_t code;
};

constexpr std::uint16_t going_away = 1001;
constexpr std::uint16_t protocol_error = 1002;
constexpr std::uint16_t policy_violation = 1008;
constexpr std::uint16_t internal_error = 1011;
constexpr std::uint16_t try_again_later = 1013;

constexpr std::array<refusal, attach_reason_count> refusals{{
    {"ok", internal_error},
    {"upgrade_error", internal_error},
    {"too_many_connections", try_again_later},
    {"expected_attach", protocol_error},
    {"invalid_attach", protocol_error},
    {"invalid_token", policy_violation},
    {"channel_mismatch", policy_violation},
    {"role_mismatch", policy_violation},
    {"policy_error", policy_violation},
    {"policy_denied", policy_violation},
    {"token_replay", policy_violation},
    {"init_exp_mismatch", policy_violation},
    {"idle_timeout_mismatch", policy_violation},
    {"tenant_mismatch", policy_violation},
    {"replace_rate_limited", try_again_later},
    {"attach_failed", internal_error},
    {"timeout", policy_violation},
    {"canceled", going_away},
}};

constexpr std::array<std::string_view, close_reason_count> endings{
    "peer_closed",  "non_binary_frame", "record_too_large",     "unknown_channel",
    "missing_src",  "pending_overflow", "write_error",          "init_expired",
    "idle_timeout", "policy_denied",    "policy_lease_expired", "resource_exhausted"};

}  // namespace

std::string_view to_text(attach_reason reason) noexcept { return refusals[static_cast<std::size_t>(reason)].text; }

std::uint16_t close_code(attach_reason reason) noexcept { return refusals[static_cast<std::size_t>(reason)].code; }

std::string_view to_text(close_reason reason) noexcept { return endings[static_cast<std::size_t>(reason)]; }

std::string_view to_text(budget_limit limit) noexcept {
  return limit == budget_limit::tenant_queued_bytes ? "tenant_queued_bytes" : "total_queued_bytes";
}

}  // namespace flowersec::tunnel
