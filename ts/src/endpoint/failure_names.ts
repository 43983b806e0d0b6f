// The names of what can go wrong between an open WebSocket and a finished handshake. Loaded when something has.
// Layer endpoint. Source: PROTOCOL, "Attach reasons".

import type { AttachToken } from "../observability/index.js";

export { publicNames } from "../handshake/public_names.js";

/** A close of the tunnel with one of these as its reason is the answer to the attach. */
export const attachTokens: ReadonlySet<string> = new Set<AttachToken>([
  "too_many_connections", "expected_attach", "invalid_attach", "invalid_token", "channel_mismatch", "init_exp_mismatch",
  "idle_timeout_mismatch", "role_mismatch", "token_replay", "tenant_mismatch", "policy_denied", "policy_error",
  "replace_rate_limited", "attach_failed", "timeout", "canceled",
]);
