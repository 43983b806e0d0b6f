// Names for what ended a connection, or kept one from being.
// Layer ownwire.

import { OwnwireError, type OwnwireErrorCode } from "./error.js";

/** Reasons of a close before the handshake. Anybody on the way may have said them: they choose words, nothing else. */
const openTokens: ReadonlySet<unknown> = new Set<OwnwireErrorCode>(["rate_limited", "open_timeout", "invalid_open", "unknown_key"]);
const deepestCause = 16;

interface Named {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly stage?: unknown;
  readonly reason?: unknown;
  readonly cause?: unknown;
}

/** The first one among an error and its causes that `matches`. */
function among(error: unknown, matches: (each: Named) => boolean, depth = 0): Named | undefined {
  if (typeof error !== "object" || error === null || depth > deepestCause) return undefined;
  return matches(error) ? error : among((error as Named).cause, matches, depth + 1);
}

/** As an OwnwireError, which it is the cause of. */
export function nameFailure(error: unknown): OwnwireError {
  if (error instanceof OwnwireError) return error;
  return new OwnwireError(codeOf(error), { cause: error });
}

function codeOf(error: unknown): OwnwireErrorCode {
  if (among(error, ({ name }) => name === "JsonFramingError" || name === "TypeError")) return "invalid_frame";
  const { stage, code } = (error ?? {}) as Named;
  if (stage === "validate") return "invalid_key";
  if (stage === "connect") return code === "timeout" ? "connect_timeout" : "connect_failed";
  if (stage !== "handshake") return "connection_lost";
  const closed = among(error, ({ name }) => name === "WsCloseError");
  if (closed !== undefined) return openTokens.has(closed.reason) ? (closed.reason as OwnwireErrorCode) : "connection_lost";
  return code === "timeout" ? "handshake_timeout" : "handshake_failed";
}
