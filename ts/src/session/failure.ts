// From what went wrong to the error that a caller meets.
// Layer session. Source: PROTOCOL, "Error model".

import { FlowersecError, type FlowersecErrorCode, type FlowersecPath, type FlowersecStage } from "../base/index.js";

/** A FlowersecError; an error that is one already is kept. An aborted wait's cause is the signal's own reason. */
export function failure(path: FlowersecPath, stage: FlowersecStage, code: FlowersecErrorCode, cause?: unknown): FlowersecError {
  if (cause instanceof FlowersecError) return cause;
  return new FlowersecError({ path, stage, code, cause: (code === "canceled" && isAbort(cause) && cause.cause) || cause });
}

/** Whether a wait ended because the caller's signal fired. */
export function isAbort(error: unknown): error is Error {
  return error instanceof Error && error.name === "AbortError";
}

/** How a wait that had a signal and a time-out ended: `otherwise` when neither was why. */
export function howEnded<Otherwise extends string>(error: unknown, otherwise: Otherwise): "canceled" | "timeout" | Otherwise {
  return isAbort(error) ? "canceled" : isTimeout(error) ? "timeout" : otherwise;
}

/** Whether a wait ended because its time was up. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}
