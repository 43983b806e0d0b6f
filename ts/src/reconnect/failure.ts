// What a failure means for the next attempt: whether there is one, and whether everybody else makes one now as well.
// Layer reconnect. Source: ERRORS, "The table", column terminal.

import { FlowersecError, type FlowersecErrorCode } from "../base/index.js";

const terminalCodes: ReadonlySet<unknown> = new Set<FlowersecErrorCode>([
  "canceled", "invalid_input", "invalid_option", "role_mismatch", "transport_policy_denied", "invalid_psk", "invalid_suite", "missing_grant",
  "missing_connect_info", "missing_tunnel_url", "missing_ws_url", "missing_channel_id", "missing_token", "missing_init_exp",
]);

/**
 * Whether another attempt, with a fresh artifact, may help. Errors of other classes count by their `code`, where they have one. attach/canceled is
 * what a tunnel says, and not the caller.
 */
export function isRetryable(error: unknown): boolean {
  const { name, stage, code } = Object(error) as { name?: unknown; stage?: unknown; code?: unknown };
  return name !== "AbortError" && (!terminalCodes.has(code) || (stage === "attach" && code === "canceled"));
}

/** A run was replaced or given up. */
export function superseded(): FlowersecError {
  return new FlowersecError({ path: "auto", stage: "connect", code: "canceled", message: "superseded" });
}

/** Going away, service restart, try again later. */
const leavingCloseCodes: ReadonlySet<unknown> = new Set([1001, 1012, 1013]);
const deepestCause = 16;

/** How the `ws` package says that an upgrade was answered 503, as a tunnel does that drains. Browsers do not tell. */
const unavailable = /^Unexpected server response: 503$/;

/** Whether the other side said that it is going away: a close with such a code, Go Away, or HTTP 503, anywhere among the causes. */
export function isDraining(error: unknown, depth = 0): boolean {
  if (depth > deepestCause || typeof error !== "object" || error === null) return false;
  // The event of a WebSocket is no Error, and has a message too.
  const { name, code, message, cause, errors } = error as { [member in "name" | "code" | "message" | "cause" | "errors"]?: unknown };
  if (name === "WsCloseError" ? leavingCloseCodes.has(code) : name === "YamuxError" && code === "go_away") return true;
  if (typeof message === "string" && unavailable.test(message)) return true;
  return [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])].some((each) => isDraining(each, depth + 1));
}
