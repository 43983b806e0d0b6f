// Where a connection that is tried again gets its artifacts from: every attempt needs a fresh one.
// Layer reconnect.

import { FlowersecError, withAbort } from "../base/index.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";

/** What an acquisition is told. */
export interface ArtifactRequest {
  /** Of the artifact before. */
  readonly traceId?: string;
  /** Nobody wants the artifact any more. */
  readonly signal?: AbortSignal;
}

/** `once` has one artifact and cannot reconnect; `refreshable` is asked for each attempt, never twice at once by one manager. */
export type ArtifactSource =
  | { readonly kind: "once"; readonly artifact: ConnectArtifact }
  | {
      readonly kind: "refreshable";
      /** A fresh artifact for one attempt. Errors: what it rejects with ends the attempt, and by its code perhaps all of them. */
      acquire(request: ArtifactRequest): Promise<ConnectArtifact>;
    };

/** Gets the artifact of the next attempt. Errors: AbortError when the signal fires; those of the source. */
export type ArtifactResolver = (request?: { readonly signal?: AbortSignal | undefined }) => Promise<ConnectArtifact>;

/**
 * Acquires from a source, one artifact after the other, and tells each acquisition the trace id of the artifact before. The
 * second acquisition from a source that yields once fails with validate/missing_grant or missing_connect_info.
 */
export function createArtifactResolver(source: ArtifactSource): ArtifactResolver {
  if (source.kind === "once") {
    let left: ConnectArtifact | undefined = source.artifact;
    const { transport: path } = source.artifact;
    return async () => {
      if (left === undefined) throw new FlowersecError({ path, stage: "validate", code: path === "tunnel" ? "missing_grant" : "missing_connect_info" });
      const artifact = left;
      left = undefined;
      return artifact;
    };
  }
  let traceId: string | undefined;
  return async ({ signal } = {}) => {
    const request = { ...(traceId !== undefined && { traceId }), ...(signal && { signal }) };
    const artifact = await withAbort(source.acquire(request), signal);
    traceId = artifact.correlation?.trace_id ?? traceId;
    return artifact;
  };
}
