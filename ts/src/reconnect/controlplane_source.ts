// Artifacts that a control plane hands out, one for each attempt.
// Layer reconnect.

import { FlowersecError, type FlowersecErrorCode } from "../base/index.js";
import {
  ControlplaneRequestError, requestConnectArtifact, requestEntryConnectArtifact, type RequestConnectArtifactInput, type RequestEntryConnectArtifactInput,
} from "../controlplane/artifact_request.js";
import { isRetryable } from "./failure.js";
import type { ArtifactSource } from "./source.js";

/** A request without its signal, which is the attempt's. With an `entryTicket` the entry endpoint is asked. */
export type ControlplaneArtifactSourceInput = Omit<RequestConnectArtifactInput, "signal"> | Omit<RequestEntryConnectArtifactInput, "signal">;

/**
 * Asks a control plane for each attempt. The trace id of `correlation` goes with the first request; later ones carry that of
 * the artifact before. Errors: FlowersecError auto/validate/resolve_failed, whose cause is that of requestConnectArtifact;
 * transport_policy_denied, invalid_option, and a terminal code that the control plane gave, are final. The signal's reason.
 */
export function createControlplaneArtifactSource(input: ControlplaneArtifactSourceInput): ArtifactSource & { readonly kind: "refreshable" } {
  return {
    kind: "refreshable",
    acquire: async ({ traceId, signal }) => {
      const request: RequestConnectArtifactInput = { ...input, ...(signal && { signal }) };
      if (traceId !== undefined) request.correlation = { ...input.correlation, traceId };
      try {
        return await ("entryTicket" in input ? requestEntryConnectArtifact({ ...request, entryTicket: input.entryTicket }) : requestConnectArtifact(request));
      } catch (cause) {
        if (signal?.aborted) throw cause;
        throw new FlowersecError({ path: "auto", stage: "validate", code: codeOf(cause), message: (cause as Error).message, cause });
      }
    },
  };
}

/** A control plane may say in the words of the error model that asking again is pointless; `canceled` is not its to say. */
function codeOf(cause: unknown): FlowersecErrorCode {
  if (!(cause instanceof ControlplaneRequestError) || cause.code === "canceled" || isRetryable(cause)) return "resolve_failed";
  return cause.code as FlowersecErrorCode;
}
