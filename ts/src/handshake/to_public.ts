// From what ended a handshake to the public error model.
// Layer handshake. Source: docs/ERRORS.md.

import type { FlowersecErrorCode, FlowersecStage } from "../base/index.js";
import { HandshakeError } from "./error.js";
import { publicNames } from "./public_names.js";

/**
 * Stage and code of whatever ended a handshake: time-out and cancellation first, then what the machine said, else
 * handshake/handshake_failed. Source: docs/ERRORS.md.
 */
export function toPublic(error: unknown): { stage: FlowersecStage; code: FlowersecErrorCode } {
  const name = error instanceof Error ? error.name : "";
  if (name === "TimeoutError") return { stage: "handshake", code: "timeout" };
  if (name === "AbortError") return { stage: "handshake", code: "canceled" };
  const [code, stage] = (error instanceof HandshakeError && publicNames[error.code]) || ["handshake_failed" as const];
  return { stage: stage ?? "handshake", code };
}
