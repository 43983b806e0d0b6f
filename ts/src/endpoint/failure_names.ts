// The names of what can go wrong with a grant, and between an open WebSocket and a finished handshake. Loaded when something has.
// Layer endpoint. Imports nothing that clients have already. Source: PROTOCOL, "Attach reasons".

import type { FlowersecErrorCode, FlowersecStage } from "../base/index.js";
import type { HandshakeErrorCode } from "../handshake/error.js";
import { publicNames } from "../handshake/public_names.js";
import type { AttachToken } from "../observability/index.js";

export { diagnose } from "./input_diagnosis.js";

/** A close of the tunnel with one of these as its reason is the answer to the attach. */
const attachTokens: ReadonlySet<unknown> = new Set<AttachToken>([
  "too_many_connections", "expected_attach", "invalid_attach", "invalid_token", "channel_mismatch", "init_exp_mismatch",
  "idle_timeout_mismatch", "role_mismatch", "token_replay", "tenant_mismatch", "policy_denied", "policy_error",
  "replace_rate_limited", "attach_failed", "timeout", "canceled",
]);

/** Code of what ended an attempt, and its stage unless that is the handshake. undefined: it has no name of its own. */
export function nameOf(error: unknown, isTunnel: boolean): readonly [FlowersecErrorCode, FlowersecStage?] | undefined {
  const { name, code, reason } = Object(error) as { name?: unknown; code?: unknown; reason?: unknown };
  if (name === "WsCloseError") return isTunnel && attachTokens.has(reason) ? [reason as AttachToken, "attach"] : undefined;
  return name === "HandshakeError" || name === "FramingError" ? publicNames[code as HandshakeErrorCode] : undefined;
}
