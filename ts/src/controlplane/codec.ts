// Bodies of the artifact endpoints, for whoever serves them: serve them as application/json and never cached.
// Layer controlplane. No HTTP here: bytes in, text out.

import { controlplaneDefaults, fromUtf8, trimmed } from "../base/index.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import type { ArtifactRequestCorrelation } from "./artifact_request.js";
import { encodeConnectArtifact } from "./artifact_text.js";
import { isObject, readObject, strangerAmong, type Members } from "./json_text.js";
import { isJsonMediaType } from "./media_type.js";

/** More no limit allows: no JSON text of the protocol is longer. */
const mostBodyBytes = 1_048_576;

/** What a client asks for. */
export interface ArtifactRequest {
  endpointId: string;
  payload?: Record<string, unknown>;
  correlation?: ArtifactRequestCorrelation;
}

/** Why a request is refused: HTTP status, and code and message for encodeControlplaneError. Hooks of an endpoint throw it too. */
export class ControlplaneCodecError extends Error {
  override readonly name = "ControlplaneCodecError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What a body may have. 0, below and absent mean 32 768; more than 1 MiB means that. */
export function bodyLimit(maxBodyBytes = 0): number {
  return maxBodyBytes > 0 ? Math.min(maxBodyBytes, mostBodyBytes) : controlplaneDefaults.maxRequestBodyBytes;
}

export function checkContentType(contentType: string | null | undefined): void {
  if (!isJsonMediaType(contentType ?? "")) throw new ControlplaneCodecError(415, "unsupported_media_type", "content type must be application/json");
}

export function bodyTooLarge(limit: number): ControlplaneCodecError {
  return new ControlplaneCodecError(413, "body_too_large", `request body exceeds ${limit} bytes`);
}

/**
 * Reads a request. Throws ControlplaneCodecError: 415 unsupported_media_type, 413 body_too_large, 400 invalid_json, 400
 * invalid_request, in the order of CONTROLPLANE, "Refusals". `maxBodyBytes` is in bytes, as for an endpoint.
 */
export function decodeArtifactRequest(contentType: string | null | undefined, body: Uint8Array, maxBodyBytes = 0): ArtifactRequest {
  checkContentType(contentType);
  const limit = bodyLimit(maxBodyBytes);
  if (body.length > limit) throw bodyTooLarge(limit);
  const value = membersOf(body);
  const stranger = strangerAmong(value, ["endpoint_id", "payload", "correlation"]);
  if (stranger !== undefined) throw badRequest(`unknown request field: ${stranger}`);
  const { endpoint_id, payload } = value;
  if (endpoint_id === undefined) throw badRequest("missing endpoint_id");
  const endpointId = trimmed(endpoint_id);
  if (endpointId === "") throw badRequest("bad endpoint_id");
  if (payload !== undefined && !isObject(payload)) throw badRequest("bad payload");
  const traceId = traceIdOf(value["correlation"]);
  return { endpointId, ...(payload === undefined ? {} : { payload }), ...(traceId === "" ? {} : { correlation: { traceId } }) };
}

function membersOf(body: Uint8Array): Members {
  try {
    return readObject(body);
  } catch {
    let message = "malformed JSON request body"; // without the engine's reason, which quotes the body
    try {
      const text = fromUtf8(body);
      if (trimmed(text) === "") message = "request body must be a JSON object";
      else if (JSON.parse(text) === null) return {}; // an object without anything
    } catch {
      // No text, or no JSON.
    }
    throw new ControlplaneCodecError(400, "invalid_json", message);
  }
}

function traceIdOf(correlation: unknown): string {
  if (correlation === undefined || correlation === null) return "";
  if (!isObject(correlation)) throw badRequest("bad correlation");
  const stranger = strangerAmong(correlation, ["trace_id"]);
  if (stranger !== undefined) throw badRequest(`unknown correlation field: ${stranger}`);
  const traceId = correlation["trace_id"] ?? "";
  if (typeof traceId !== "string") throw badRequest("bad correlation.trace_id");
  return trimmed(traceId);
}

function badRequest(message: string): ControlplaneCodecError {
  return new ControlplaneCodecError(400, "invalid_request", message);
}

/** Body of a good answer, status 200. Throws as encodeConnectArtifact does. */
export function encodeArtifactEnvelope(artifact: ConnectArtifact): string {
  return `{"connect_artifact":${encodeConnectArtifact(artifact)}}\n`;
}

/** Body of any other answer. */
export function encodeControlplaneError(code: string, message: string): string {
  return `${JSON.stringify({ error: { code, message } })}\n`;
}

/** The ticket of an Authorization header, or undefined: it must start with exactly `Bearer `. */
export function bearerToken(header: string | null | undefined): string | undefined {
  const text = trimmed(header);
  return text.startsWith("Bearer ") ? trimmed(text.slice("Bearer ".length)) || undefined : undefined;
}
