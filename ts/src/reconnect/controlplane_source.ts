// Artifacts that a control plane hands out, one for each attempt.
// Layer reconnect.

import {
  requestConnectArtifact, requestEntryConnectArtifact, type RequestConnectArtifactInput, type RequestEntryConnectArtifactInput,
} from "../controlplane/artifact_request.js";
import type { ArtifactSource } from "./source.js";

/** A request without its signal, which is the attempt's. With an `entryTicket` the entry endpoint is asked. */
export type ControlplaneArtifactSourceInput = Omit<RequestConnectArtifactInput, "signal"> | Omit<RequestEntryConnectArtifactInput, "signal">;

/**
 * Asks a control plane for each attempt. The trace id of `correlation` goes with the first request; later ones carry that of
 * the artifact before. Errors as requestConnectArtifact and requestEntryConnectArtifact.
 */
export function createControlplaneArtifactSource(input: ControlplaneArtifactSourceInput): ArtifactSource & { readonly kind: "refreshable" } {
  return {
    kind: "refreshable",
    acquire: async ({ traceId, signal }) => {
      const request: RequestConnectArtifactInput = { ...input, ...(signal && { signal }) };
      if (traceId !== undefined) request.correlation = { ...input.correlation, traceId };
      return "entryTicket" in input ? requestEntryConnectArtifact({ ...request, entryTicket: input.entryTicket }) : requestConnectArtifact(request);
    },
  };
}
